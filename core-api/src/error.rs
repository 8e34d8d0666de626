//! What goes wrong, as clients see it: one closed list of codes and one problem document (RFC 9457).
//!
//! Clients match `code`, never the text. The table from code to HTTP status, MCP error and CLI exit
//! code is [`ErrorCode::status`] and [`ErrorCode::exit_code`]; nothing else maps errors.

use crate::rest::grants::MissingRight;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! error_codes {
    ($($(#[$doc:meta])* $name:ident, $text:literal, $status:literal, $exit:literal, $title:literal;)*) => {
        /// Stable name of what went wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema,
                 ToSchema, ts_rs::TS)]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl ErrorCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as it stands on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The HTTP status that carries this code.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// The exit code of `grove` when a call ends in this code.
            #[must_use]
            pub const fn exit_code(self) -> u8 {
                match self { $(Self::$name => $exit,)* }
            }

            /// A short title in plain words, the same for each occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

error_codes! {
    /// The request does not fit the documented shape or a value is out of its range.
    InvalidRequest, "invalid_request", 400, 2, "The request is not valid";
    /// The body is not JSON.
    InvalidJson, "invalid_json", 400, 2, "The body is not valid JSON";
    /// The `Content-Type` is not `application/json`.
    UnsupportedMediaType, "unsupported_media_type", 415, 2, "Send JSON";
    /// No or wrong credentials.
    Unauthenticated, "unauthenticated", 401, 4, "Sign in first";
    /// The caller may not do this.
    Forbidden, "forbidden", 403, 4, "Not allowed";
    /// Nothing by that id that the caller may see.
    NotFound, "not_found", 404, 3, "Not found";
    /// The route exists, the method does not.
    MethodNotAllowed, "method_not_allowed", 405, 2, "Method not allowed";
    /// A short id fits several things; the candidates are listed.
    AmbiguousId, "ambiguous_id", 409, 3, "The short id fits more than one";
    /// The thing is in a state that does not allow this.
    Conflict, "conflict", 409, 5, "Conflicts with the present state";
    /// The files that it needs lie at another daemon of the same instance, which is named.
    Elsewhere, "elsewhere", 409, 5, "At another daemon";
    /// `If-Match` names an older version.
    PreconditionFailed, "precondition_failed", 412, 5, "Somebody changed it first";
    /// The same `Idempotency-Key` came with another body.
    IdempotencyMismatch, "idempotency_mismatch", 422, 5, "The Idempotency-Key was used for another request";
    /// It is archived or removed.
    Gone, "gone", 410, 5, "No longer there";
    /// Over a documented size.
    TooLarge, "too_large", 413, 2, "Too large";
    /// Too many requests; `Retry-After` tells when to come back.
    RateLimited, "rate_limited", 429, 6, "Too many requests";
    /// The path or URL of a repository cannot be reached.
    RepoUnreachable, "repo_unreachable", 422, 5, "The repository cannot be reached";
    /// The directory is not a git repository.
    NotARepository, "not_a_repository", 422, 5, "Not a git repository";
    /// The repository has no commit yet.
    EmptyRepository, "empty_repository", 422, 5, "The repository has no commit yet";
    /// A branch of that name is there already.
    BranchExists, "branch_exists", 409, 5, "The branch exists already";
    /// git does not accept the branch or reference name.
    InvalidBranchName, "invalid_branch_name", 400, 2, "Not a valid branch name";
    /// No such branch, tag or commit.
    UnknownReference, "unknown_reference", 422, 5, "No such branch, tag or commit";
    /// git is not installed, or not on the `PATH`.
    GitMissing, "git_missing", 503, 7, "git is not installed";
    /// git ended with an error that has no code of its own.
    GitFailed, "git_failed", 502, 7, "git reported an error";
    /// The executor could not be started or does not answer.
    ExecutorFailed, "executor_failed", 502, 7, "The executor does not answer";
    /// The disk is full.
    StorageFull, "storage_full", 507, 7, "The disk is full";
    /// Not ready, shutting down, or a bounded queue is full.
    Unavailable, "unavailable", 503, 7, "Not available right now";
    /// It took longer than its limit.
    Timeout, "timeout", 504, 7, "Took too long";
    /// A defect in Grove; the log has the details under the request id.
    Internal, "internal", 500, 1, "Something went wrong inside Grove";
}

/// One wrong field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct FieldError {
    /// Path of the field, such as `title` or `ops[2].v`.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// An RFC 9457 problem document, the body of each error answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct Problem {
    /// `urn:grove:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Short title, the same for each occurrence of the code.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// Stable code for programs.
    pub code: ErrorCode,
    /// What happened this time, for people.
    pub detail: String,
    /// What the person can do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub hint: Option<String>,
    /// Id of the request, also in the log and in the `X-Request-Id` header.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub request_id: String,
    /// Wrong fields, when the request was not valid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// What an ambiguous short id may have meant, as whole ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
    /// The right that the caller lacks on a board, and who can give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub missing: Option<Box<MissingRight>>,
}

impl Problem {
    /// Makes the document for one occurrence of `code`.
    #[must_use]
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:grove:problem:{}", code.as_str()),
            title: code.title().to_owned(),
            status: code.status(),
            code,
            detail: detail.into(),
            hint: None,
            request_id: String::new(),
            errors: Vec::new(),
            candidates: Vec::new(),
            missing: None,
        }
    }

    /// Adds what the person can do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
