//! People, their Unix accounts and their tokens.

use crate::isolation::UnixAccount;
use crate::{TokenId, UnixMillis, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a person may do to the instance itself.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    ToSchema,
    ts_rs::TS,
)]
#[serde(rename_all = "snake_case")]
pub enum UserRole {
    /// Whose instance it is; there is one, and it cannot be retired.
    Owner,
    /// Adds and retires people, makes tokens for them, and may do everything on every board.
    Admin,
    /// Makes boards, registers repositories, and does on boards what rights there allow.
    #[default]
    Member,
    /// Sees the boards that it may see, and does nothing else, whatever grants say.
    Viewer,
}

impl UserRole {
    /// Name as on the wire and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Member => "member",
            Self::Viewer => "viewer",
        }
    }

    /// Every role, the one that may most first.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Member, Self::Viewer];

    /// Whether the role is enough where `least` is needed.
    #[must_use]
    pub const fn holds(self, least: Self) -> bool {
        self as u8 <= least as u8
    }
}

/// A person that Grove knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Name that others see.
    pub name: String,
    /// One emoji.
    pub emoji: String,
    /// Colour slot 0 to 11 of cursors and avatars.
    pub slot: i32,
    /// What the person may do to the instance itself.
    pub role: UserRole,
    /// Unix account that the person's sessions run as; only on a shared host.
    pub unix_account: Option<UnixAccount>,
    /// When it was made.
    #[ts(type = "number")]
    pub created_at_ms: UnixMillis,
    /// When it was last changed.
    #[ts(type = "number")]
    pub updated_at_ms: UnixMillis,
    /// When the person was retired: the name stays for history, nothing else does.
    #[ts(type = "number | null")]
    pub retired_at_ms: Option<UnixMillis>,
}

/// Changes of one's own user; absent fields stay as they are.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct PatchUser {
    /// Name that others see: 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    /// One emoji.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub emoji: Option<String>,
}

/// A new person; on a shared host with a Unix account. Gives a person of that name who has no
/// account one.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUser {
    /// Name that others see: 1 to 200 characters.
    pub name: String,
    /// Unix account that is there already and is in the account group; by default Grove makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unix_account: Option<String>,
    /// `member` (the default), `admin` or `viewer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<UserRole>,
}

/// A personal access token, without its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, ToSchema)]
pub struct PersonalToken {
    /// Its id.
    pub id: TokenId,
    /// Whom it stands for.
    pub user_id: UserId,
    /// What it is for.
    pub name: String,
    /// When it was made.
    pub created_at_ms: UnixMillis,
    /// When it stops to be valid; absent: never.
    pub expires_at_ms: Option<UnixMillis>,
    /// When it was last used, to the minute.
    pub last_used_at_ms: Option<UnixMillis>,
}

/// A new personal access token.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreatePersonalToken {
    /// What it is for: 1 to 200 characters.
    pub name: String,
    /// Life in days: 1 to 3,650, by default 90.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_days: Option<i64>,
}

/// A personal access token that was just made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewPersonalToken {
    /// The token's entry.
    pub entry: PersonalToken,
    /// The token itself: `grove_pat_` and 64 hex digits; shown this once.
    pub token: String,
}
