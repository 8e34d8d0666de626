//! Who is calling: from cookie, token or nothing to an [`Actor`](crate::context::Actor).
//!
//! Nobody has an account yet: without a credential the caller is the instance's owner, which is why
//! only the loopback interface is served. A browser may take a name (`login_session`), a program an
//! access token (`jwt`), an agent gets a session token (`session_token`).

pub(crate) mod extract;
pub(crate) mod jwt;
pub(crate) mod login_session;
pub(crate) mod policy;
pub(crate) mod routes;
pub(crate) mod session_token;
mod store;
pub(crate) mod token;
