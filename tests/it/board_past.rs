//! Boards as they were, their snapshots over HTTP, pictures, and how people last looked at them.

use grove_core_api::ErrorCode;
use grove_core_api::event::Op;
use grove_core_api::rest::boards::{Board, BoardImage, BoardObject, BoardView, TopicState};
use grove_core_api::rest::messages::EventList;
use grove_core_api::rest::sessions::Session;
use grove_tests::{
    Backend, Client, Instance, Mutated, Outcome, Repo, Setup, Socket, eventually, is_code,
};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

/// A picture of one pixel.
const PNG: &str = "89504e470d0a1a0a0000000d494844520000000100000001080600000\
01f15c4890000000d4944415478da63fcffff3f030005fe02fea7350d2d0000000049454e44ae426082";

async fn on_board(grove: &Instance) -> Outcome<(Board, String, Socket)> {
    let board = grove.client()?.new_board("Board").await?;
    let topic = format!("board:{}", board.id);
    let mut socket = grove.socket().await?;
    socket.subscribe(&topic).await?;
    Ok((board, topic, socket))
}

/// Puts a note whose text is then changed with each event: after event n it says n.
async fn write(socket: &mut Socket, topic: &str, note: Uuid, last: i64) -> Outcome {
    for number in 1..=last {
        let id = note.to_string();
        let op = if number == 1 {
            let v = serde_json::from_value(json!({ "pos": [0, 0], "text": "1" }))?;
            Op::Put { id, kind: "note".to_owned(), v }
        } else {
            Op::Set { id, k: "text".to_owned(), v: json!(number.to_string()), if_seq: None }
        };
        let answer = socket.mutate(topic, &format!("m{number}"), vec![op]).await?;
        assert_eq!(answer, Mutated::Done(number));
    }
    Ok(())
}

async fn text_at(client: &Client, board: &Board, note: Uuid, query: String) -> Outcome<Value> {
    let state: TopicState = client.get(format!("/boards/{}/at?{query}", board.id)).await?;
    Ok(state.state.get(&note.to_string()).map_or(Value::Null, |it| it.v["text"].clone()))
}

