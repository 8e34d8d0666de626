//! Who comes in on a shared host, and who has which account: the whole router, with a monitor that only
//! answers.

use super::{jwt::Keys, personal_token};
use crate::app::{self, App, Parts};
use crate::audit::service::{Anchor, Keeping, Recorder};
use crate::clock;
use crate::config::{Config, FileConfig};
use crate::context::{Actor, Ctx, Via};
use crate::db::Database;
use crate::paths::Paths;
use crate::privileged::client::MonitorClient;
use crate::{router, users};
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use grove_core_api::isolation::{IsolationMode, UnixAccount};
use grove_core_api::monitor::{MonitorAnswer, MonitorRequest, Refusal};
use grove_core_api::rest::audit::AuditEntry;
use grove_core_api::rest::auth::AccessToken;
use grove_core_api::rest::grants::TokenScope;
use grove_core_api::rest::instance::{AuthMode, Instance};
use grove_core_api::rest::users::{NewPersonalToken, PersonalToken, User, UserRole};
use grove_core_api::{ErrorCode, Page, Problem};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::error::Error as StdError;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

type Outcome<T = ()> = Result<T, Box<dyn StdError + Send + Sync>>;
type Asked = Arc<Mutex<Vec<MonitorRequest>>>;

/// A daemon without processes.
struct House {
    app: Arc<App>,
    asked: Asked,
    _folder: tempfile::TempDir,
}

/// Answers as the monitor of a shared host would; `root` is refused, executors are not started.
fn answer(request: &MonitorRequest) -> MonitorAnswer {
    match request {
        MonitorRequest::EnsureAccount { name } if name == "root" => MonitorAnswer::Refused {
            refusal: Refusal::NotPermitted,
            detail: "`root` is not in the group grove-users".to_owned(),
        },
        MonitorRequest::EnsureAccount { name } => MonitorAnswer::Account {
            account: UnixAccount { name: name.clone(), uid: 2_000 },
            home: format!("/home/{name}"),
            is_managed: name.starts_with("grove_"),
        },
        MonitorRequest::Spawn { .. } => MonitorAnswer::Refused {
            refusal: Refusal::Isolation,
            detail: "no sandbox here".to_owned(),
        },
        MonitorRequest::List => MonitorAnswer::Executors { executors: Vec::new() },
        MonitorRequest::Ready { .. }
        | MonitorRequest::Attach { .. }
        | MonitorRequest::Kill { .. }
        | MonitorRequest::Outcome { .. }
        | MonitorRequest::RetireAccount { .. }
        | MonitorRequest::MakeDirectory { .. }
        | MonitorRequest::RemoveDirectory { .. }
        | MonitorRequest::Shutdown => MonitorAnswer::Done,
    }
}

fn monitor(end: OwnedFd, asked: Asked) {
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = recv(end.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            let Ok(request) = serde_json::from_slice::<MonitorRequest>(&buffer[..count]) else {
                return;
            };
            let said = serde_json::to_vec(&answer(&request)).unwrap_or_default();
            asked.lock().unwrap_or_else(PoisonError::into_inner).push(request);
            if send(end.as_raw_fd(), &said, MsgFlags::empty()).is_err() {
                return;
            }
        }
    });
}

