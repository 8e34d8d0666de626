//! Several daemons on one PostgreSQL and one NATS server, seen from outside.

use anyhow::{Context, ensure};
use grove_client::{Client as LiveClient, Notice, Place};
use grove_core_api::ErrorCode;
use grove_core_api::event::Op;
use grove_core_api::rest::boards::{Board, BoardObject};
use grove_core_api::rest::instance::Readiness;
use grove_core_api::rest::sessions::RunState;
use grove_tests::{
    Backend, Instance, NatsServer, Outcome, PATIENCE, Repo, Setup, SharedText, Socket, eventually,
    is_code,
};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use uuid::Uuid;

/// Two daemons with one database and one way between them.
pub(crate) struct Pair {
    pub(crate) alpha: Instance,
    pub(crate) beta: Instance,
    nats: NatsServer,
}

impl Pair {
    /// `None` where there is no PostgreSQL or no NATS server to test with.
    pub(crate) async fn start() -> Outcome<Option<Self>> {
        if !Backend::all()?.contains(&Backend::Postgres) {
            return Ok(None);
        }
        let Some(nats) = NatsServer::start()? else { return Ok(None) };
        let node = |name: &str| {
            let setup = Setup::default().on(Backend::Postgres);
            setup.variable("GROVE_NATS_URL", nats.url()).variable("GROVE_NODE", name)
        };
        let alpha = node("alpha").start().await?;
        let beta = node("beta").sharing(&alpha).start().await?;
        let pair = Self { alpha, beta, nats };
        pair.until_joined().await?;
        Ok(Some(pair))
    }

    async fn until_joined(&self) -> Outcome {
        for (grove, other) in [(&self.alpha, "hears beta"), (&self.beta, "hears alpha")] {
            until_bus(grove, other).await?;
        }
        Ok(())
    }

    pub(crate) async fn end(self) -> Outcome {
        self.beta.end().await?;
        self.alpha.end().await
    }
}

async fn until_bus(grove: &Instance, words: &str) -> Outcome {
    eventually(words, async || {
        let request = grove.client()?.request_at(reqwest::Method::GET, "/readyz");
        let ready: Readiness = request.send().await?.json().await?;
        let bus = ready.checks.iter().find(|it| it.name == "bus").context("no word of the bus")?;
        Ok(bus.detail.contains(words).then_some(()))
    })
    .await
}

fn topic(board: &Board) -> String {
    format!("board:{}", board.id)
}

fn note(text: &str) -> Outcome<Vec<Op>> {
    let v = serde_json::from_value(json!({ "pos": [0, 0], "text": text }))?;
    Ok(vec![Op::Put { id: Uuid::now_v7().to_string(), kind: "note".to_owned(), v }])
}

async fn until_seq(socket: &mut Socket, topic: &str, seq: i64) -> Outcome {
    socket
        .until(&format!("event {seq}"), |it| (it.views.get(topic)?.seq >= seq).then_some(()))
        .await
}

#[tokio::test]
async fn two_daemons_serve_one_board() -> Outcome {
    let Some(pair) = Pair::start().await? else { return Ok(()) };
    let client = pair.alpha.client()?;
    let board = client.new_board("Shared").await?;
    let topic = topic(&board);
    let (first, _) = client.named("Ana").await?;
    let (second, _) = pair.beta.client()?.named("Ben").await?;
    let mut ana = Socket::open(pair.alpha.url(), first.cookie()).await?;
    let mut ben = Socket::open(pair.beta.url(), second.cookie()).await?;
    ana.subscribe(&topic).await?;
    ben.subscribe(&topic).await?;
    ensure!(ana.peer != ben.peer, "participants have ids of their own: {}", ana.peer);
    let (left, right) = (ana.peer.clone(), ben.peer.clone());
    let seen = ana.until("Ben is there", |it| it.peers.get(&right).cloned()).await?;
    assert_eq!(seen.name, "Ben");
    ben.until("Ana is there", |it| it.peers.get(&left).cloned()).await?;
    ana.point(&topic, [3.0, 4.0]).await?;
    ben.until("where Ana points", |it| (it.cursors.get(&left)? == &Some([3.0, 4.0])).then_some(()))
        .await?;
    for number in 1..=15 {
        ana.mutate(&topic, &format!("a{number}"), note("a")?).await?;
        ben.mutate(&topic, &format!("b{number}"), note("b")?).await?;
    }
    until_seq(&mut ana, &topic, 30).await?;
    until_seq(&mut ben, &topic, 30).await?;
    assert_eq!(ana.view(&topic)?.objects, ben.view(&topic)?.objects);
    assert_eq!(client.log(&format!("/boards/{}", board.id)).await?.len(), 30);
    drop(ben);
    ana.until("Ben is gone", |it| it.gone.contains(&right).then_some(())).await?;
    pair.end().await
}

