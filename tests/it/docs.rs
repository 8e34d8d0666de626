//! Texts that several people write together, on a real instance. Rules: `docs/realtime.md`.

use grove_core_api::event::Op;
use grove_core_api::rest::boards::{Board, BoardObject};
use grove_core_api::rest::docs::{Doc, DocKind};
use grove_core_api::rest::sessions::CreatePrompt;
use grove_core_api::rest::tasks::Task;
use grove_core_api::{ErrorCode, limits};
use grove_tests::{
    Backend, Client, Instance, Mutated, Outcome, SharedText, Socket, World, eventually, is_code,
};
use serde_json::{Value, json};
use uuid::Uuid;

async fn new_note(client: &Client, board: &Board, text: &str) -> Outcome<BoardObject> {
    let body = json!({ "kind": "note", "pos": [0, 0], "text": text });
    Ok(client.post(format!("/boards/{}/objects", board.id), &body).await?)
}

async fn note_text(client: &Client, note: &BoardObject) -> Outcome<String> {
    let path = format!("/boards/{}/objects/{}", note.board_id, note.id);
    Ok(client.get::<BoardObject>(path).await?.text)
}

async fn until_note(client: &Client, note: &BoardObject, wanted: &str) -> Outcome {
    eventually(&format!("the note says {wanted:?}"), async || {
        Ok((note_text(client, note).await? == wanted).then_some(()))
    })
    .await
}

/// A window that has joined, with its connection.
async fn window(grove: &Instance, id: impl std::fmt::Display) -> Outcome<(SharedText, Socket)> {
    let mut socket = grove.socket().await?;
    let mut text = SharedText::new(id);
    text.join(&mut socket).await?;
    Ok((text, socket))
}

#[tokio::test]
async fn rt40_two_who_come_first_together_find_the_notes_words_once() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let board = client.new_board("Board").await?;
        for _ in 0..5 {
            let note = new_note(&client, &board, "Buy milk 🌱").await?;
            let (ana, ben, doc) = futures_util::future::try_join3(
                window(grove, note.id),
                window(grove, note.id),
                async { Ok(client.get::<Doc>(format!("/docs/{}", note.id.short())).await?) },
            )
            .await?;
            assert_eq!((ana.0.text().as_str(), ana.0.text()), ("Buy milk 🌱", ben.0.text()));
            assert_eq!((doc.text.as_str(), doc.kind), ("Buy milk 🌱", DocKind::Note));
            assert_eq!((doc.epoch, doc.board_id), (ana.0.epoch, Some(board.id)));
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rt40_a_document_of_nothing_is_refused() -> Outcome {
    let grove = Instance::start().await?;
    let mut socket = grove.socket().await?;
    let joined = SharedText::new(Uuid::now_v7()).join(&mut socket).await;
    assert!(joined.is_err());
    assert_eq!(socket.errors.first().map(|it| it.0), Some(ErrorCode::NotFound));
    let missing = grove.client()?.get::<Doc>(format!("/docs/{}", Uuid::now_v7())).await;
    is_code(missing, ErrorCode::NotFound)?;
    grove.end().await
}

#[tokio::test]
async fn rt41_two_people_write_one_note_and_what_was_written_offline_comes_in() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let board = client.new_board("Board").await?;
        let note = new_note(&client, &board, "-").await?;
        let (mut ana, mut left) = window(grove, note.id).await?;
        let (mut ben, mut right) = window(grove, note.id).await?;
        for round in 0..10 {
            let at = ben.text().len();
            let words = (format!("a{round}"), format!("b{round}"));
            let wrote = futures_util::future::try_join(
                ana.insert(&mut left, 0, &words.0),
                ben.insert(&mut right, at, &words.1),
            );
            wrote.await?;
        }
        // Ana's line is cut; both go on.
        drop(left);
        ana.write(0, "offline ");
        ben.insert(&mut right, 0, "meanwhile ").await?;
        let mut left = grove.socket().await?;
        ana.join(&mut left).await?;
        let text = ana.text();
        ben.until_text(&mut right, &text).await?;
        for part in ["offline ", "meanwhile ", "a9", "b9", "-"] {
            assert_eq!(text.matches(part).count(), 1, "{part} in {text}");
        }
        until_note(&client, &note, &text).await
    })
    .await
}