impl House {
    async fn open(is_shared_host: bool, file: FileConfig) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let spawner = TaskTracker::new();
        let paths = Paths::new(folder.path(), "grove");
        let jwt = Keys::open(&paths)?;
        let db = Database::open_file(&paths.database(), &spawner).await?;
        let owner = app::owner(&db, "grove").await?;
        let (audit, recorder) = Recorder::new("grove");
        spawner.spawn(recorder.run(
            db.clone(),
            Anchor::new(&paths),
            Keeping { days: 0, has_others: false },
        ));
        let kind = (AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC);
        let (ours, theirs) = socketpair(kind.0, kind.1, None, kind.2)?;
        let asked = Asked::default();
        monitor(theirs, Arc::clone(&asked));
        let address = "127.0.0.1:4768".parse()?;
        let config = Config {
            home: folder.path().to_owned(),
            bind: address,
            database_url: None,
            database_pool_max: None,
            isolation: IsolationMode::Strict,
            is_shared_host,
            account_prefix: "grove_".to_owned(),
            bus: None,
            file,
        };
        let app = App::new(Parts {
            config,
            paths,
            db,
            jwt,
            scenarios: Vec::new(),
            monitor: MonitorClient::over(ours, audit.monitor())?,
            audit: Arc::clone(&audit),
            address,
            owner,
            bus: Arc::new(crate::bus::InProcess::alone()),
            spawner,
            shutdown: CancellationToken::new(),
        });
        personal_token::ensure_owners(&app).await?;
        Ok(Self { app, asked, _folder: folder })
    }

    async fn shared() -> Outcome<Self> {
        Self::open(true, FileConfig::default()).await
    }

    fn owner_token(&self) -> Outcome<String> {
        Ok(std::fs::read_to_string(self.app.paths.owner_token())?.trim().to_owned())
    }

    fn owner(&self) -> Ctx {
        let (via, role, scope) = (Via::Cli, UserRole::Owner, TokenScope::Full);
        let actor = Actor { user: self.app.owner(), via, role, scope };
        Ctx::new(&self.app, actor)
    }

    fn asked(&self) -> Vec<MonitorRequest> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn send(&self, ask: Ask<'_>) -> Outcome<Reply> {
        let is_outside = ["/", "/mcp", "/ws", "/healthz", "/readyz"].contains(&ask.path);
        let uri = if is_outside { ask.path.to_owned() } else { format!("/api/v1{}", ask.path) };
        let mut request = Request::builder().method(ask.method).uri(uri);
        request = request.header(header::HOST, "127.0.0.1:4768");
        if let Some(token) = ask.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(cookie) = ask.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let body = match ask.body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let response = router::router(&self.app).call(request.body(body)?).await?;
        let status = response.status();
        let cookie = response.headers().get(header::SET_COOKIE);
        let cookie = cookie.and_then(|it| it.to_str().ok()?.split(';').next().map(str::to_owned));
        let bytes = to_bytes(response.into_body(), 1 << 20).await?;
        Ok(Reply { status, cookie, text: String::from_utf8(bytes.to_vec())? })
    }
}

/// One request.
#[derive(Clone, Debug)]
struct Ask<'a> {
    method: Method,
    path: &'a str,
    token: Option<&'a str>,
    cookie: Option<&'a str>,
    body: Option<Value>,
}

fn ask(method: Method, path: &str) -> Ask<'_> {
    Ask { method, path, token: None, cookie: None, body: None }
}

impl<'a> Ask<'a> {
    fn with(self, token: &'a str) -> Self {
        Self { token: Some(token), ..self }
    }

    fn body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }
}

struct Reply {
    status: StatusCode,
    cookie: Option<String>,
    text: String,
}

impl Reply {
    fn read<T: DeserializeOwned>(&self) -> Outcome<T> {
        serde_json::from_str(&self.text).map_err(|error| format!("{error}: {}", self.text).into())
    }

    fn code(&self) -> Outcome<ErrorCode> {
        Ok(self.read::<Problem>()?.code)
    }
}

