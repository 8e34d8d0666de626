//! The application: one value that holds what lives as long as the daemon.

use crate::audit::service::Audit;
use crate::auth::jwt::Keys;
use crate::bus::Bus;
use crate::config::Config;
use crate::db::Database;
use crate::docs::Docs;
use crate::egress::Egress;
use crate::error::Error;
use crate::executor_pool::Pool;
use crate::grants::service::Rights;
use crate::paths::Paths;
use crate::privileged::client::MonitorClient;
use crate::realtime::Hub;
use crate::room_backend::RoomBackend;
use crate::{clock, settings, users};
use grove_core_api::UserId;
use grove_core_api::rehearsal::Scenario;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// Setting that holds who acts when nobody has signed in.
pub(crate) const OWNER: &str = "instance.owner";

/// Everything that lives as long as the daemon.
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) paths: Paths,
    pub(crate) db: Database,
    pub(crate) hub: Arc<Hub<RoomBackend>>,
    pub(crate) docs: Docs,
    /// Held by whoever makes or removes the file of a picture.
    pub(crate) pictures: tokio::sync::Mutex<()>,
    pub(crate) pool: Pool,
    pub(crate) audit: Arc<Audit>,
    /// What executors reach through this daemon.
    pub(crate) egress: Arc<Egress>,
    pub(crate) jwt: Keys,
    pub(crate) scenarios: Vec<Scenario>,
    /// Rights that were computed lately.
    pub(crate) rights: Rights,
    /// Who acts when nobody has signed in.
    owner: Mutex<UserId>,
    /// Address that the daemon listens on.
    pub(crate) address: SocketAddr,
    /// Every spawned task; shutdown waits for them.
    pub(crate) spawner: TaskTracker,
    pub(crate) shutdown: CancellationToken,
}

/// What an application is made of; opened by `server`.
pub(crate) struct Parts {
    pub(crate) config: Config,
    pub(crate) paths: Paths,
    pub(crate) db: Database,
    pub(crate) jwt: Keys,
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) monitor: MonitorClient,
    pub(crate) audit: Arc<Audit>,
    pub(crate) address: SocketAddr,
    pub(crate) owner: UserId,
    /// The way to other daemons.
    pub(crate) bus: Arc<dyn Bus>,
    pub(crate) spawner: TaskTracker,
    pub(crate) shutdown: CancellationToken,
}

impl App {
    /// Puts the application together. Nothing runs yet but the hub.
    pub(crate) fn new(parts: Parts) -> Arc<Self> {
        let boot: Uuid = clock::fresh_id();
        let boot = boot.simple().to_string()[20..].to_owned();
        Arc::new_cyclic(|me| {
            let backend = Arc::new(RoomBackend::new(me.clone()));
            let life = (parts.spawner.clone(), parts.shutdown.child_token());
            let rights = Rights::new(parts.bus.is_shared());
            let hub = Hub::joined(backend, boot, life.clone(), parts.bus);
            let pool = Pool::new(me.clone(), parts.monitor, life);
            let allow = parts.config.file.egress.allow.clone();
            let egress = Egress::new(allow, parts.spawner.clone(), parts.shutdown.child_token());
            Self {
                config: parts.config,
                paths: parts.paths,
                db: parts.db,
                hub,
                docs: Docs::default(),
                pictures: tokio::sync::Mutex::default(),
                pool,
                audit: parts.audit,
                egress,
                jwt: parts.jwt,
                scenarios: parts.scenarios,
                rights,
                owner: Mutex::new(parts.owner),
                address: parts.address,
                spawner: parts.spawner,
                shutdown: parts.shutdown,
            }
        })
    }

    /// The instance's owner, who acts when nobody has signed in.
    pub(crate) fn owner(&self) -> UserId {
        *self.owner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the instance belongs to somebody else now.
    pub(crate) fn belongs_to(&self, owner: UserId) {
        *self.owner.lock().unwrap_or_else(PoisonError::into_inner) = owner;
    }

    /// The address of a path on this instance.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

/// The instance's owner: made at the first start, named after the Unix account.
///
/// # Errors
/// The database's.
pub(crate) async fn owner(database: &Database, account: &str) -> Result<UserId, Error> {
    if let Some(owner) = settings::service::get(database, OWNER).await? {
        users::service::crown(database, owner).await?;
        return Ok(owner);
    }
    let user = users::service::get_or_create(database, account, None).await?;
    settings::service::set(database, OWNER, &user.id).await?;
    users::service::crown(database, user.id).await?;
    Ok(user.id)
}
