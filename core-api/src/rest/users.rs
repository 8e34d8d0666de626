//! People.

use crate::{UnixMillis, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
    /// When it was made.
    #[ts(type = "number")]
    pub created_at_ms: UnixMillis,
    /// When it was last changed.
    #[ts(type = "number")]
    pub updated_at_ms: UnixMillis,
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
