//! The WebSocket on a real instance. Rules: `docs/realtime.md`; the rooms' own tests are finer.

use grove_core_api::event::Op;
use grove_core_api::realtime::{ClientFrame, NackCode};
use grove_core_api::rest::boards::{Board, BoardObject};
use grove_core_api::rest::sessions::RunState;
use grove_core_api::{BoardId, ErrorCode};
use grove_tests::mcp::McpClient;
use grove_tests::{Instance, Mutated, Outcome, Socket, World};
use serde_json::{Value, json};
use std::fs;
use uuid::Uuid;

fn topic(board: &Board) -> String {
    format!("board:{}", board.id)
}

fn note(id: Uuid, text: &str) -> Outcome<Op> {
    let v = serde_json::from_value(json!({ "pos": [0, 0], "text": text }))?;
    Ok(Op::Put { id: id.to_string(), kind: "note".to_owned(), v })
}

fn set(id: Uuid, key: &str, value: Value) -> Op {
    Op::Set { id: id.to_string(), k: key.to_owned(), v: value, if_seq: None }
}

#[tokio::test]
async fn rt05_a_mutation_is_acked_to_one_and_told_to_all_and_kept() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let board = client.new_board("Board").await?;
        let topic = topic(&board);
        let (mut ana, mut ben) = (grove.socket().await?, grove.socket().await?);
        ana.subscribe(&topic).await?;
        ben.subscribe(&topic).await?;
        let id = Uuid::now_v7();
        let made = ana.mutate(&topic, "m1", vec![note(id, "hello 🌱")?]).await?;
        assert_eq!(made, Mutated::Done(1));
        for socket in [&mut ana, &mut ben] {
            let text = socket
                .until("the note", |it| it.views.get(&topic)?.property(id, "text").cloned())
                .await?;
            assert_eq!(text, "hello 🌱");
            let event = &socket.view(&topic)?.events[0];
            assert_eq!((event.seq, event.mid.as_deref()), (1, Some("m1")));
        }
        let stored: BoardObject = client.get(format!("/boards/{}/objects/{id}", board.id)).await?;
        assert_eq!(stored.text, "hello 🌱");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rt05_what_cannot_be_applied_is_nacked_and_leaves_nothing() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let board = client.new_board("Board").await?;
        let topic = topic(&board);
        let mut socket = grove.socket().await?;
        socket.subscribe(&topic).await?;
        let (id, fresh) = (Uuid::now_v7(), Uuid::now_v7());
        socket.mutate(&topic, "a", vec![note(id, "one")?]).await?;
        let stale = Op::Set {
            id: id.to_string(),
            k: "text".to_owned(),
            v: json!("late"),
            if_seq: Some(77),
        };
        for (mid, ops, code) in [
            ("b", vec![note(fresh, "x")?, stale], NackCode::Conflict),
            ("c", vec![note(fresh, "x")?, note(id, "again")?], NackCode::Exists),
            ("d", vec![note(fresh, "x")?, set(Uuid::now_v7(), "text", json!("?"))], NackCode::Gone),
            ("e", vec![note(fresh, "x")?, set(id, "nonsense", json!(1))], NackCode::Invalid),
            ("f", vec![set(id, "pos", json!("left"))], NackCode::Invalid),
            ("g", vec![], NackCode::Invalid),
        ] {
            let answer = socket.mutate(&topic, mid, ops).await?;
            assert_eq!(answer, Mutated::Refused(code), "{mid}");
        }
        socket.mutate(&topic, "h", vec![Op::del(id)]).await?;
        let gone = socket.mutate(&topic, "i", vec![set(id, "text", json!("?"))]).await?;
        assert_eq!(gone, Mutated::Refused(NackCode::Gone), "RT-06");
        let log = client.log(&format!("/boards/{}", board.id)).await?;
        assert_eq!(log.len(), 2, "put and del, nothing of what was refused: {log:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rt02_a_mutation_that_is_sent_again_counts_once() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let board = client.new_board("Board").await?;
        let topic = topic(&board);
        let id = Uuid::now_v7();
        let mut first = grove.socket().await?;
        first.subscribe(&topic).await?;
        let made = first.mutate(&topic, "once", vec![note(id, "one")?]).await?;
        let mut second = grove.socket().await?;
        second.subscribe(&topic).await?;
        assert_eq!(second.mutate(&topic, "once", vec![note(id, "one")?]).await?, made);
        assert_eq!(client.log(&format!("/boards/{}", board.id)).await?.len(), 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rt03_a_client_that_was_away_resumes_without_a_snapshot() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let board = client.new_board("Board").await?;
        let topic = topic(&board);
        let mut old = grove.socket().await?;
        old.subscribe(&topic).await?;
        let id = Uuid::now_v7();
        old.mutate(&topic, "m1", vec![note(id, "one")?]).await?;
        old.until("its own event", |it| (it.views.get(&topic)?.seq == 1).then_some(())).await?;
        let mut writer = grove.socket().await?;
        writer.subscribe(&topic).await?;
        for number in 2..=30 {
            let mid = format!("w{number}");
            writer.mutate(&topic, &mid, vec![set(id, "text", json!(number.to_string()))]).await?;
        }
        let mut back = grove.socket().await?;
        back.inherit(&old);
        back.subscribe(&topic).await?;
        back.until("the newest event", |it| (it.views.get(&topic)?.seq == 30).then_some(()))
            .await?;
        let view = back.view(&topic)?;
        assert!(view.is_resumed && view.snapshots == 1, "no snapshot of its own: {view:?}");
        assert_eq!(view.property(id, "text"), Some(&json!("30")));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rt03_another_epoch_gets_a_snapshot() -> Outcome {
    let grove = Instance::start().await?;
    let board = grove.client()?.new_board("Board").await?;
    let mut socket = grove.socket().await?;
    socket.resume(&topic(&board), Some(("feed".to_owned(), 3))).await?;
    let view = socket.view(&topic(&board))?;
    assert!(view.snapshots == 1 && view.epoch != "feed", "{view:?}");
    grove.end().await
}

#[tokio::test]
async fn rt06_two_writers_end_with_the_same_picture() -> Outcome {
    Instance::on_each(async |grove| {
        let board = grove.client()?.new_board("Board").await?;
        let topic = topic(&board);
        let (mut ana, mut ben) = (grove.socket().await?, grove.socket().await?);
        ana.subscribe(&topic).await?;
        ben.subscribe(&topic).await?;
        let id = Uuid::now_v7();
        ana.mutate(&topic, "put", vec![note(id, "")?]).await?;
        for round in 0..20 {
            let ops = |who: f64| vec![set(id, "pos", json!([who, f64::from(round)]))];
            let (left, right) = (format!("a{round}"), format!("b{round}"));
            let sent = futures_util::future::try_join(
                ana.mutate(&topic, &left, ops(1.0)),
                ben.mutate(&topic, &right, ops(2.0)),
            );
            assert!(matches!(sent.await?, (Mutated::Done(_), Mutated::Done(_))));
        }
        for socket in [&mut ana, &mut ben] {
            socket.until("all", |it| (it.views.get(&topic)?.seq == 41).then_some(())).await?;
        }
        assert_eq!(ana.view(&topic)?.objects, ben.view(&topic)?.objects);
        assert_eq!(ana.view(&topic)?.events, ben.view(&topic)?.events);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rt14_people_see_each_other_come_point_and_go() -> Outcome {
    let grove = Instance::start().await?;
    let client = grove.client()?;
    let board = client.new_board("Board").await?;
    let topic = topic(&board);
    let (first, _) = client.named("Ana").await?;
    let (second, _) = client.named("Ben").await?;
    let mut ana = Socket::open(grove.url(), first.cookie()).await?;
    let mut ben = Socket::open(grove.url(), second.cookie()).await?;
    ana.subscribe(&topic).await?;
    ben.subscribe(&topic).await?;
    let (left, right) = (ana.peer.clone(), ben.peer.clone());
    ana.until("Ben is there", |it| it.peers.get(&right).cloned()).await?;
    let seen = ben.until("Ana is there", |it| it.peers.get(&left).cloned()).await?;
    assert_eq!((seen.name.as_str(), seen.is_agent), ("Ana", false));
    for step in 0..50 {
        ana.point(&topic, [f64::from(step), 1.0]).await?;
    }
    ben.until("the last position", |it| {
        (it.cursors.get(&left)? == &Some([49.0, 1.0])).then_some(())
    })
    .await?;
    drop(ana);
    ben.until("Ana is gone", |it| it.gone.contains(&left).then_some(())).await?;
    grove.end().await
}

#[tokio::test]
async fn rt10_streamed_text_is_the_final_text_for_early_and_late_readers() -> Outcome {
    World::on_each(async |world| {
        let session = world.client.new_session(world.repo.id, "Stream", None).await?;
        let topic = format!("session:{}", session.id);
        let mut early = world.grove.socket().await?;
        early.subscribe(&topic).await?;
        world.client.prompt(session.id, "stream words").await?;
        early
            .until("some words", |it| {
                it.views.get(&topic)?.texts.values().any(|text| text.len() > 40).then_some(())
            })
            .await?;
        let mut late = world.grove.socket().await?;
        late.subscribe(&topic).await?;
        for socket in [&mut early, &mut late] {
            socket.until("the end", |it| ended(it, &topic, &session.id.to_string())).await?;
            let view = socket.view(&topic)?;
            let (message, streamed) = view.streamed.iter().next_back().ok_or_else(no_text)?;
            let stored = view.property(message, "text").and_then(Value::as_str).unwrap_or("");
            assert!(stored.contains("word49🌱") && stored.ends_with("word100ü."), "{stored}");
            assert_eq!(streamed, stored, "what was streamed is what is stored");
        }
        let messages = world.client.messages(session.id).await?;
        let last = messages.last().ok_or_else(no_text)?;
        let shown = early.view(&topic)?.property(last.id, "text").cloned();
        assert_eq!(shown, Some(json!(last.text)));
        Ok(())
    })
    .await
}

fn no_text() -> anyhow::Error {
    anyhow::anyhow!("no text was streamed")
}

fn ended(socket: &Socket, topic: &str, session: &str) -> Option<()> {
    let view = socket.views.get(topic)?;
    let is_idle = view.property(session, "state") == Some(&json!(RunState::Idle.as_str()));
    (is_idle && !view.streamed.is_empty()).then_some(())
}

#[tokio::test]
async fn a_card_on_the_board_follows_its_session() -> Outcome {
    let world = World::start().await?;
    let topic = topic(&world.board);
    let mut socket = world.grove.socket().await?;
    socket.subscribe(&topic).await?;
    let gate = world.gate("card");
    let session = world.session("Card", &format!("gate {}", gate.display())).await?;
    let state = |it: &Socket, wanted: &str| {
        let state = it.views.get(&topic)?.property(session.id, "state")?;
        (state == wanted).then_some(())
    };
    socket.until("running", |it| state(it, "running")).await?;
    fs::write(&gate, "")?;
    socket.until("idle", |it| state(it, "idle")).await?;
    let tokens = socket.view(&topic)?.property(session.id, "tokens").and_then(Value::as_i64);
    assert!(tokens.is_some_and(|it| it > 0), "{tokens:?}");
    world.end().await
}

#[tokio::test]
async fn rt12_a_topic_that_is_not_there_is_refused() -> Outcome {
    let grove = Instance::start().await?;
    let mut socket = grove.socket().await?;
    for topic in [format!("board:{}", BoardId(Uuid::now_v7())), "nonsense".to_owned()] {
        assert!(socket.subscribe(&topic).await.is_err(), "{topic}");
        assert!(!socket.views.contains_key(&topic));
    }
    grove.end().await
}

#[tokio::test]
async fn rt16_unusable_frames_are_answered_and_the_connection_stays() -> Outcome {
    let grove = Instance::start().await?;
    let mut socket = grove.socket().await?;
    for (text, code) in [
        ("{", ErrorCode::InvalidJson),
        ("{\"t\":\"dance\"}", ErrorCode::InvalidRequest),
        ("[]", ErrorCode::InvalidRequest),
    ] {
        socket.errors.clear();
        socket.send_text(text.to_owned()).await?;
        let told = socket.until("an error", |it| it.errors.first().copied()).await?;
        assert_eq!(told.0, code, "{text}");
    }
    socket.send(&ClientFrame::Ping { ts: 7 }).await?;
    socket.until("pong", |it| it.pongs.contains(&7).then_some(())).await?;
    grove.end().await
}

#[tokio::test]
async fn rt17_a_frame_that_is_too_long_ends_only_its_own_connection() -> Outcome {
    let grove = Instance::start().await?;
    let (mut bad, mut good) = (grove.socket().await?, grove.socket().await?);
    bad.send_text("x".repeat(2 * 1024 * 1024))
        .await
        .or_else(|_closed| Ok::<_, anyhow::Error>(()))?;
    assert!(bad.until_closed().await?.is_none_or(|code| code == 1009));
    good.send(&ClientFrame::Ping { ts: 1 }).await?;
    good.until("pong", |it| it.pongs.contains(&1).then_some(())).await?;
    grove.end().await
}

#[tokio::test]
async fn a_page_of_another_site_cannot_open_a_socket() -> Outcome {
    let grove = Instance::start().await?;
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        assert!(Socket::connect(grove.url(), None, Some(origin)).await.is_err(), "{origin}");
    }
    let own = grove.url().to_owned();
    drop(Socket::connect(grove.url(), None, Some(&own)).await?);
    grove.end().await
}

/// Waits until an agent points beside an object that lies there.
async fn until_beside(socket: &mut Socket, agent: &str, topic: &str, object: Uuid) -> Outcome {
    let what = format!("the agent beside {object}");
    socket
        .until(&what, |it| {
            let pos: [f64; 2] =
                serde_json::from_value(it.views.get(topic)?.property(object, "pos")?.clone())
                    .ok()?;
            let [x, y] = (*it.cursors.get(agent)?)?;
            let is_beside = (x - pos[0]).abs() < 20.0 && (y - pos[1]).abs() < 20.0;
            is_beside.then_some(())
        })
        .await
}

#[tokio::test]
async fn rt31_an_agent_at_work_is_seen_at_its_card_and_at_what_it_made() -> Outcome {
    World::on_each(async |world| {
        let topic = topic(&world.board);
        let mut ana = world.grove.socket().await?;
        ana.subscribe(&topic).await?;
        let gate = world.gate("agent");
        let session = world.session("Gated", &format!("gate {}", gate.display())).await?;
        let named = |it: &Socket, title: &str| {
            let mut agents = it.peers.iter().filter(|(_, who)| who.is_agent && who.name == title);
            agents.next().map(|(peer, _)| peer.clone())
        };
        let agent = ana.until("the agent", |it| named(it, "Gated")).await?;
        until_beside(&mut ana, &agent, &topic, session.id.0).await?;
        // It makes a child, whose agent waits too.
        let token = world.grove.session_token(session.id).await?;
        let mcp = McpClient::open(world.grove.url(), &token).await?;
        let prompt = format!("gate {}", gate.display());
        let made =
            mcp.answer("grove_sessions_spawn", json!({ "prompt": prompt, "title": "Child" }));
        let child: Uuid = serde_json::from_value(made.await?["id"].clone())?;
        until_beside(&mut ana, &agent, &topic, child).await?;
        mcp.end().await?;
        // Somebody moves the card: whoever is at it goes with it.
        ana.mutate(&topic, "m1", vec![set(child, "pos", json!([5000, 4000]))]).await?;
        until_beside(&mut ana, &agent, &topic, child).await?;
        // Who comes later, or after a restart of the daemon, sees who works now.
        let young = ana.until("the child's agent", |it| named(it, "Child")).await?;
        until_beside(&mut ana, &young, &topic, child).await?;
        world.grove.kill_daemon().await?;
        let mut late = world.grove.socket().await?;
        late.subscribe(&topic).await?;
        let again = late.until("the agent", |it| named(it, "Gated")).await?;
        until_beside(&mut late, &again, &topic, session.id.0).await?;
        fs::write(&gate, "")?;
        late.until("nobody at work", |it| it.peers.values().all(|who| !who.is_agent).then_some(()))
            .await?;
        for id in [session.id, child.into()] {
            world.client.until_over(id).await?;
        }
        Ok(())
    })
    .await
}
