//! Typed identifiers: `UUIDv7`, one Rust type per entity, minted only in the daemon.
//!
//! The short form of an id is the last eight hex digits of its UUID (the random part, so that ids
//! made in the same millisecond still differ).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use utoipa::ToSchema;
use uuid::Uuid;

/// Hex digits in the short form of an id.
pub const SHORT_ID_LEN: usize = 8;

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident => $noun:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
                 JsonSchema, ToSchema, ts_rs::TS)]
        #[serde(transparent)]
        #[schema(value_type = String, format = Uuid)]
        #[ts(type = "string")]
        pub struct $name(pub Uuid);

        impl $name {
            /// The entity's name in messages to people.
            pub const NOUN: &'static str = $noun;

            /// Returns the last eight hex digits, which people type instead of the whole id.
            #[must_use]
            pub fn short(&self) -> String {
                let hex = self.0.simple().to_string();
                hex[hex.len() - SHORT_ID_LEN..].to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )*};
}

typed_ids! {
    /// A person (or service) that Grove knows.
    UserId => "user";
    /// People under one name, who are given rights together.
    GroupId => "group";
    /// A shared spatial board.
    BoardId => "board";
    /// A thing on a board; a session's card has the session's own UUID.
    BoardObjectId => "board object";
    /// A comment on a board, an object, a message or a line of a diff.
    CommentId => "comment";
    /// A registered repository.
    RepoId => "repo";
    /// A git worktree that Grove made.
    WorktreeId => "worktree";
    /// An agent conversation with its genealogy.
    SessionId => "session";
    /// One prompt's turn in a session.
    TaskId => "task";
    /// One entry of a session's history.
    MessageId => "message";
    /// A request for permission that waits for a person.
    PermissionId => "permission request";
    /// A personal access token.
    TokenId => "token";
    /// One run of one executor process.
    ExecutorId => "executor";
    /// A text that several people write together; it has the id of the note or session it belongs to.
    DocId => "document";
}

impl From<SessionId> for DocId {
    fn from(id: SessionId) -> Self {
        Self(id.0)
    }
}

impl From<BoardObjectId> for DocId {
    fn from(id: BoardObjectId) -> Self {
        Self(id.0)
    }
}

impl From<SessionId> for BoardObjectId {
    fn from(id: SessionId) -> Self {
        Self(id.0)
    }
}

/// What a person may write where an id is expected: the whole UUID or at least its last eight digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdRef {
    /// The whole id.
    Full(Uuid),
    /// The end of an id: 8 to 31 lower-case hex digits.
    Short(String),
}

impl FromStr for IdRef {
    type Err = InvalidIdRef;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(id) = Uuid::parse_str(text) {
            return Ok(Self::Full(id));
        }
        let is_short = (SHORT_ID_LEN..32).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_short { Ok(Self::Short(text.to_ascii_lowercase())) } else { Err(InvalidIdRef) }
    }
}

impl fmt::Display for IdRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(id) => id.fmt(f),
            Self::Short(end) => f.write_str(end),
        }
    }
}

/// The text is neither a UUID nor the end of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id: write the whole UUID or at least its last {SHORT_ID_LEN} hex digits")]
pub struct InvalidIdRef;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_id_is_the_end_of_the_uuid_and_parses_back() {
        let id = SessionId(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_dead_beef));
        assert_eq!(id.short(), "deadbeef");
        assert_eq!("DEADBEEF".parse(), Ok(IdRef::Short("deadbeef".into())));
        assert_eq!(id.to_string().parse(), Ok(IdRef::Full(id.0)));
    }

    #[test]
    fn what_is_not_hex_is_not_an_id() {
        for text in ["", "abc", "deadbee", "../../etc", "xyzxyzxy", "-rf aaaa"] {
            assert_eq!(text.parse::<IdRef>(), Err(InvalidIdRef), "{text}");
        }
    }
}