#[tokio::test]
async fn rt27_a_board_is_read_as_it_was_at_each_event() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let (board, topic, mut socket) = on_board(grove).await?;
        let note = Uuid::now_v7();
        write(&mut socket, &topic, note, 30).await?;
        socket.mutate(&topic, "del", vec![Op::del(note)]).await?;
        let text = async |seq: i64| text_at(&client, &board, note, format!("seq={seq}")).await;
        assert_eq!(text(0).await?, Value::Null);
        for seq in [1, 17, 30] {
            assert_eq!(text(seq).await?, seq.to_string());
        }
        assert_eq!(text(31).await?, Value::Null);
        let log = client.log(&format!("/boards/{}", board.id)).await?;
        let early = text_at(&client, &board, note, format!("at_ms={}", log[0].at - 1)).await?;
        assert_eq!(early, Value::Null);
        let late = text_at(&client, &board, note, format!("at_ms={}", i64::MAX)).await?;
        assert_eq!(late, Value::Null, "removed by now");
        let path = format!("/boards/{}", board.id);
        let now: TopicState = client.get(format!("{path}/snapshot")).await?;
        assert_eq!(client.get::<TopicState>(format!("{path}/at?seq=31")).await?, now);
        for query in ["", "?seq=32", "?seq=-1", "?seq=1&at_ms=1", "?seq=x"] {
            let answer = client.get::<Value>(format!("{path}/at{query}")).await;
            is_code(answer, ErrorCode::InvalidRequest)?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn rt27_a_compacted_log_still_tells_what_is_kept_and_says_what_is_not() -> Outcome {
    for backend in Backend::all()? {
        let setup = Setup::default().on(backend).config("[history]\nkeep_events = 20\n");
        let grove = setup.start().await?;
        let client = grove.client()?;
        let (board, topic, mut socket) = on_board(&grove).await?;
        let note = Uuid::now_v7();
        write(&mut socket, &topic, note, 60).await?;
        let epoch = socket.view(&topic)?.epoch.clone();
        // The care of logs begins with each start.
        grove.kill_daemon().await?;
        let path = format!("/boards/{}/events", board.id);
        let kept = eventually("the log is compacted", async || {
            let list: EventList = client.get(format!("{path}?limit=200")).await?;
            Ok(list.items.first().is_some_and(|it| it.seq > 1).then_some(list))
        })
        .await?;
        assert_eq!((kept.items[0].seq, kept.seq, kept.items.len()), (41, 60, 20));
        assert!(kept.items.iter().all(|it| it.by.is_some() && it.mid.is_some()), "{kept:?}");
        for seq in [40, 41, 60] {
            let text = text_at(&client, &board, note, format!("seq={seq}")).await?;
            assert_eq!(text, seq.to_string());
        }
        let early = format!("/boards/{}/at?seq=39", board.id);
        let told = is_code(client.get::<Value>(early).await, ErrorCode::Gone)?;
        assert!(told.detail.contains("40") || told.detail.contains("41"), "{told:?}");
        is_code(client.get::<Value>(format!("{path}?after=5")).await, ErrorCode::Gone)?;
        // A client from before it gets a snapshot, a newer one resumes (RT-03).
        let mut socket = grove.socket().await?;
        socket.resume(&topic, Some((epoch.clone(), 5))).await?;
        assert_eq!(socket.view(&topic)?.snapshots, 1);
        let mut back = grove.socket().await?;
        back.inherit(&socket);
        back.resume(&topic, Some((epoch, 45))).await?;
        assert!(back.view(&topic)?.is_resumed);
        back.until("the rest", |it| (it.views.get(&topic)?.seq == 60).then_some(())).await?;
        grove.end().await?;
    }
    Ok(())
}

#[tokio::test]
async fn rt25_a_state_over_http_goes_on_over_the_socket() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let (board, topic, mut socket) = on_board(grove).await?;
        write(&mut socket, &topic, Uuid::now_v7(), 3).await?;
        let path = format!("/boards/{}/snapshot", board.id);
        let request = client.request(Method::GET, &path).header("accept-encoding", "br");
        let answer = request.send().await?;
        let encoding = answer.headers().get(header::CONTENT_ENCODING).cloned();
        assert_eq!(encoding.as_ref().map(|it| it.as_bytes()), Some(b"br".as_slice()));
        let tag = answer.headers()[header::ETAG].clone();
        let state: TopicState = client.get(&path).await?;
        let mut other = grove.socket().await?;
        write_one(&mut socket, &topic).await?;
        other.resume(&topic, Some((state.epoch, state.seq))).await?;
        other.until("what came since", |it| (it.views.get(&topic)?.seq == 4).then_some(())).await?;
        assert!(other.view(&topic)?.is_resumed && other.view(&topic)?.snapshots == 0);
        let known = |tag: &header::HeaderValue| {
            client.request(Method::GET, &path).header(header::IF_NONE_MATCH, tag).send()
        };
        let answer = known(&tag).await?;
        assert_eq!(answer.status(), StatusCode::OK, "it has changed");
        let answer = known(&answer.headers()[header::ETAG]).await?;
        assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
        Ok(())
    })
    .await
}

async fn write_one(socket: &mut Socket, topic: &str) -> Outcome {
    let v = serde_json::from_value(json!({ "pos": [0, 0] }))?;
    let op = Op::Put { id: Uuid::now_v7().to_string(), kind: "zone".to_owned(), v };
    assert_eq!(socket.mutate(topic, "one", vec![op]).await?, Mutated::Done(4));
    Ok(())
}

#[tokio::test]
async fn the_state_of_a_session_is_read_over_http_too() -> Outcome {
    grove_tests::World::on_each(async |world| {
        let session = world.finished("State", "say hello").await?;
        let path = format!("/sessions/{}/snapshot", session.id);
        let state: TopicState = world.client.get(&path).await?;
        assert_eq!(state.state[&session.id.to_string()].kind, "session");
        assert!(state.seq > 0 && state.at_ms > 0);
        Ok(())
    })
    .await
}

async fn send_image(
    client: &Client,
    board: &Board,
    content: Vec<u8>,
) -> Outcome<reqwest::Response> {
    let path = format!("/boards/{}/images", board.id);
    let request = client.request(Method::POST, path).header("content-type", "image/svg+xml");
    Ok(request.body(content).send().await?)
}

fn dot() -> Outcome<Vec<u8>> {
    let byte = |at: usize| u8::from_str_radix(&PNG[2 * at..2 * at + 2], 16);
    Ok((0..PNG.len() / 2).map(byte).collect::<Result<_, _>>()?)
}