#[tokio::test]
async fn a_daemon_that_dies_takes_its_participants_and_its_clients_go_on_at_the_other() -> Outcome {
    let Some(pair) = Pair::start().await? else { return Ok(()) };
    let board = pair.alpha.client()?.new_board("Shared").await?;
    let topic = topic(&board);
    let mut ana = pair.alpha.socket().await?;
    ana.subscribe(&topic).await?;
    let place = |grove: &Instance| Place { url: grove.url().to_owned(), credential: None };
    let mut ben = LiveClient::new(vec![place(&pair.beta), place(&pair.alpha)], "ben");
    ben.subscribe(&topic);
    heard(&mut ben, "the board", |it| matches!(it, Notice::Joined { .. })).await?;
    let lost = ben.core().peer().to_owned();
    ana.until("Ben is there", |it| it.peers.get(&lost).cloned()).await?;
    // The monitor goes first, so that nobody starts the daemon again.
    for name in ["grove-monitor", "groved"] {
        for process in pair.beta.named(name) {
            process.signal(Signal::SIGKILL)?;
        }
    }
    for number in 1..=10 {
        ben.mutate(&topic, &format!("b{number}"), note("while it dies")?)?;
        ana.mutate(&topic, &format!("a{number}"), note("while it dies")?).await?;
    }
    ana.until("Ben is gone", |it| it.gone.contains(&lost).then_some(())).await?;
    heard(&mut ben, "the resumption", |it| matches!(it, Notice::Resumed { .. })).await?;
    let mut stored = 0;
    while stored < 10 || ben.core().view(&topic).is_none_or(|it| it.seq < 20) {
        let notice = heard(&mut ben, "its changes", |_| true).await?;
        ensure!(!matches!(notice, Notice::Snapshot { .. }), "a daemon's death is a resume");
        stored += usize::from(matches!(notice, Notice::Stored { .. }));
    }
    until_seq(&mut ana, &topic, 20).await?;
    let log = pair.alpha.client()?.log(&format!("/boards/{}", board.id)).await?;
    assert_eq!(log.len(), 20, "each change once: {log:?}");
    let mine = ben.core().view(&topic).map(|it| it.objects.clone());
    assert_eq!(mine.as_ref(), Some(&ana.view(&topic)?.objects));
    let Pair { alpha, mut beta, .. } = pair;
    beta.kill_everything()?;
    beta.launch().await?;
    until_bus(&beta, "hears alpha").await?;
    beta.end().await?;
    alpha.end().await
}

async fn heard(
    client: &mut LiveClient,
    what: &str,
    mut fits: impl FnMut(&Notice) -> bool,
) -> Outcome<Notice> {
    let hearing = async {
        loop {
            let notice = client.next().await?;
            if fits(&notice) {
                return Ok(notice);
            }
        }
    };
    let heard: Outcome<Notice> = tokio::time::timeout(PATIENCE, hearing)
        .await
        .with_context(|| format!("this was not heard: {what}"))?;
    heard
}

#[tokio::test]
async fn without_nats_people_go_on_and_with_it_the_daemons_find_each_other_again() -> Outcome {
    let Some(mut pair) = Pair::start().await? else { return Ok(()) };
    let board = pair.alpha.client()?.new_board("Shared").await?;
    let topic = topic(&board);
    let (mut ana, mut ben) = (pair.alpha.socket().await?, pair.beta.socket().await?);
    ana.subscribe(&topic).await?;
    ben.subscribe(&topic).await?;
    let right = ben.peer.clone();
    ana.until("Ben is there", |it| it.peers.get(&right).cloned()).await?;
    pair.nats.kill()?;
    until_bus(&pair.alpha, "interrupted").await?;
    ana.until("Ben cannot be seen", |it| it.gone.contains(&right).then_some(())).await?;
    for number in 1..=5 {
        ana.mutate(&topic, &format!("a{number}"), note("alone")?).await?;
    }
    until_seq(&mut ana, &topic, 5).await?;
    until_seq(&mut ben, &topic, 5).await?;
    pair.nats.restart()?;
    pair.until_joined().await?;
    ana.gone.clear();
    ana.until("Ben is seen again", |it| it.peers.get(&right).cloned()).await?;
    ben.mutate(&topic, "b1", note("together")?).await?;
    until_seq(&mut ana, &topic, 6).await?;
    pair.end().await
}

