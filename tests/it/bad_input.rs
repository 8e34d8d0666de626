//! What people and programs send by mistake: a clear problem, never a 5xx, never half a thing.

use grove_core_api::rest::boards::Board;
use grove_core_api::rest::repos::Repo as RepoBody;
use grove_core_api::rest::sessions::Session;
use grove_core_api::rest::worktrees::Worktree;
use grove_core_api::{ErrorCode, Page};
use grove_tests::{Instance, Outcome, Repo, World, is_code};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::fs;
use uuid::Uuid;

#[tokio::test]
async fn a_source_that_is_no_repository_is_refused_and_not_registered() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let source = Repo::new("shop")?;
        let (plain, empty) = (source.plain_directory()?, Repo::empty("nothing")?);
        let file = plain.join("file");
        fs::write(&file, "")?;
        for (text, code) in [
            ("/no/such/place".to_owned(), ErrorCode::RepoUnreachable),
            ("file:///no/such/place".to_owned(), ErrorCode::RepoUnreachable),
            (plain.display().to_string(), ErrorCode::NotARepository),
            (file.display().to_string(), ErrorCode::RepoUnreachable),
            (empty.source(), ErrorCode::EmptyRepository),
        ] {
            let made = client.post::<RepoBody>("/repos", json!({ "source": text })).await;
            let problem = is_code(made, code).map_err(|error| error.context(text))?;
            let says_what_to_do = problem.hint.is_some() || problem.detail.contains("; ");
            assert!(says_what_to_do, "{problem:?}");
        }
        let malformed = ["", " ", "-oProxyCommand=x", "a\nb", "relative/path", "ext::sh -c true"];
        for text in malformed {
            let made = client.post::<RepoBody>("/repos", json!({ "source": text })).await;
            let problem = grove_tests::Refusal::refusal(made)?;
            assert!(problem.status < 500, "{text}: {problem:?}");
        }
        assert!(client.get::<Page<RepoBody>>("/repos").await?.items.is_empty());
        let left: Vec<_> = fs::read_dir(grove.home.join("mirror")).into_iter().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn bad_branches_are_refused_and_leave_no_session_and_no_worktree() -> Outcome {
    World::on_each(async |world| {
        let client = &world.client;
        let create = async |branch: &str, base: Option<&str>| {
            let body = json!({ "repo_id": world.repo.id, "branch": branch, "base_ref": base });
            client.post::<Session>("/sessions", body).await
        };
        for name in ["-x", "a..b", "a b", "a\nb", "", "a~1", ".hidden", "x.lock", "a@{b"] {
            is_code(create(name, None).await, ErrorCode::InvalidBranchName)?;
        }
        for base in ["nope", "-x", "main..x", "0000000000000000000000000000000000000000"] {
            is_code(create("fine", Some(base)).await, ErrorCode::UnknownReference)?;
        }
        create("taken", None).await?;
        is_code(create("taken", None).await, ErrorCode::BranchExists)?;
        is_code(create("main", None).await, ErrorCode::BranchExists)?;
        let sessions: Page<Session> = client.get("/sessions").await?;
        let worktrees: Page<Worktree> = client.get("/worktrees").await?;
        assert_eq!((sessions.items.len(), worktrees.items.len()), (1, 1));
        let folder = std::path::Path::new(&worktrees.items[0].path).parent();
        let made = fs::read_dir(folder.unwrap_or(&world.grove.home))?.count();
        assert_eq!(made, 1, "a refused session leaves no directory");
        Ok(())
    })
    .await
}