#[tokio::test]
async fn nobody_is_anonymous_on_a_shared_host() -> Outcome {
    let house = House::shared().await?;
    for path in ["/instance", "/boards", "/users/me", "/login-sessions/current"] {
        let reply = house.send(ask(Method::GET, path)).await?;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{path}");
        assert!(reply.read::<Problem>()?.hint.is_some_and(|hint| hint.contains("token")), "{path}");
    }
    for (method, path, body) in [
        (Method::POST, "/boards", json!({ "name": "Mine" })),
        (Method::POST, "/login-sessions", json!({ "name": "Ana" })),
        (Method::POST, "/access-tokens", json!({})),
        (Method::POST, "/users", json!({ "name": "Ana" })),
        (Method::POST, "/login-sessions", json!({ "token": "grove_pat_wrong" })),
        (
            Method::POST,
            "/login-sessions",
            json!({ "token": format!("grove_pat_{}", "0".repeat(64)) }),
        ),
    ] {
        let reply = house.send(ask(method, path).body(body.clone())).await?;
        assert_eq!(reply.code()?, ErrorCode::Unauthenticated, "{path} {body}");
    }
    for (method, path) in [(Method::POST, "/mcp"), (Method::GET, "/ws")] {
        let reply = house.send(ask(method, path)).await?;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in ["/", "/healthz"] {
        assert_eq!(house.send(ask(Method::GET, path)).await?.status, StatusCode::OK, "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn where_nobody_signs_in_a_token_is_taken_all_the_same() -> Outcome {
    let house = House::open(false, FileConfig::default()).await?;
    let instance: Instance = house.send(ask(Method::GET, "/instance")).await?.read()?;
    assert_eq!((instance.auth, instance.isolation), (AuthMode::Anonymous, IsolationMode::Strict));
    let token = house.owner_token()?;
    let me: User = house.send(ask(Method::GET, "/users/me").with(&token)).await?.read()?;
    assert_eq!((me.id, me.role), (house.app.owner(), UserRole::Owner));
    let linked = json!({ "name": "Ana", "unix_account": "ana" });
    let reply = house.send(ask(Method::POST, "/users").body(linked)).await?;
    assert_eq!(reply.code()?, ErrorCode::InvalidRequest);
    let made: User =
        house.send(ask(Method::POST, "/users").body(json!({ "name": "Ana" }))).await?.read()?;
    assert_eq!((made.role, made.unix_account), (UserRole::Member, None));
    assert!(house.asked().is_empty(), "no account where the host is not shared");
    Ok(())
}

#[tokio::test]
async fn the_owners_token_is_written_once_and_replaced_when_its_file_is_gone() -> Outcome {
    let house = House::shared().await?;
    let first = house.owner_token()?;
    personal_token::ensure_owners(&house.app).await?;
    assert_eq!(house.owner_token()?, first);
    let instance: Instance =
        house.send(ask(Method::GET, "/instance").with(&first)).await?.read()?;
    assert_eq!(instance.auth, AuthMode::Token);
    std::fs::remove_file(house.app.paths.owner_token())?;
    personal_token::ensure_owners(&house.app).await?;
    let second = house.owner_token()?;
    assert_ne!(first, second);
    let old = house.send(ask(Method::GET, "/users/me").with(&first)).await?;
    assert_eq!(old.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        house.send(ask(Method::GET, "/users/me").with(&second)).await?.status,
        StatusCode::OK
    );
    Ok(())
}

/// Makes a person and a token for them.
async fn join(house: &House, name: &str, role: Option<&str>) -> Outcome<(User, NewPersonalToken)> {
    let owner = house.owner_token()?;
    let mut body = json!({ "name": name });
    if let Some(role) = role {
        body["role"] = role.into();
    }
    let reply = house.send(ask(Method::POST, "/users").with(&owner).body(body)).await?;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
    let user: User = reply.read()?;
    let path = format!("/users/{}/tokens", user.id);
    let reply =
        house.send(ask(Method::POST, &path).with(&owner).body(json!({ "name": "laptop" }))).await?;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
    Ok((user, reply.read()?))
}

#[tokio::test]
async fn a_browser_signs_in_with_a_token_and_is_out_when_that_is_revoked() -> Outcome {
    let house = House::shared().await?;
    let (ana, made) = join(&house, "Ana", None).await?;
    let body = json!({ "token": made.token });
    let reply = house.send(ask(Method::POST, "/login-sessions").body(body)).await?;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text);
    let cookie = reply.cookie.ok_or("no cookie")?;
    let mine = || Ask { cookie: Some(&cookie), ..ask(Method::GET, "/users/me") };
    assert_eq!(house.send(mine()).await?.read::<User>()?.id, ana.id);
    // A token may be shown where it belongs, but its value never again.
    let path = format!("/users/{}/tokens", ana.id);
    let listed = house.send(ask(Method::GET, &path).with(&made.token)).await?;
    assert!(!listed.text.contains(&made.token), "{}", listed.text);
    let listed: Vec<PersonalToken> = listed.read()?;
    assert_eq!(listed.len(), 1);
    assert!(listed[0].expires_at_ms.is_some_and(|at| at > clock::now()));
    let path = format!("/users/{}/tokens/{}", ana.id, made.entry.id.short());
    let removed = house.send(ask(Method::DELETE, &path).with(&made.token)).await?;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    assert_eq!(house.send(mine()).await?.status, StatusCode::UNAUTHORIZED);
    let again = house.send(ask(Method::GET, "/users/me").with(&made.token)).await?;
    assert_eq!(again.status, StatusCode::UNAUTHORIZED);
    Ok(())
}

#[tokio::test]
async fn a_token_that_has_expired_opens_nothing() -> Outcome {
    let house = House::shared().await?;
    let (_, made) = join(&house, "Ana", None).await?;
    let is_open = async || {
        let reply = house.send(ask(Method::GET, "/users/me").with(&made.token)).await?;
        Outcome::Ok(reply.status == StatusCode::OK)
    };
    assert!(is_open().await?);
    let (owner, past) = (house.owner_token()?, clock::now() - 1);
    let past = format!(
        "UPDATE personal_access_tokens SET expires_at_ms = {past} WHERE expires_at_ms IS NOT NULL"
    );
    house
        .app
        .db
        .write(Box::new(move |tx| {
            let past = past.clone();
            Box::pin(async move {
                use sea_orm::ConnectionTrait;
                tx.execute_unprepared(&past).await?;
                Ok(())
            })
        }))
        .await?;
    assert!(!is_open().await?);
    for days in [0, -1, 3_651] {
        let path = format!("/users/{}/tokens", house.app.owner());
        let body = json!({ "name": "x", "expires_in_days": days });
        let reply = house.send(ask(Method::POST, &path).with(&owner).body(body)).await?;
        assert_eq!(reply.code()?, ErrorCode::InvalidRequest, "{days}");
    }
    Ok(())
}

#[tokio::test]
async fn members_manage_their_own_tokens_and_nobody_elses() -> Outcome {
    let house = House::shared().await?;
    let (ana, of_ana) = join(&house, "Ana", None).await?;
    let (ben, of_ben) = join(&house, "Ben", Some("admin")).await?;
    let tokens = |user: &User| format!("/users/{}/tokens", user.id);
    let make = json!({ "name": "more" });
    let post = async |user: &User, token: &str| {
        let path = tokens(user);
        let reply = house.send(ask(Method::POST, &path).with(token).body(make.clone())).await?;
        Outcome::Ok(reply.status)
    };
    assert_eq!(post(&ana, &of_ana.token).await?, StatusCode::CREATED);
    assert_eq!(post(&ben, &of_ana.token).await?, StatusCode::FORBIDDEN);
    assert_eq!(post(&ana, &of_ben.token).await?, StatusCode::CREATED);
    // An admin with a token of the owner would be the owner.
    let owner: User =
        house.send(ask(Method::GET, "/users/me").with(&house.owner_token()?)).await?.read()?;
    assert_eq!(post(&owner, &of_ben.token).await?, StatusCode::FORBIDDEN);
    // Nor does a member add people, or an agent of the owner.
    let more = json!({ "name": "Eve" });
    let reply = house.send(ask(Method::POST, "/users").with(&of_ana.token).body(more)).await?;
    assert_eq!(reply.code()?, ErrorCode::Forbidden);
    // A token of another person is not found below oneself.
    let path = format!("/users/{}/tokens/{}", ana.id, of_ben.entry.id);
    let reply = house.send(ask(Method::DELETE, &path).with(&of_ana.token)).await?;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    Ok(())
}

#[tokio::test]
async fn who_is_retired_has_no_way_in_and_keeps_the_name() -> Outcome {
    let house = House::shared().await?;
    let owner = house.owner_token()?;
    let (ana, made) = join(&house, "Ana", None).await?;
    let account = ana.unix_account.clone().ok_or("no account")?;
    assert_eq!(account.name, "grove_ana");
    let jwt: AccessToken =
        house.send(ask(Method::POST, "/access-tokens").with(&made.token)).await?.read()?;
    let reply = house
        .send(ask(Method::POST, "/login-sessions").body(json!({ "token": made.token })))
        .await?;
    let cookie = reply.cookie.ok_or("no cookie")?;
    let path = format!("/users/{}", ana.id);
    let retired: User = house.send(ask(Method::DELETE, &path).with(&owner)).await?.read()?;
    assert!(retired.retired_at_ms.is_some() && retired.unix_account.is_none());
    assert!(house.asked().contains(&MonitorRequest::RetireAccount { account }));
    for token in [&made.token, &jwt.access_token] {
        let reply = house.send(ask(Method::GET, "/users/me").with(token)).await?;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    }
    let mine = Ask { cookie: Some(&cookie), ..ask(Method::GET, "/users/me") };
    assert_eq!(house.send(mine).await?.status, StatusCode::UNAUTHORIZED);
    // History still knows who it was, and nobody else takes the name.
    let known: User = house.send(ask(Method::GET, &path).with(&owner)).await?.read()?;
    assert_eq!(known.name, "Ana");
    let again = json!({ "name": "Ana" });
    let reply = house.send(ask(Method::POST, "/users").with(&owner).body(again)).await?;
    assert_eq!(reply.code()?, ErrorCode::Conflict);
    let path = format!("/users/{}/tokens", ana.id);
    let body = json!({ "name": "x" });
    let reply = house.send(ask(Method::POST, &path).with(&owner).body(body)).await?;
    assert_eq!(reply.code()?, ErrorCode::Gone);
    let path = format!("/users/{}", house.app.owner());
    let reply = house.send(ask(Method::DELETE, &path).with(&owner)).await?;
    assert_eq!(reply.code()?, ErrorCode::Conflict);
    Ok(())
}

#[tokio::test]
async fn an_account_belongs_to_one_person_and_the_monitor_has_the_last_word() -> Outcome {
    let house = House::shared().await?;
    let owner = house.owner_token()?;
    let post =
        async |body: Value| house.send(ask(Method::POST, "/users").with(&owner).body(body)).await;
    let linked: User = post(json!({ "name": "Ana", "unix_account": "ana" })).await?.read()?;
    assert_eq!(linked.unix_account.map(|it| it.name).as_deref(), Some("ana"));
    let taken = post(json!({ "name": "Ben", "unix_account": "ana" })).await?;
    assert_eq!(taken.code()?, ErrorCode::Conflict);
    let refused: Problem = post(json!({ "name": "Ben", "unix_account": "root" })).await?.read()?;
    assert!(refused.detail.contains("not in the group"), "{}", refused.detail);
    for name in ["../x", "a\nb", "", "-r"] {
        let reply = post(json!({ "name": "Ben", "unix_account": name })).await?;
        assert_eq!(reply.code()?, ErrorCode::InvalidRequest, "{name:?}");
    }
    assert_eq!(
        post(json!({ "name": "B", "role": "owner" })).await?.code()?,
        ErrorCode::InvalidRequest
    );
    // Two people of one slug have two accounts.
    let first: User = post(json!({ "name": "Eva!" })).await?.read()?;
    let second: User = post(json!({ "name": "Eva?" })).await?.read()?;
    let names = [first, second.clone()].map(|it| it.unix_account.map(|it| it.name));
    let short = second.id.short();
    let wanted = ["grove_eva".to_owned(), format!("grove_eva-{short}")];
    assert_eq!(names, wanted.map(Some));
    // A linked account is not the monitor's to remove.
    let path = format!("/users/{}", linked.id);
    house.send(ask(Method::DELETE, &path).with(&owner)).await?.read::<User>()?;
    let is_removal = |it: &MonitorRequest| matches!(it, MonitorRequest::RetireAccount { .. });
    assert!(!house.asked().iter().any(is_removal));
    Ok(())
}

#[tokio::test]
async fn an_account_comes_with_the_first_use_when_policy_allows() -> Outcome {
    let house = House::shared().await?;
    let ctx = house.owner();
    let account = users::service::account(&ctx, house.app.owner()).await?;
    assert_eq!(account.map(|it| it.name).as_deref(), Some("grove_grove"));
    users::service::account(&ctx, house.app.owner()).await?;
    assert_eq!(house.asked().len(), 1, "it is there from then on");

    let mut file = FileConfig::default();
    file.accounts.create_on_first_use = false;
    let house = House::open(true, file).await?;
    let refused = users::service::account(&house.owner(), house.app.owner()).await;
    assert_eq!(refused.map_err(|error| error.code()), Err(ErrorCode::Conflict));
    // An admin gives it all the same, to the person who is there.
    let owner = house.owner_token()?;
    let body = json!({ "name": "grove" });
    let reply = house.send(ask(Method::POST, "/users").with(&owner).body(body)).await?;
    let user: User = reply.read()?;
    assert_eq!((user.id, user.role), (house.app.owner(), UserRole::Owner));
    assert!(user.unix_account.is_some());
    Ok(())
}

#[tokio::test]
async fn what_the_monitor_refuses_is_said_in_its_words() -> Outcome {
    let house = House::shared().await?;
    let owner = house.owner_token()?;
    let body = json!({ "source": "/srv/git/x" });
    let reply = house.send(ask(Method::POST, "/repos").with(&owner).body(body)).await?;
    let problem: Problem = reply.read()?;
    assert_eq!(problem.code, ErrorCode::ExecutorFailed);
    assert!(problem.detail.contains("no sandbox here"), "{}", problem.detail);
    let spawned: Vec<_> =
        house
            .asked()
            .into_iter()
            .filter_map(|it| {
                if let MonitorRequest::Spawn { launch, .. } = it { Some(launch) } else { None }
            })
            .collect();
    let [launch] = spawned.as_slice() else { return Err("one keeper is started".into()) };
    let name = |path: &str| house.app.config.home.join(path).display().to_string();
    assert_eq!(launch.account.as_ref().map(|it| it.name.as_str()), Some("grove_grove"));
    assert_eq!(launch.directory, name("git/grove_grove"));
    assert_eq!(launch.roots.write, [name("git/grove_grove"), name("wt/grove_grove")]);
    assert_eq!(launch.roots.read, [name("mirror")]);
    Ok(())
}

#[tokio::test]
async fn what_is_done_to_people_and_tokens_is_in_the_audit_without_the_tokens() -> Outcome {
    let house = House::shared().await?;
    let owner = house.owner_token()?;
    let (ana, made) = join(&house, "Ana", None).await?;
    let refused = house.send(ask(Method::GET, "/audit").with(&made.token)).await?;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let body = json!({ "name": "Eve" });
    let refused = house.send(ask(Method::POST, "/users").with(&made.token).body(body)).await?;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let path = format!("/users/{}/tokens/{}", ana.id, made.entry.id);
    assert!(house.send(ask(Method::DELETE, &path).with(&owner)).await?.status.is_success());
    let path = format!("/users/{}", ana.id);
    assert!(house.send(ask(Method::DELETE, &path).with(&owner)).await?.status.is_success());
    let listed = house.send(ask(Method::GET, "/audit?kind=admin&limit=200").with(&owner)).await?;
    assert!(!listed.text.contains("grove_pat_"), "{}", listed.text);
    let page: Page<AuditEntry> = listed.read()?;
    let acts: Vec<_> =
        page.items.iter().map(|it| (it.method.as_str(), it.outcome.as_str(), it.user_id)).collect();
    let (by_owner, by_ana) = (Some(house.app.owner()), Some(ana.id));
    let expected = [
        ("instance.start", "ok", None),
        ("token.create", "ok", by_owner),
        ("user.create", "ok", by_owner),
        ("token.create", "ok", by_owner),
        ("user.create", "forbidden", by_ana),
        ("token.revoke", "ok", by_owner),
        ("user.retire", "ok", by_owner),
    ];
    assert_eq!(acts, expected);
    assert!(page.items[2].detail["what"]["account"]["uid"] == 2_000, "{}", page.items[2].detail);
    Ok(())
}
