//! Repositories on their way between two keepers: packed by a person's, taken in by the daemon's.
//!
//! On a shared host no repository is written by two accounts, so objects cross as bundles, in pieces,
//! through the daemon.

use super::method::RepoFacts;
use serde::{Deserialize, Serialize};

/// A reference and what it names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefValue {
    /// Its full name, such as `refs/heads/main`.
    pub name: String,
    /// Its object: 40 or 64 hex digits.
    pub commit: String,
}

/// Packs what a source has and the mirror has not. The keeper of the person reads the source, with the
/// person's rights and keys.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateBundle {
    /// Path or URL.
    pub source: String,
    /// Directory of the mirror; what it has is left out when it is there.
    pub mirror: String,
    /// File of the bundle, whose folder is made when absent.
    pub bundle: String,
    /// Comes back in `git.progress`.
    pub progress: String,
}

/// Answer to `git.bundle_create` and `git.publish`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleMade {
    /// Size of the file; 0 when the mirror has everything and there is none.
    pub bytes: u64,
    /// What the source's references name, at most `limits::BUNDLE_REFS`.
    pub refs: Vec<RefValue>,
    /// Default branch and its commit.
    pub facts: RepoFacts,
}

/// Reads a piece of a bundle.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadBundle {
    /// File of the bundle.
    pub bundle: String,
    /// Where the piece begins.
    pub offset: u64,
}

/// Answer to `git.bundle_read`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BundlePiece {
    /// At most `limits::BUNDLE_PIECE_BYTES`, in base64.
    pub data: String,
    /// Whether the file ends with it.
    pub is_last: bool,
}

/// Appends a piece to a bundle.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteBundle {
    /// File of the bundle, whose folder is made when absent.
    pub bundle: String,
    /// Size of the file so far; 0 begins it anew.
    pub offset: u64,
    /// The piece, in base64.
    pub data: String,
}

/// What an import does with the references.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportKind {
    /// The mirror becomes what the source is: branches that are not named go.
    Mirror,
    /// Published branches below `refs/users/` come in addition.
    Publish,
}

/// Takes a bundle into the mirror, every object checked. All or nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportBundle {
    /// File of the bundle; absent: the mirror has every object already.
    pub bundle: Option<String>,
    /// Directory of the mirror; made when absent.
    pub mirror: String,
    /// What is done with the references.
    pub kind: ImportKind,
    /// The references.
    pub refs: Vec<RefValue>,
    /// Branch that a new mirror's `HEAD` names.
    pub default_branch: String,
}

/// Removes a bundle, or a folder of them, and what was needed to make it. Done when it is not there.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropBundle {
    /// File or folder.
    pub bundle: String,
}

/// Packs a branch of a private repository, without what the mirror has.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishBranch {
    /// Directory of the mirror.
    pub mirror: String,
    /// Directory of the private bare repository.
    pub private: String,
    /// The branch.
    pub branch: String,
    /// File of the bundle, whose folder is made when absent.
    pub bundle: String,
}
