//! Objects of a board and their undo, on a real instance. Rules: `docs/realtime.md`.

use grove_core_api::ErrorCode;
use grove_core_api::event::Op;
use grove_core_api::realtime::NackCode;
use grove_core_api::rest::boards::{Board, BoardObject};
use grove_tests::{Instance, Mutated, Outcome, Socket, World, is_code};
use serde_json::{Value, json};
use uuid::Uuid;

fn put(id: Uuid, kind: &str, v: Value) -> Outcome<Op> {
    Ok(Op::Put { id: id.to_string(), kind: kind.to_owned(), v: serde_json::from_value(v)? })
}

fn note(id: Uuid) -> Outcome<Op> {
    put(id, "note", json!({ "pos": [0, 0], "text": "first" }))
}

fn set(id: Uuid, key: &str, value: Value, if_seq: Option<i64>) -> Op {
    Op::Set { id: id.to_string(), k: key.to_owned(), v: value, if_seq }
}

fn del(id: Uuid, if_seq: Option<i64>) -> Op {
    Op::Del { id: id.to_string(), if_seq }
}

async fn on_board(grove: &Instance) -> Outcome<(Board, String, Socket)> {
    let board = grove.client()?.new_board("Board").await?;
    let topic = format!("board:{}", board.id);
    let mut socket = grove.socket().await?;
    socket.subscribe(&topic).await?;
    Ok((board, topic, socket))
}

