//! Who asks, and the transaction that carries their change and its events.
//!
//! Every service function takes a [`Ctx`]. Changes go through [`Ctx::write`]: rows and event rows in
//! one transaction, published after the commit.

use crate::app::App;
use crate::auth::policy::{self, Action};
use crate::clock;
use crate::db::WriteFn;
use crate::error::Error;
use crate::events;
use crate::grants::seen::Seen;
use crate::sessions::service::agents::Deeds;
use grove_core_api::event::{Event, Op, Topic};
use grove_core_api::rest::grants::TokenScope;
use grove_core_api::rest::users::UserRole;
use grove_core_api::{SessionId, UnixMillis, UserId};
use sea_orm::{DatabaseConnection, DatabaseTransaction};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

/// Through what somebody acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    /// The browser.
    Web,
    /// The command line.
    Cli,
    /// Another program.
    Api,
    /// An agent, by MCP, from its session.
    Mcp(SessionId),
    /// Grove itself.
    System,
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Web => f.write_str("web"),
            Self::Cli => f.write_str("cli"),
            Self::Api => f.write_str("api"),
            Self::Mcp(session) => write!(f, "mcp:{session}"),
            Self::System => f.write_str("system"),
        }
    }
}

/// Who acts: always a user, whatever the way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Actor {
    /// The user.
    pub(crate) user: UserId,
    /// The way in.
    pub(crate) via: Via,
    /// What the user may do to the instance itself.
    pub(crate) role: UserRole,
    /// What the credential is for; the right follows from the least of this, the role and the board.
    pub(crate) scope: TokenScope,
}

impl Actor {
    /// The session whose agent acts, when one does.
    #[must_use]
    pub(crate) fn session(&self) -> Option<SessionId> {
        match self.via {
            Via::Mcp(session) => Some(session),
            Via::Web | Via::Cli | Via::Api | Via::System => None,
        }
    }
}

/// One call: the application and who asks.
#[derive(Clone)]
pub(crate) struct Ctx {
    pub(crate) app: Arc<App>,
    pub(crate) actor: Actor,
}

impl Ctx {
    pub(crate) fn new(app: &Arc<App>, actor: Actor) -> Self {
        Self { app: Arc::clone(app), actor }
    }

    /// Grove itself, acting for a user.
    pub(crate) fn system(app: &Arc<App>, user: UserId) -> Self {
        let (via, role, scope) = (Via::System, UserRole::Member, TokenScope::Full);
        Self::new(app, Actor { user, via, role, scope })
    }

    /// The connection for reading.
    pub(crate) fn read(&self) -> &DatabaseConnection {
        self.app.db.read()
    }

    /// Which boards the caller sees, for lists.
    pub(crate) fn seen(&self) -> Seen {
        if self.actor.via == Via::System {
            return Seen::All;
        }
        Seen::of(self.actor.user, self.actor.role)
    }

    /// Fails unless policy permits the action on the instance; for what lies on a board there is
    /// [`Ctx::on_board`].
    pub(crate) fn authorize(&self, action: Action) -> Result<(), Error> {
        policy::authorize(&self.actor, action)
    }

    /// Runs a change, commits it together with its events, then publishes them in order.
    ///
    /// # Errors
    /// The change's own error, or the database's; nothing is stored then.
    ///
    /// # Cancel safety
    /// The commit happens whole or not at all. When the future is dropped between commit and
    /// publication, rooms notice the gap and read the log.
    pub(crate) async fn write<T, F>(&self, change: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'t> Fn(&'t Tx<'t>) -> Work<'t, T> + Send + Sync + 'static,
    {
        let change = Arc::new(change);
        let actor = self.actor;
        let job: WriteFn<(T, Published)> = Box::new(move |connection| {
            let change = Arc::clone(&change);
            Box::pin(async move {
                let tx = Tx { connection, actor, now: clock::now(), published: Mutex::default() };
                let value = change(&tx).await?;
                let published = tx.published.into_inner().unwrap_or_else(PoisonError::into_inner);
                Ok((value, published))
            })
        });
        let (value, published) = self.app.db.write(job).await?;
        let mut deeds = Deeds::default();
        for (topic, event) in published {
            deeds.note(topic, &event);
            self.app.hub.publish(topic, event);
        }
        if !deeds.is_empty() {
            Box::pin(deeds.show(&self.app)).await;
        }
        Ok(value)
    }
}

/// What a change does.
pub(crate) type Work<'t, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 't>>;
type Published = Vec<(Topic, Event)>;

/// An open transaction with its author and its events.
pub(crate) struct Tx<'c> {
    connection: &'c DatabaseTransaction,
    pub(crate) actor: Actor,
    pub(crate) now: UnixMillis,
    published: Mutex<Published>,
}

impl Tx<'_> {
    /// The connection of the transaction.
    pub(crate) fn connection(&self) -> &DatabaseTransaction {
        self.connection
    }

    /// Begins the log of a topic that has nothing to tell yet.
    pub(crate) async fn begin_log(&self, topic: Topic) -> Result<(), Error> {
        events::store::begin(self.connection, topic).await
    }

    /// Writes one event; it is published after the commit. Without operations nothing is written.
    pub(crate) async fn emit(&self, topic: Topic, kind: &str, ops: Vec<Op>) -> Result<(), Error> {
        if !ops.is_empty() {
            self.emit_as(topic, kind, None, ops).await?;
        }
        Ok(())
    }

    /// Writes an event into a person's own topic, when they have ever read it.
    pub(crate) async fn tell(&self, user: UserId, kind: &str, ops: Vec<Op>) -> Result<(), Error> {
        let topic = Topic::User(user);
        if !ops.is_empty() && events::store::has_begun(self.connection, topic).await? {
            self.emit_as(topic, kind, None, ops).await?;
        }
        Ok(())
    }

    /// Writes the event of a client's mutation and returns its number.
    pub(crate) async fn emit_as(
        &self,
        topic: Topic,
        kind: &str,
        mid: Option<String>,
        ops: Vec<Op>,
    ) -> Result<i64, Error> {
        let by = (self.actor.via != Via::System).then(|| self.actor.user.to_string());
        let event = Event {
            seq: 0,
            at: self.now,
            by,
            via: self.actor.via.to_string(),
            kind: kind.to_owned(),
            mid,
            ops,
        };
        let event = events::store::append(self.connection, topic, event).await?;
        let seq = event.seq;
        self.published.lock().unwrap_or_else(PoisonError::into_inner).push((topic, event));
        Ok(seq)
    }
}