#[tokio::test]
async fn rt27_a_sessions_log_is_compacted_as_a_boards_is() -> Outcome {
    for backend in Backend::all()? {
        let setup = Setup::default().on(backend).config("[history]\nkeep_events = 20\n");
        let grove = setup.start().await?;
        let client = grove.client()?;
        client.new_board("Board").await?;
        let repo = client.add_repo(&Repo::new("shop")?).await?;
        let session = client.new_session(repo.id, "First", None).await?;
        let path = format!("/sessions/{}", session.id);
        for number in 1..=60 {
            let title = json!({ "title": format!("Title {number}") });
            let _: Session = client.patch(&path, title).await?;
        }
        let mut socket = grove.socket().await?;
        let topic = format!("session:{}", session.id);
        socket.subscribe(&topic).await?;
        let (epoch, newest) = (socket.view(&topic)?.epoch.clone(), socket.view(&topic)?.seq);
        grove.kill_daemon().await?;
        let kept = eventually("the log is compacted", async || {
            let list: EventList = client.get(format!("{path}/events?limit=200")).await?;
            Ok(list.items.first().is_some_and(|it| it.seq > 1).then_some(list))
        })
        .await?;
        assert_eq!((kept.seq, kept.items.len()), (newest, 20));
        is_code(client.get::<Value>(format!("{path}/events?after=5")).await, ErrorCode::Gone)?;
        // Who is further behind gets the state, who is not resumes (RT-03).
        let mut socket = grove.socket().await?;
        socket.resume(&topic, Some((epoch.clone(), 2))).await?;
        assert_eq!(socket.view(&topic)?.snapshots, 1);
        assert_eq!(socket.view(&topic)?.property(session.id, "title"), Some(&json!("Title 60")));
        let mut back = grove.socket().await?;
        back.inherit(&socket);
        back.resume(&topic, Some((epoch, newest - 3))).await?;
        assert!(back.view(&topic)?.is_resumed);
        grove.end().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_picture_that_nothing_kept_shows_goes_after_its_grace() -> Outcome {
    for backend in Backend::all()? {
        let setup = Setup::default().on(backend).config("[history]\nkeep_events = 20\n");
        let grove = setup.start().await?;
        let client = grove.client()?;
        let (board, topic, mut socket) = on_board(&grove).await?;
        let mut images: Vec<BoardImage> = Vec::new();
        for number in 0..4_u8 {
            let content = [dot()?, vec![number; 3]].concat();
            images.push(send_image(&client, &board, content).await?.json().await?);
        }
        let [never, past, shown, fresh] = [0, 1, 2, 3].map(|at: usize| images[at].id.clone());
        for (name, image) in [("past", &past), ("shown", &shown)] {
            let id = Uuid::now_v7();
            let v = json!({ "pos": [0, 0], "image": image, "text": name });
            let put = Op::Put {
                id: id.to_string(),
                kind: "image".to_owned(),
                v: serde_json::from_value(v)?,
            };
            socket.mutate(&topic, name, vec![put]).await?;
            if name == "past" {
                socket.mutate(&topic, "gone", vec![Op::del(id)]).await?;
            }
        }
        let has = async |image: &str| -> Outcome<bool> {
            let path = format!("/boards/{}/images/{image}", board.id);
            Ok(client.request(Method::GET, path).send().await?.status().is_success())
        };
        let old = format!("UPDATE board_images SET created_at_ms = 1 WHERE id <> '{fresh}'");
        grove.store().await?.execute(&old).await?;
        // The care of pictures begins with each start.
        grove.kill_daemon().await?;
        eventually("what was never shown goes", async || Ok((!has(&never).await?).then_some(())))
            .await?;
        for image in [&past, &shown, &fresh] {
            assert!(has(image).await?, "{image}");
        }
        let file = grove.home.join("files").join(&never[..2]).join(&never);
        assert!(!file.exists(), "{}", file.display());
        // When no kept moment shows it any more, it goes too.
        let mut socket = grove.socket().await?;
        socket.subscribe(&topic).await?;
        for number in 0..60 {
            let v = serde_json::from_value(json!({ "pos": [0, 0], "text": "x" }))?;
            let id = Uuid::now_v7().to_string();
            let put = Op::Put { id, kind: "note".to_owned(), v };
            socket.mutate(&topic, &format!("n{number}"), vec![put]).await?;
        }
        grove.kill_daemon().await?;
        eventually("what is past goes", async || Ok((!has(&past).await?).then_some(()))).await?;
        assert!(has(&shown).await? && has(&fresh).await?);
        grove.end().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_picture_is_kept_by_its_content_and_served_as_nothing_else() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let board = client.new_board("Board").await?;
        let content = dot()?;
        let answer = send_image(&client, &board, content.clone()).await?;
        assert_eq!(answer.status(), StatusCode::CREATED);
        let image: BoardImage = answer.json().await?;
        assert_eq!((image.media_type.as_str(), image.natural_size), ("image/png", [1, 1]));
        let again: BoardImage = send_image(&client, &board, content.clone()).await?.json().await?;
        assert_eq!(again, image);
        let path = format!("/boards/{}/images/{}", board.id, image.id);
        let served = client.request(Method::GET, &path).send().await?;
        let of = |name: &str| served.headers().get(name).map(|it| it.as_bytes().to_vec());
        assert_eq!(of("content-type").as_deref(), Some(b"image/png".as_slice()));
        assert_eq!(of("x-content-type-options").as_deref(), Some(b"nosniff".as_slice()));
        let policy = of("content-security-policy").unwrap_or_default();
        assert!(policy.starts_with(b"default-src 'none'"), "{policy:?}");
        let tag = served.headers()[header::ETAG].clone();
        assert_eq!(served.bytes().await?.to_vec(), content);
        let request = client.request(Method::GET, &path).header(header::IF_NONE_MATCH, tag);
        assert_eq!(request.send().await?.status(), StatusCode::NOT_MODIFIED);
        // On the board it shows what is there, and nothing that is not.
        let objects = format!("/boards/{}/objects", board.id);
        let body = json!({ "kind": "image", "pos": [0, 0], "image": image.id, "text": "A dot" });
        let made: BoardObject = client.post(&objects, body).await?;
        assert_eq!((made.natural_size, made.text.as_str()), (Some([1, 1]), "A dot"));
        let other = client.new_board("Other").await?;
        let objects = format!("/boards/{}/objects", other.id);
        let body = json!({ "kind": "image", "pos": [0, 0], "image": image.id });
        is_code(client.post::<Value>(&objects, body).await, ErrorCode::InvalidRequest)?;
        let path = format!("/boards/{}/images/{}", other.id, image.id);
        is_code(client.get::<Value>(path).await, ErrorCode::NotFound)?;
        for wrong in ["../../keys/owner.token", "zz", ""] {
            let path = format!("/boards/{}/images/{wrong}", board.id);
            assert!(client.get::<Value>(path).await.is_err(), "{wrong}");
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_is_no_picture_is_refused_whatever_it_says_it_is() -> Outcome {
    let grove = Instance::start().await?;
    let client = grove.client()?;
    let board = client.new_board("Board").await?;
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>".to_vec();
    let huge =
        [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff".as_slice(), &[0; 64]];
    for content in [svg, b"<html>".to_vec(), Vec::new(), b"GIF89a".to_vec(), huge.concat()] {
        let answer = send_image(&client, &board, content).await?;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    }
    let large = vec![0; grove_core_api::limits::IMAGE_BYTES + 1];
    // The server may end the connection before all of it is sent.
    if let Ok(answer) = send_image(&client, &board, large).await {
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
    let images = client.get::<Value>(format!("/boards/{}/objects", board.id)).await?;
    assert_eq!(images["items"], json!([]));
    grove.end().await
}

#[tokio::test]
async fn everybody_has_a_view_of_their_own_of_each_board() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let board = client.new_board("Board").await?;
        let path = format!("/boards/{}/view", board.id);
        let (ana, _) = client.named("Ana").await?;
        let (ben, _) = client.named("Ben").await?;
        let view = json!({ "v": 1, "viewport": [10.5, -3.0, 0.8], "active_panel": 1,
            "panels": [{ "target": "session:1", "tab": "diff" }, { "target": "people" }] });
        let put = |who: &Client, body: Value| who.request(Method::PUT, &path).json(&body);
        let kept: BoardView = ana.send(put(&ana, view.clone())).await?;
        assert_eq!(ana.get::<BoardView>(&path).await?, kept);
        assert_eq!(kept.panels[0].tab.as_deref(), Some("diff"));
        let empty = BoardView { v: 1, ..BoardView::default() };
        assert_eq!(ben.get::<BoardView>(&path).await?, empty);
        let last: BoardView = ana.send(put(&ana, json!({ "v": 1, "panels": [] }))).await?;
        assert_eq!(ana.get::<BoardView>(&path).await?, last);
        let many = vec![json!({ "target": "x" }); 33];
        for body in [
            json!({ "v": 2, "panels": [] }),
            json!({ "v": 1, "panels": many }),
            json!({ "v": 1, "panels": [], "viewport": [0, 0, 0] }),
            json!({ "v": 1, "panels": [], "panel_width_px": 5 }),
            json!({ "v": 1, "panels": [], "colour": "red" }),
        ] {
            let refused = ana.send::<Value>(put(&ana, body)).await;
            is_code(refused, ErrorCode::InvalidRequest)?;
        }
        Ok(())
    })
    .await
}
