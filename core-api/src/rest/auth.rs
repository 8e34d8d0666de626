//! Login sessions of browsers and access tokens of programs.

use crate::Secret;
use crate::rest::users::User;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Joins an instance: where nobody signs in under a name of one's choice, anywhere with a personal
/// access token.
///
/// A user of that name is taken when there is one, else made.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema, ts_rs::TS)]
#[serde(deny_unknown_fields)]
pub struct CreateLoginSession {
    /// Name that others see: 1 to 200 characters. Refused on a shared host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub name: Option<String>,
    /// A personal access token, instead of a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    #[ts(optional, type = "string")]
    pub token: Option<Secret>,
    /// One emoji.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub emoji: Option<String>,
}

/// The browser's login session.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, ts_rs::TS)]
pub struct LoginSession {
    /// Who is signed in.
    pub user: User,
    /// Whether the person signed in; without it the browser acts as the instance's owner.
    pub is_named: bool,
}

/// A short-lived bearer token for the API, the WebSocket and MCP.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema, ts_rs::TS)]
pub struct AccessToken {
    /// The token (a JWT); shown once.
    pub access_token: String,
    /// Life in seconds.
    #[ts(type = "number")]
    pub expires_in_secs: i64,
}
