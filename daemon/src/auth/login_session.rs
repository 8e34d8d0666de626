//! Login sessions of browsers: a cookie, and a row that holds who it is.

use super::{extract, personal_token, store, token};
use crate::app::App;
use crate::error::Error;
use crate::users;
use async_trait::async_trait;
use grove_core_api::rest::auth::{CreateLoginSession, LoginSession};
use grove_core_api::{ErrorCode, TokenId, UserId, limits};
use std::fmt;
use std::sync::Weak;
use time::{Duration, OffsetDateTime};
use tower_sessions::cookie::SameSite;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{self, SessionStore};
use tower_sessions::{Expiry, Session, SessionManagerLayer};

/// Name of the cookie.
const COOKIE: &str = "grove_session";
/// Key under which the user stands in a login session.
const USER: &str = "user";
/// Key under which the token stands that was signed in with.
const TOKEN: &str = "token";

/// The layer that reads and writes the cookie.
///
/// The cookie is not marked `Secure`: only the loopback interface is served, over plain HTTP.
pub(crate) fn layer(app: Weak<App>) -> SessionManagerLayer<Logins> {
    SessionManagerLayer::new(Logins { app })
        .with_name(COOKIE)
        .with_secure(false)
        .with_http_only(true)
        .with_same_site(SameSite::Strict)
        .with_expiry(Expiry::OnInactivity(Duration::seconds(limits::LOGIN_SESSION_SECS)))
}

/// Who is signed in with this cookie. One that came by a token is worth as much as the token is, and
/// on a shared host there is no other.
pub(crate) async fn user(app: &App, session: &Session) -> Result<Option<UserId>, Error> {
    let user: Option<UserId> = session.get(USER).await.map_err(unavailable)?;
    let token: Option<TokenId> = session.get(TOKEN).await.map_err(unavailable)?;
    let is_valid = match token {
        Some(token) => personal_token::is_valid(app, token).await?,
        None => !app.config.is_shared_host,
    };
    Ok(user.filter(|_| is_valid))
}

/// Signs in: with a token, or under a name where nobody has to.
pub(crate) async fn create(
    app: &App,
    session: &Session,
    body: CreateLoginSession,
) -> Result<LoginSession, Error> {
    let (user, token) = match (body.token, body.name) {
        (Some(token), None) => {
            let shown = token.expose().trim();
            if !personal_token::is_one(shown) {
                return Err(extract::unauthenticated());
            }
            let found = personal_token::bearer(app, shown).await?;
            let user = users::service::signed_in(&app.db, found.user).await?;
            (user.ok_or_else(extract::unauthenticated)?, Some(found.id))
        }
        (None, Some(_)) if app.config.is_shared_host => return Err(extract::nobody()),
        (None, Some(name)) => {
            (users::service::get_or_create(&app.db, &name, body.emoji).await?, None)
        }
        (None, None) | (Some(_), Some(_)) => {
            return Err(Error::field("name", "give either a name or a `token`"));
        }
    };
    // A new id at each sign-in, so that one who knew the old one gains nothing (session fixation).
    session.cycle_id().await.map_err(unavailable)?;
    session.insert(USER, user.id).await.map_err(unavailable)?;
    match token {
        Some(token) => session.insert(TOKEN, token).await.map_err(unavailable)?,
        None => drop(session.remove::<TokenId>(TOKEN).await.map_err(unavailable)?),
    }
    Ok(LoginSession { user, is_named: true })
}

/// Forgets who it was.
pub(crate) async fn remove(session: &Session) -> Result<(), Error> {
    session.flush().await.map_err(unavailable)
}

fn unavailable(error: tower_sessions::session::Error) -> Error {
    Error::new(ErrorCode::Unavailable, "the login session cannot be read just now").because(error)
}

/// Login sessions in the database; the id is stored as a hash.
#[derive(Clone)]
pub(crate) struct Logins {
    app: Weak<App>,
}

impl fmt::Debug for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logins").finish_non_exhaustive()
    }
}

fn key(id: &Id) -> String {
    token::hash(&id.0.to_string())
}

fn backend(error: impl fmt::Display) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}

impl Logins {
    async fn store(&self, record: &Record, is_new: bool) -> session_store::Result<bool> {
        let app = self.app.upgrade().ok_or_else(|| backend("Grove is shutting down"))?;
        let data = serde_json::to_value(&record.data)
            .map_err(|error| session_store::Error::Encode(error.to_string()))?;
        let row = (key(&record.id), data, record.expiry_date.unix_timestamp());
        app.db
            .write(Box::new(move |connection| {
                let row = row.clone();
                Box::pin(async move { store::save_login(connection, row, is_new).await })
            }))
            .await
            .map_err(backend)
    }
}

#[async_trait]
impl SessionStore for Logins {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        while !self.store(record, true).await? {
            record.id = Id::default();
        }
        Ok(())
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        self.store(record, false).await.map(|_| ())
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let app = self.app.upgrade().ok_or_else(|| backend("Grove is shutting down"))?;
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let row = store::login(app.db.read(), key(id), now).await.map_err(backend)?;
        row.map(|(data, expires)| {
            let data = serde_json::from_value(data)
                .map_err(|error| session_store::Error::Decode(error.to_string()))?;
            let expiry_date = OffsetDateTime::from_unix_timestamp(expires).map_err(backend)?;
            Ok(Record { id: *id, data, expiry_date })
        })
        .transpose()
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let app = self.app.upgrade().ok_or_else(|| backend("Grove is shutting down"))?;
        let id = key(id);
        app.db
            .write(Box::new(move |connection| {
                let id = id.clone();
                Box::pin(async move { store::remove_login(connection, id).await })
            }))
            .await
            .map_err(backend)
    }
}