#[tokio::test]
async fn rt42_what_cannot_be_applied_ends_nothing() -> Outcome {
    let grove = Instance::start().await?;
    let client = grove.client()?;
    let board = client.new_board("Board").await?;
    let note = new_note(&client, &board, "kept").await?;
    let (mut ana, mut socket) = window(&grove, note.id).await?;
    let topic = format!("doc:{}", note.id);
    // A root that is no text, a hole, noise, too much; then a text that is too long.
    let long = SharedText::new(note.id).write(0, &"x".repeat(limits::NOTE_BYTES));
    let cases = [
        (vec![1, 1, 1, 0, 4, 1, 3, b'm', b'a', b'p', 1, b'x', 0], ErrorCode::InvalidRequest),
        (vec![1, 1, 5, 3, 0x84, 5, 2, 1, b'x', 0], ErrorCode::Conflict),
        (vec![255; 40], ErrorCode::InvalidRequest),
        (vec![0; limits::DOC_UPDATE_BYTES + 1], ErrorCode::TooLarge),
        (long, ErrorCode::TooLarge),
    ];
    for (update, code) in cases {
        socket.doc_errors.clear();
        ana.send(&mut socket, &update).await?;
        ana.until_saved(&mut socket).await?;
        assert_eq!(socket.doc_errors, vec![(topic.clone(), code)]);
    }
    ana.insert(&mut socket, 4, " and more").await?;
    until_note(&client, &note, "kept and more").await?;
    grove.end().await
}

