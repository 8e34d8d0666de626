//! Who is calling: from cookie, token or nothing to an [`Actor`](crate::context::Actor).
//!
//! On an instance of one account a caller without a credential is the owner, which is why only the
//! loopback interface is served; a browser may take a name (`login_session`). On a shared host
//! everybody shows a personal access token (`personal_token`), in a browser once. Programs may have a
//! short-lived access token (`jwt`), an agent gets a session token (`session_token`).

pub(crate) mod extract;
pub(crate) mod jwt;
pub(crate) mod login_session;
pub(crate) mod personal_token;
pub(crate) mod policy;
pub(crate) mod routes;
pub(crate) mod session_token;
mod store;
#[cfg(test)]
mod tests;
pub(crate) mod token;