#[tokio::test]
async fn rt22_a_condition_holds_for_one_property_and_survives_a_restart() -> Outcome {
    Instance::on_each(async |grove| {
        let (board, topic, mut socket) = on_board(grove).await?;
        let id = Uuid::now_v7();
        assert_eq!(socket.mutate(&topic, "1", vec![note(id)?]).await?, Mutated::Done(1));
        let moved = set(id, "pos", json!([1, 1]), Some(1));
        assert_eq!(socket.mutate(&topic, "2", vec![moved]).await?, Mutated::Done(2));
        grove.kill_daemon().await?;
        let mut socket = grove.socket().await?;
        socket.subscribe(&topic).await?;
        let stale = set(id, "pos", json!([9, 9]), Some(1));
        let answer = socket.mutate(&topic, "3", vec![stale]).await?;
        assert_eq!(answer, Mutated::Refused(NackCode::Conflict));
        // Another property of the same object was last changed by the put.
        let ops =
            vec![set(id, "text", json!("second"), Some(1)), set(id, "pos", json!([3, 3]), Some(2))];
        assert_eq!(socket.mutate(&topic, "4", ops).await?, Mutated::Done(3));
        // What REST made has numbers as well.
        let made: BoardObject = grove
            .client()?
            .post(format!("/boards/{}/objects", board.id), json!({ "kind": "zone", "pos": [0, 0] }))
            .await?;
        let ops = vec![set(made.id.0, "text", json!("A"), Some(4))];
        assert_eq!(socket.mutate(&topic, "5", ops).await?, Mutated::Done(5));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rt22_the_place_of_a_card_was_last_changed_when_it_came() -> Outcome {
    World::on_each(async |world| {
        let topic = format!("board:{}", world.board.id);
        let mut socket = world.grove.socket().await?;
        socket.subscribe(&topic).await?;
        let session = world.client.new_session(world.repo.id, "Card", None).await?;
        let card = session.id.0;
        let ops = vec![set(card, "pos", json!([7, 7]), Some(1))];
        assert_eq!(socket.mutate(&topic, "1", ops).await?, Mutated::Done(2));
        let ops = vec![set(card, "title", json!("mine"), None)];
        let answer = socket.mutate(&topic, "2", ops).await?;
        assert_eq!(answer, Mutated::Refused(NackCode::Invalid));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rt22_a_removal_is_refused_when_somebody_changed_the_object() -> Outcome {
    Instance::on_each(async |grove| {
        let (_, topic, mut socket) = on_board(grove).await?;
        let id = Uuid::now_v7();
        socket.mutate(&topic, "1", vec![note(id)?]).await?;
        socket.mutate(&topic, "2", vec![set(id, "text", json!("theirs"), None)]).await?;
        let answer = socket.mutate(&topic, "3", vec![del(id, Some(1))]).await?;
        assert_eq!(answer, Mutated::Refused(NackCode::Conflict));
        assert_eq!(socket.mutate(&topic, "4", vec![del(id, Some(2))]).await?, Mutated::Done(3));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rt23_who_removed_an_object_brings_it_back_and_nobody_else_does() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let board = client.new_board("Board").await?;
        let topic = format!("board:{}", board.id);
        let mut people = Vec::new();
        for name in ["Ana", "Ben", "Cleo"] {
            let (person, user) = client.named(name).await?;
            let mut socket = Socket::open(grove.url(), person.cookie()).await?;
            socket.subscribe(&topic).await?;
            people.push((socket, user));
        }
        let id = Uuid::now_v7();
        people[0].0.mutate(&topic, "put", vec![note(id)?]).await?;
        people[1].0.mutate(&topic, "del", vec![del(id, None)]).await?;
        let answer = people[2].0.mutate(&topic, "c", vec![note(id)?]).await?;
        assert_eq!(answer, Mutated::Refused(NackCode::Gone));
        // Ben undoes his removal; the note is still Ana's.
        assert_eq!(people[1].0.mutate(&topic, "back", vec![note(id)?]).await?, Mutated::Done(3));
        let path = format!("/boards/{}/objects/{id}", board.id);
        assert_eq!(client.get::<BoardObject>(&path).await?.created_by, people[0].1.id);
        // Removed once more, its author may bring it back as well.
        people[1].0.mutate(&topic, "again", vec![del(id, None)]).await?;
        assert_eq!(people[0].0.mutate(&topic, "mine", vec![note(id)?]).await?, Mutated::Done(5));
        // A replay of the first put is the answer of the first time, not another note.
        assert_eq!(people[0].0.mutate(&topic, "put", vec![note(id)?]).await?, Mutated::Done(1));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rt23_an_undo_never_overwrites_somebody_newer() -> Outcome {
    Instance::on_each(async |grove| {
        let (board, topic, mut ana) = on_board(grove).await?;
        let mut ben = grove.socket().await?;
        ben.subscribe(&topic).await?;
        let (moved, untouched) = (Uuid::now_v7(), Uuid::now_v7());
        ana.mutate(&topic, "put", vec![note(moved)?, note(untouched)?]).await?;
        let both = vec![
            set(moved, "pos", json!([5, 5]), None),
            set(untouched, "pos", json!([5, 5]), None),
        ];
        let Mutated::Done(mine) = ana.mutate(&topic, "move", both).await? else {
            anyhow::bail!("the move was refused");
        };
        ben.mutate(&topic, "theirs", vec![set(moved, "pos", json!([8, 8]), None)]).await?;
        let undo = |id| set(id, "pos", json!([0, 0]), Some(mine));
        let answer = ana.mutate(&topic, "undo", vec![undo(untouched), undo(moved)]).await?;
        assert_eq!(answer, Mutated::Refused(NackCode::Conflict), "all or nothing");
        let answer = ana.mutate(&topic, "undo one", vec![undo(untouched)]).await?;
        assert!(matches!(answer, Mutated::Done(_)), "{answer:?}");
        let client = grove.client()?;
        let place = async |id: Uuid| -> Outcome<[f64; 2]> {
            let path = format!("/boards/{}/objects/{id}", board.id);
            Ok(client.get::<BoardObject>(path).await?.pos)
        };
        assert_eq!((place(moved).await?, place(untouched).await?), ([8.0, 8.0], [0.0, 0.0]));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rt24_an_edge_goes_with_either_end() -> Outcome {
    World::on_each(async |world| {
        let topic = format!("board:{}", world.board.id);
        let mut socket = world.grove.socket().await?;
        socket.subscribe(&topic).await?;
        let card = world.client.new_session(world.repo.id, "Card", None).await?.id;
        let (left, right) = (Uuid::now_v7(), Uuid::now_v7());
        let (first, second, third) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
        let edge = |id, from: Uuid, to: Uuid| put(id, "edge", json!({ "from": from, "to": to }));
        let ops = vec![
            note(left)?,
            note(right)?,
            edge(first, left, right)?,
            edge(second, right, card.0)?,
            edge(third, left, card.0)?,
        ];
        assert!(matches!(socket.mutate(&topic, "1", ops).await?, Mutated::Done(_)));
        for (mid, op) in [
            ("nowhere", edge(Uuid::now_v7(), left, Uuid::now_v7())?),
            ("loop", edge(Uuid::now_v7(), left, left)?),
            ("edge", edge(Uuid::now_v7(), left, first)?),
            ("half", put(Uuid::now_v7(), "edge", json!({ "from": left }))?),
            ("set", set(first, "to", json!(left), None)),
        ] {
            let answer = socket.mutate(&topic, mid, vec![op]).await?;
            assert_eq!(answer, Mutated::Refused(NackCode::Invalid), "{mid}");
        }
        // One event names the note and its two edges; undone, all come back.
        socket.mutate(&topic, "2", vec![del(left, None)]).await?;
        let here = |it: &Socket, id: Uuid| {
            it.views.get(&topic).is_some_and(|view| view.objects.contains_key(&id.to_string()))
        };
        socket.until("the note goes", |it| (!here(it, left)).then_some(())).await?;
        assert!(!here(&socket, first) && here(&socket, second) && !here(&socket, third));
        let ops = vec![note(left)?, edge(first, left, right)?, edge(third, left, card.0)?];
        assert!(matches!(socket.mutate(&topic, "3", ops).await?, Mutated::Done(_)));
        // An archived session takes the edges at its card along.
        world.client.delete::<Value>(format!("/sessions/{card}")).await?;
        socket.until("the card goes", |it| (!here(it, card.0)).then_some(())).await?;
        assert!(here(&socket, first) && !here(&socket, second) && !here(&socket, third));
        let answer = socket.mutate(&topic, "4", vec![edge(second, right, card.0)?]).await?;
        assert_eq!(answer, Mutated::Refused(NackCode::Invalid), "the card is not there");
        // Over REST it is the same.
        let path = format!("/boards/{}/objects", world.board.id);
        world.client.delete::<()>(format!("{path}/{right}")).await?;
        socket.until("all edges are gone", |it| (!here(it, first)).then_some(())).await?;
        let body = json!({ "kind": "edge", "from": left, "to": right });
        is_code(world.client.post::<Value>(&path, body).await, ErrorCode::InvalidRequest)?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rt24_what_is_locked_neither_moves_nor_goes() -> Outcome {
    Instance::on_each(async |grove| {
        let (board, topic, mut socket) = on_board(grove).await?;
        let id = Uuid::now_v7();
        socket.mutate(&topic, "1", vec![note(id)?]).await?;
        socket.mutate(&topic, "2", vec![set(id, "is_locked", json!(true), None)]).await?;
        for (mid, op) in [
            ("a", set(id, "pos", json!([1, 1]), None)),
            ("b", set(id, "size", json!([100, 100]), None)),
            ("c", del(id, None)),
        ] {
            let answer = socket.mutate(&topic, mid, vec![op]).await?;
            assert_eq!(answer, Mutated::Refused(NackCode::Locked), "{mid}");
        }
        let client = grove.client()?;
        let path = format!("/boards/{}/objects/{id}", board.id);
        is_code(client.delete::<Value>(&path).await, ErrorCode::Conflict)?;
        let pos = json!({ "pos": [1.0, 1.0] });
        is_code(client.patch::<Value>(&path, pos).await, ErrorCode::Conflict)?;
        let ops = vec![
            set(id, "is_locked", json!(false), None),
            set(id, "pos", json!([1, 1]), None),
            set(id, "text", json!("free"), None),
        ];
        assert!(matches!(socket.mutate(&topic, "d", ops).await?, Mutated::Done(_)));
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_new_object_lies_above_the_others_unless_it_says_where() -> Outcome {
    Instance::on_each(async |grove| {
        let (board, topic, mut socket) = on_board(grove).await?;
        let client = grove.client()?;
        let path = format!("/boards/{}/objects", board.id);
        let make = async |ord: Value| -> Outcome<BoardObject> {
            let body = json!({ "kind": "document", "pos": [0, 0], "title": "Plan", "ord": ord });
            Ok(client.post(&path, body).await?)
        };
        let first = make(Value::Null).await?;
        let second = make(Value::Null).await?;
        let between = make(json!("a0V")).await?;
        assert_eq!((first.ord.as_str(), second.ord.as_str()), ("a0", "a1"));
        assert!(first.ord < between.ord && between.ord < second.ord);
        assert_eq!(first.title.as_deref(), Some("Plan"));
        let ops = vec![set(first.id.0, "ord", json!("a1V"), None)];
        assert!(matches!(socket.mutate(&topic, "up", ops).await?, Mutated::Done(_)));
        assert_eq!(make(Value::Null).await?.ord, "a2");
        let changed = json!({ "ord": "not a key" });
        let one = format!("{path}/{}", first.id);
        is_code(client.patch::<Value>(&one, changed).await, ErrorCode::InvalidRequest)?;
        Ok(())
    })
    .await
}