#[tokio::test]
async fn rt45_the_notes_text_follows_under_the_name_of_who_wrote() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let board = client.new_board("Board").await?;
        let note = new_note(&client, &board, "").await?;
        let (person, user) = client.named("Ana").await?;
        let mut socket = Socket::open(grove.url(), person.cookie()).await?;
        let topic = format!("board:{}", board.id);
        socket.subscribe(&topic).await?;
        let mut ana = SharedText::new(note.id);
        ana.join(&mut socket).await?;
        let before = socket.view(&topic)?.seq;
        for (at, letter) in ["h", "e", "l", "l", "o"].into_iter().enumerate() {
            ana.insert(&mut socket, at, letter).await?;
        }
        socket
            .until("the text on the board", |it| {
                let text = it.views.get(&topic)?.property(note.id, "text")?;
                (text == "hello").then_some(())
            })
            .await?;
        let event = socket.view(&topic)?.events.last().cloned();
        let event = event.ok_or_else(|| anyhow::anyhow!("no event"))?;
        assert_eq!(event.by, Some(user.id.to_string()));
        assert!(event.seq - before < 5, "not one event per letter: {event:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rt45_a_text_set_by_other_ways_reaches_who_writes_and_merges() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let board = client.new_board("Board").await?;
        let note = new_note(&client, &board, "one two three").await?;
        let (mut ana, mut socket) = window(grove, note.id).await?;
        let path = format!("/boards/{}/objects/{}", board.id, note.id);
        let patched: BoardObject = client.patch(&path, &json!({ "text": "one 2 three" })).await?;
        assert_eq!(patched.text, "one 2 three");
        ana.until_text(&mut socket, "one 2 three").await?;
        // A mutation changes the middle while Ana writes at the end.
        let topic = format!("board:{}", board.id);
        let mut other = grove.socket().await?;
        other.subscribe(&topic).await?;
        let set = Op::Set {
            id: note.id.to_string(),
            k: "text".to_owned(),
            v: json!("one zwei three"),
            if_seq: None,
        };
        let update = ana.write(11, " four");
        let answer = other.mutate(&topic, "m1", vec![set]).await?;
        assert!(matches!(answer, Mutated::Done(_)));
        ana.send(&mut socket, &update).await?;
        ana.until_text(&mut socket, "one zwei three four").await?;
        until_note(&client, &note, "one zwei three four").await?;
        let doc: Doc = client.get(format!("/docs/{}", note.id)).await?;
        assert_eq!(doc.text, "one zwei three four");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rt46_a_prompt_takes_what_its_author_saw_and_leaves_the_rest() -> Outcome {
    World::on_each(async |world| {
        let session = world.client.new_session(world.repo.id, "Draft", None).await?;
        let (mut ana, mut left) = window(&world.grove, session.id).await?;
        let (mut ben, mut right) = window(&world.grove, session.id).await?;
        ana.insert(&mut left, 0, "say hello ").await?;
        ben.until_text(&mut right, "say hello ").await?;
        // Ana sends what she sees, with a letter that the server has not; Ben has written on.
        ana.write(10, "you");
        let taken = ana.taken()?;
        ben.insert(&mut right, 10, "and then?").await?;
        let path = format!("/sessions/{}/prompt", session.id);
        let body = CreatePrompt { text: "say hello you".to_owned(), draft: Some(taken) };
        let task: Task = world.client.post(&path, &body).await?;
        assert_eq!(task.prompt, "say hello you");
        for (window, socket) in [(&mut ana, &mut left), (&mut ben, &mut right)] {
            window.until_text(socket, "and then?").await?;
        }
        let again = world.client.post::<Task>(&path, &body).await;
        let why = is_code(again, ErrorCode::Conflict)?;
        assert!(why.detail.contains("draft"), "{why:?}");
        assert_eq!(world.client.tasks(session.id).await?.len(), 1, "it was sent once");
        let doc: Doc = world.client.get(format!("/docs/{}", session.id)).await?;
        assert_eq!((doc.kind, doc.text.as_str()), (DocKind::Draft, "and then?"));
        assert_eq!(doc.session_id, Some(session.id));
        world.client.until_over(session.id).await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rt47_what_was_saved_survives_the_kill_of_the_daemon() -> Outcome {
    for backend in Backend::all()? {
        let grove = grove_tests::Setup::default().on(backend).start().await?;
        let client = grove.client()?;
        let board = client.new_board("Board").await?;
        let note = new_note(&client, &board, "").await?;
        let (mut ana, mut socket) = window(&grove, note.id).await?;
        let mut wanted = String::new();
        for round in 0..30 {
            let word = format!("w{round} ");
            ana.insert(&mut socket, wanted.len(), &word).await?;
            wanted.push_str(&word);
        }
        // The last words are saved, the note has perhaps not followed, and nothing says goodbye.
        grove.kill_daemon().await?;
        let (ben, _right) = window(&grove, note.id).await?;
        assert_eq!(ben.text(), wanted);
        until_note(&client, &note, &wanted).await?;
        let mut socket = grove.socket().await?;
        ana.write(0, "later ");
        ana.join(&mut socket).await?;
        until_note(&client, &note, &format!("later {wanted}")).await?;
        grove.end().await?;
    }
    Ok(())
}

#[tokio::test]
async fn rt47_many_updates_are_stored_as_one_state() -> Outcome {
    let grove = Instance::start().await?;
    let client = grove.client()?;
    let board = client.new_board("Board").await?;
    let note = new_note(&client, &board, "").await?;
    let (mut ana, mut socket) = window(&grove, note.id).await?;
    let mut updates = Vec::new();
    for at in 0..usize::try_from(limits::DOC_COMPACT_UPDATES)? + 20 {
        updates.push(ana.write(at, "x"));
    }
    for update in &updates {
        ana.send(&mut socket, update).await?;
    }
    ana.until_saved(&mut socket).await?;
    let store = grove.store().await?;
    let kept = store.text("SELECT COUNT(*) FROM doc_updates").await?.parse::<i64>()?;
    assert!(kept < limits::DOC_COMPACT_UPDATES, "{kept} updates are kept");
    grove.kill_daemon().await?;
    let (ben, _right) = window(&grove, note.id).await?;
    assert_eq!(ben.text(), ana.text());
    grove.end().await
}

#[tokio::test]
async fn rt47_a_note_that_comes_back_begins_anew() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let board = client.new_board("Board").await?;
        let note = new_note(&client, &board, "old words").await?;
        let (mut ana, mut socket) = window(grove, note.id).await?;
        let topic = format!("doc:{}", note.id);
        let path = format!("/boards/{}/objects/{}", board.id, note.id);
        let _removed: Value = client.delete(path).await?;
        let gone =
            |it: &Socket| it.doc_errors.contains(&(topic.clone(), ErrorCode::Gone)).then_some(());
        socket.until("the document is gone", gone).await?;
        assert!(ana.join(&mut socket).await.is_err());
        // Somebody takes the removal back.
        let board_topic = format!("board:{}", board.id);
        socket.subscribe(&board_topic).await?;
        let v = serde_json::from_value(json!({ "pos": [0, 0], "text": "old words" }))?;
        let put = Op::Put { id: note.id.to_string(), kind: "note".to_owned(), v };
        socket.mutate(&board_topic, "back", vec![put]).await?;
        socket.errors.clear();
        let joined = ana.join(&mut socket).await.map_err(|it| it.to_string());
        assert_eq!(joined, Err("the document began anew".to_owned()));
        let (ben, _right) = window(grove, note.id).await?;
        assert_eq!(ben.text(), "old words", "once");
        Ok(())
    })
    .await
}