#[tokio::test]
async fn a_session_is_read_at_every_daemon_and_prompted_at_its_own() -> Outcome {
    let Some(pair) = Pair::start().await? else { return Ok(()) };
    let (near, far) = (pair.alpha.client()?, pair.beta.client()?);
    let source = Repo::new("shop")?;
    near.new_board("Board").await?;
    let repo = near.add_repo(&source).await?;
    let session = near.new_session(repo.id, "Words", None).await?;
    let topic = format!("session:{}", session.id);
    let mut reader = pair.beta.socket().await?;
    reader.subscribe(&topic).await?;
    near.prompt(session.id, "stream words").await?;
    reader
        .until("streamed words", |it| {
            it.views.get(&topic)?.texts.values().any(|text| text.len() > 40).then_some(())
        })
        .await?;
    let mut late = pair.beta.socket().await?;
    late.subscribe(&topic).await?;
    for socket in [&mut reader, &mut late] {
        socket
            .until("the end", |it| {
                let view = it.views.get(&topic)?;
                let state = view.property(session.id, "state")?;
                (state == "idle" && !view.streamed.is_empty()).then_some(())
            })
            .await?;
        let view = socket.view(&topic)?;
        let (message, streamed) = view.streamed.iter().next_back().context("no text")?;
        let stored = view.property(message, "text").and_then(Value::as_str);
        assert_eq!(Some(streamed.as_str()), stored, "what was streamed is what is stored");
    }
    for path in ["prompt", "stop"] {
        let body = if path == "prompt" { json!({ "text": "say x" }) } else { json!({}) };
        let refused = far.post::<Value>(format!("/sessions/{}/{path}", session.id), body).await;
        let problem = is_code(refused, ErrorCode::Elsewhere)?;
        assert!(problem.detail.contains("`alpha`"), "the daemon is named: {problem:?}");
    }
    let diff = far.get::<Value>(format!("/sessions/{}/diff", session.id)).await;
    is_code(diff, ErrorCode::Elsewhere)?;
    assert_eq!(far.session(session.id).await?.state, RunState::Idle, "reading is for all");
    pair.beta.kill_daemon().await?;
    let session = near.session(session.id).await?;
    assert_eq!(session.state, RunState::Idle, "a start of one settles nothing of the other's");
    near.prompt(session.id, "say again").await?;
    assert_eq!(near.until_over(session.id).await?.state, RunState::Idle);
    let verified: Value = near.get("/audit/verify").await?;
    assert_eq!(verified["is_intact"], true, "one chain for both: {verified}");
    pair.end().await
}

#[tokio::test]
async fn rt48_a_note_is_written_at_two_daemons_at_once() -> Outcome {
    let Some(mut pair) = Pair::start().await? else { return Ok(()) };
    let (near, far) = (pair.alpha.client()?, pair.beta.client()?);
    let board = near.new_board("Shared").await?;
    let path = format!("/boards/{}/objects", board.id);
    let body = json!({ "kind": "note", "pos": [0, 0], "text": "-" });
    let note: BoardObject = near.post(&path, &body).await?;
    let (mut left, mut right) = (pair.alpha.socket().await?, pair.beta.socket().await?);
    let (mut ana, mut ben) = (SharedText::new(note.id), SharedText::new(note.id));
    ana.join(&mut left).await?;
    ben.join(&mut right).await?;
    ana.insert(&mut left, 0, "ana ").await?;
    ben.until_text(&mut right, "ana -").await?;
    ben.insert(&mut right, 5, " ben").await?;
    ana.until_text(&mut left, "ana - ben").await?;
    // By another way than the document, at the other daemon.
    let body = json!({ "text": "ana + ben" });
    let _: BoardObject = far.patch(format!("{path}/{}", note.id), &body).await?;
    ana.until_text(&mut left, "ana + ben").await?;
    pair.nats.kill()?;
    until_bus(&pair.alpha, "interrupted").await?;
    until_bus(&pair.beta, "interrupted").await?;
    ana.insert(&mut left, 0, "unheard ").await?;
    ben.until_text(&mut right, "unheard ana + ben").await?;
    pair.nats.restart()?;
    pair.until_joined().await?;
    let _: Value = far.delete(format!("{path}/{}", note.id)).await?;
    let topic = format!("doc:{}", note.id);
    left.until("the end of the document", |it| {
        it.doc_errors
            .iter()
            .any(|(ch, code)| *ch == topic && *code == ErrorCode::Gone)
            .then_some(())
    })
    .await?;
    pair.end().await
}

#[tokio::test]
async fn several_daemons_without_postgres_or_names_are_refused_with_the_reason() -> Outcome {
    let nats = ("GROVE_NATS_URL", "nats://127.0.0.1:4222");
    let setup = Setup::default().variable(nats.0, nats.1).variable("GROVE_NODE", "alpha");
    let (code, text) = setup.fail_to_start().await?;
    assert!(code > 0 && text.contains("PostgreSQL"), "{code}: {text}");
    let setup = Setup::default().config("[bus]\nnats_url = 'nats://127.0.0.1:4222'\n");
    let (code, text) = setup.fail_to_start().await?;
    assert!(code > 0 && text.contains("PostgreSQL"), "{code}: {text}");
    Ok(())
}