#[tokio::test]
async fn titles_and_names_have_a_length_and_no_control_characters() -> Outcome {
    World::on_each(async |world| {
        let client = &world.client;
        let long = "x".repeat(10 * 1024);
        for title in [long.as_str(), "a\u{7}b", "a\u{0}b", "two\nlines", "   "] {
            let session = json!({ "repo_id": world.repo.id, "title": title });
            is_code(client.post::<Value>("/sessions", session).await, ErrorCode::InvalidRequest)?;
            let board = client.new_board(title).await;
            let problem = is_code(board, ErrorCode::InvalidRequest)?;
            assert_eq!(problem.errors[0].field, "name");
            let user = client.patch::<Value>("/users/me", json!({ "name": title })).await;
            is_code(user, ErrorCode::InvalidRequest)?;
        }
        for prompt in ["", "  \n", "nul\0"] {
            let session = json!({ "repo_id": world.repo.id, "prompt": prompt });
            is_code(client.post::<Value>("/sessions", session).await, ErrorCode::InvalidRequest)?;
        }
        assert!(client.get::<Page<Session>>("/sessions").await?.items.is_empty());
        assert_eq!(client.get::<Page<Board>>("/boards").await?.items.len(), 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn bodies_that_are_not_what_is_documented_are_refused_with_the_place() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let send = async |kind: &str, body: Vec<u8>| {
            let request = client.request(Method::POST, "/boards").header("content-type", kind);
            client.send::<Board>(request.body(body)).await
        };
        let json = "application/json";
        for (kind, body, code) in [
            (json, b"{\"name\":".to_vec(), ErrorCode::InvalidJson),
            (json, b"".to_vec(), ErrorCode::InvalidJson),
            (json, b"\xff\xfe".to_vec(), ErrorCode::InvalidJson),
            (json, b"{\"name\":7}".to_vec(), ErrorCode::InvalidRequest),
            (json, b"[]".to_vec(), ErrorCode::InvalidRequest),
            (json, b"{}".to_vec(), ErrorCode::InvalidRequest),
            (json, b"{\"name\":\"a\",\"nmae\":1}".to_vec(), ErrorCode::InvalidRequest),
            ("text/plain", b"{\"name\":\"a\"}".to_vec(), ErrorCode::UnsupportedMediaType),
            (
                json,
                format!("{{\"name\":\"{}\"}}", "x".repeat(1_100_000)).into_bytes(),
                ErrorCode::TooLarge,
            ),
        ] {
            let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            is_code(send(kind, body).await, code).map_err(|error| error.context(shown))?;
        }
        let bare = client.request(Method::POST, "/boards").body("{\"name\":\"a\"}");
        is_code(client.send::<Board>(bare).await, ErrorCode::UnsupportedMediaType)?;
        assert!(client.get::<Page<Board>>("/boards").await?.items.is_empty());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn deep_json_is_refused_and_the_daemon_lives() -> Outcome {
    let grove = Instance::start().await?;
    let client = grove.client()?;
    let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let body = format!("{{\"name\":{deep}}}");
    let request =
        client.request(Method::POST, "/boards").header("content-type", "application/json");
    let refused = grove_tests::Refusal::refusal(client.send::<Board>(request.body(body)).await)?;
    assert!(refused.status < 500, "{refused:?}");
    assert!(client.is_healthy().await);
    grove.end().await
}

#[tokio::test]
async fn ids_that_name_nothing_are_not_found_and_nonsense_is_refused() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let nobody = Uuid::now_v7();
        for noun in ["boards", "repos", "worktrees", "sessions", "tasks", "users"] {
            is_code(client.get::<Value>(format!("/{noun}/{nobody}")).await, ErrorCode::NotFound)?;
            is_code(client.get::<Value>(format!("/{noun}/0badf00d")).await, ErrorCode::NotFound)?;
            for text in ["abc", "zzzzzzzz", "%00", "..%2F..%2Fetc", "'%20OR%201=1"] {
                let answer = client.get::<Value>(format!("/{noun}/{text}")).await;
                is_code(answer, ErrorCode::InvalidRequest)
                    .map_err(|error| error.context(format!("{noun}/{text}")))?;
            }
        }
        for body in [
            json!({ "repo_id": nobody }),
            json!({ "worktree_id": nobody }),
            json!({ "repo_id": nobody, "board_id": nobody }),
        ] {
            client.new_board("B").await?;
            is_code(client.post::<Value>("/sessions", body).await, ErrorCode::NotFound)?;
        }
        let session = format!("/sessions/{nobody}");
        for tail in ["/messages", "/events", "/diff", "/result"] {
            is_code(client.get::<Value>(format!("{session}{tail}")).await, ErrorCode::NotFound)?;
        }
        let answer = json!({ "decision": "allow" });
        let path = format!("{session}/permissions/{nobody}");
        is_code(client.post::<Value>(&path, answer).await, ErrorCode::NotFound)?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_session_needs_exactly_one_place_to_work_in() -> Outcome {
    World::on_each(async |world| {
        let client = &world.client;
        let session = client.new_session(world.repo.id, "One", None).await?;
        for body in [
            json!({ "title": "nowhere" }),
            json!({ "repo_id": world.repo.id, "worktree_id": session.worktree_id }),
            json!({ "worktree_id": session.worktree_id, "branch": "x" }),
            json!({ "repo_id": world.repo.id, "agent": "nobody" }),
            json!({ "repo_id": world.repo.id, "model": "nothing" }),
            json!({ "repo_id": world.repo.id, "pos": [1e300, 0] }),
        ] {
            is_code(client.post::<Value>("/sessions", body).await, ErrorCode::InvalidRequest)?;
        }
        assert_eq!(client.get::<Page<Session>>("/sessions").await?.items.len(), 1);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn pages_have_limits_and_cursors_of_their_own_list() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        for noun in ["boards", "repos", "worktrees", "sessions", "tasks", "users"] {
            for query in ["limit=0", "limit=-1", "limit=201", "limit=x", "cursor=nonsense"] {
                let answer = client.get::<Value>(format!("/{noun}?{query}")).await;
                is_code(answer, ErrorCode::InvalidRequest)
                    .map_err(|error| error.context(format!("{noun}?{query}")))?;
            }
        }
        for query in ["state=asleep", "board_id=7", "colour=red"] {
            let answer = client.get::<Value>(format!("/sessions?{query}")).await;
            is_code(answer, ErrorCode::InvalidRequest)?;
        }
        Ok(())
    })
    .await
}

#[tokio::test]
async fn unknown_routes_and_methods_are_problems() -> Outcome {
    let grove = Instance::start().await?;
    let client = grove.client()?;
    is_code(client.get::<Value>("/nonsense").await, ErrorCode::NotFound)?;
    is_code(client.get::<Value>("/boards/x/y/z").await, ErrorCode::NotFound)?;
    for (method, path) in [(Method::PUT, "/boards"), (Method::DELETE, "/instance")] {
        let answer = client.send::<Value>(client.request(method, path)).await;
        is_code(answer, ErrorCode::MethodNotAllowed)?;
    }
    grove.end().await
}

#[tokio::test]
async fn other_sites_and_other_hosts_are_kept_out() -> Outcome {
    let grove = Instance::start().await?;
    let client = grove.client()?;
    let body = json!({ "name": "Evil" });
    for (name, value) in [
        ("origin", "http://evil.example"),
        ("origin", "null"),
        ("host", "evil.example"),
        ("host", "127.0.0.1.evil.example"),
        ("sec-fetch-site", "cross-site"),
    ] {
        let request = client.request(Method::POST, "/boards").header(name, value).json(&body);
        is_code(client.send::<Board>(request).await, ErrorCode::Forbidden)?;
    }
    let read = client.request(Method::GET, "/boards").header("host", "evil.example");
    is_code(client.send::<Value>(read).await, ErrorCode::Forbidden)?;
    let own = client.request(Method::POST, "/boards").header("origin", grove.url()).json(&body);
    assert_eq!(own.send().await?.status(), StatusCode::CREATED);
    grove.end().await
}

#[tokio::test]
async fn objects_outside_of_the_board_or_out_of_size_are_refused() -> Outcome {
    Instance::on_each(async |grove| {
        let client = grove.client()?;
        let board = client.new_board("Board").await?;
        let path = format!("/boards/{}/objects", board.id);
        let text = "x".repeat(65 * 1024);
        for body in [
            json!({ "kind": "note", "pos": [1e9, 0] }),
            json!({ "kind": "note", "pos": [0] }),
            json!({ "kind": "note", "pos": [0, 0], "size": [1, 1] }),
            json!({ "kind": "note", "pos": [0, 0], "size": [1e6, 1e6] }),
            json!({ "kind": "note", "pos": [0, 0], "text": text }),
            json!({ "kind": "note", "pos": [0, 0], "color": "mauve" }),
            json!({ "kind": "planet", "pos": [0, 0] }),
        ] {
            is_code(client.post::<Value>(&path, body).await, ErrorCode::InvalidRequest)?;
        }
        assert!(client.log(&format!("/boards/{}", board.id)).await?.is_empty());
        Ok(())
    })
    .await
}

#[tokio::test]
async fn a_short_id_that_fits_several_lists_them() -> Outcome {
    let grove = Instance::start().await?;
    let client = grove.client()?;
    let board = client.new_board("First").await?;
    // Two ids with the same end do not come about by themselves; the row of a twin does.
    let twin = Uuid::from_u128(board.id.0.as_u128() ^ (1 << 64));
    let store = grove.store().await?;
    let columns = "name, created_by, created_at_ms, updated_at_ms, archived_at_ms, version";
    let (old, new) = (store.uuid(board.id.0), store.uuid(twin));
    store
        .execute(&format!(
            "INSERT INTO boards (id, short_id, {columns}) \
             SELECT {new}, short_id, {columns} FROM boards WHERE id = {old}"
        ))
        .await?;
    let short = client.get::<Board>(format!("/boards/{}", board.id.short())).await;
    let problem = is_code(short, ErrorCode::AmbiguousId)?;
    assert_eq!(problem.candidates.len(), 2);
    assert!(problem.candidates.contains(&twin.to_string()), "{problem:?}");
    assert_eq!(client.get::<Board>(format!("/boards/{}", board.id)).await?.name, "First");
    grove.end().await
}
