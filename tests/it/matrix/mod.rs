//! Who may do what, as one table against the real thing: each operation of the API, each frame of the
//! WebSocket and each tool of MCP, asked by each kind of caller.
//!
//! The table (`table.rs`) is written by hand and knows nothing of the code's own policy; what it leaves
//! out fails the test. Here are the expectations that follow from it, and the tests.

mod asks;
mod people;
mod table;

use anyhow::{Context, bail, ensure};
use asks::Ask;
use grove_core_api::realtime::ClientFrame;
use grove_core_api::rest::grants::{BoardRight, TokenScope};
use grove_core_api::rest::users::UserRole;
use grove_core_api::{ErrorCode, Problem};
use grove_tests::mcp::McpClient;
use grove_tests::{Mutated, Outcome, Socket, World};
use people::{House, Principal, Standing};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::collections::BTreeSet;
use table::{FRAMES, Need, OPERATIONS, TOOLS};

/// What a caller is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// 401: it is not known who calls.
    Unauthenticated,
    /// 404: there is no such thing for them.
    Hidden,
    /// 403.
    Refused,
    /// Anything else: it was let through to what it asked for.
    Through,
}

/// What follows from the table and from who calls.
fn expected(it: &Principal, need: Need) -> Expected {
    if it.standing == Standing::Nobody {
        return Expected::Unauthenticated;
    }
    if need.right.is_some() && it.right.is_none() {
        return Expected::Hidden;
    }
    let is_own = need.own.is_some_and(|name| name == it.name);
    let is_enough = it.role.holds(need.role) || is_own;
    let is_agent = it.agent.is_some();
    if (is_agent && !need.agents) || it.scope < need.scope || !is_enough {
        return Expected::Refused;
    }
    match need.right {
        Some(right) if lowered(it) < Some(right) => Expected::Refused,
        _ => Expected::Through,
    }
}

fn lowered(it: &Principal) -> Option<BoardRight> {
    let role = if it.role == UserRole::Viewer { BoardRight::View } else { BoardRight::Admin };
    let scope = match it.scope {
        TokenScope::Read => BoardRight::View,
        TokenScope::Work => BoardRight::Steer,
        TokenScope::Full => BoardRight::Admin,
    };
    let agent = match it.agent {
        None => BoardRight::Admin,
        Some(true) => BoardRight::Prompt,
        Some(false) => BoardRight::View,
    };
    it.right.map(|right| right.min(role).min(scope).min(agent))
}

fn got(status: StatusCode, text: &str, ask: &Ask) -> Expected {
    match status {
        StatusCode::UNAUTHORIZED => Expected::Unauthenticated,
        StatusCode::FORBIDDEN => Expected::Refused,
        StatusCode::NOT_FOUND => {
            // Some questions name something on purpose that is not there.
            let problem = serde_json::from_str::<Problem>(text).ok();
            let names = |noun: &str| {
                problem.as_ref().is_some_and(|it| it.detail.contains(&format!("no {noun} `")))
            };
            if ask.misses.is_some_and(names) { Expected::Through } else { Expected::Hidden }
        }
        _ => Expected::Through,
    }
}

#[tokio::test]
async fn the_table_has_every_operation_frame_and_tool_and_nothing_else() -> Outcome {
    let document = serde_json::to_value(grove_daemon::openapi())?;
    let mut wanted = BTreeSet::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in item.as_object().into_iter().flat_map(|it| it.keys()) {
            let path = path.trim_start_matches("/api/v1");
            wanted.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let listed: BTreeSet<String> = OPERATIONS.iter().map(|(op, _)| (*op).to_owned()).collect();
    let apart: Vec<_> = wanted.symmetric_difference(&listed).collect();
    ensure!(apart.is_empty() && listed.len() == OPERATIONS.len(), "operations: {apart:?}");

    // The compiler says when a frame is new; its name has to be in the table then.
    let name = |frame: &ClientFrame| match frame {
        ClientFrame::Hello { .. } => "hello",
        ClientFrame::Sub { .. } => "sub",
        ClientFrame::Unsub { .. } => "unsub",
        ClientFrame::Mut { .. } => "mut",
        ClientFrame::Pres { .. } => "pres",
        ClientFrame::Ping { .. } => "ping",
    };
    ensure!(FRAMES.iter().any(|(it, _)| it.starts_with(name(&ClientFrame::Ping { ts: 1 }))));
    for frame in ["hello", "sub", "unsub", "mut", "pres", "ping"] {
        ensure!(FRAMES.iter().any(|(it, _)| it.split(' ').next() == Some(frame)), "{frame}");
    }

    let world = World::start().await?;
    let house = House::build(&world).await?;
    let mcp = McpClient::open(world.grove.url(), &house.token_of("agent")?).await?;
    let tools: BTreeSet<String> = mcp.tools().await?.into_iter().collect();
    mcp.end().await?;
    let listed: BTreeSet<String> = TOOLS.iter().map(|(tool, _)| (*tool).to_owned()).collect();
    let apart: Vec<_> = tools.symmetric_difference(&listed).collect();
    ensure!(apart.is_empty(), "tools: {apart:?}");
    world.end().await
}

/// Asks a question; what is wrong with the answer, if anything.
async fn asked(
    caller: &Principal,
    operation: &str,
    ask: &Ask,
    want: Expected,
) -> Outcome<Option<String>> {
    let (method, _) = operation.split_once(' ').unwrap_or_default();
    let mut request = caller.client.request(Method::from_bytes(method.as_bytes())?, &ask.path);
    if let Some(body) = &ask.body {
        request = request.json(body);
    }
    let response = request.send().await?;
    let status = response.status();
    let text = response.text().await?;
    let (found, name) = (got(status, &text, ask), caller.name);
    if found != want {
        let what = format!("{operation} by {name}: {want:?} expected, {status} {text}");
        return Ok(Some(what));
    }
    // Lists hold what the caller sees, and nothing else.
    let mark = ask.mark.as_ref().filter(|_| found == Expected::Through);
    let is_wrong = mark.is_some_and(|mark| text.contains(mark) != caller.right.is_some());
    Ok(is_wrong.then(|| format!("{operation} by {name}: {mark:?} in {text}")))
}

#[tokio::test]
async fn each_operation_answers_each_caller_as_the_table_says() -> Outcome {
    let world = World::start().await?;
    let house = House::build(&world).await?;
    let mut wrong = Vec::new();
    for (operation, need) in OPERATIONS {
        for caller in &house.people {
            let want = expected(caller, *need);
            let ask = asks::of(&house, operation, want == Expected::Through)
                .await
                .with_context(|| format!("{operation} by {}; {wrong:?}", caller.name))?;
            wrong.extend(asked(caller, operation, &ask, want).await?);
        }
    }
    ensure!(wrong.is_empty(), "{} wrong answers:\n{}", wrong.len(), wrong.join("\n"));
    world.end().await
}

#[tokio::test]
async fn each_frame_answers_each_caller_as_the_table_says() -> Outcome {
    let world = World::start().await?;
    let house = House::build(&world).await?;
    let mut wrong = Vec::new();
    for caller in &house.people {
        let opened = Socket::of(world.grove.url(), &caller.client).await;
        if caller.standing == Standing::Nobody {
            ensure!(opened.is_err(), "{} has a socket", caller.name);
            continue;
        }
        let mut socket = opened?;
        for (frame, need) in FRAMES {
            let want = expected(caller, *need);
            let found = frame_by(&house, &mut socket, frame, caller.name).await?;
            // A frame says no in one way, whatever the reason.
            let is_as_wanted = found == (want == Expected::Through);
            if !is_as_wanted {
                wrong.push(format!("{frame} by {}: {want:?} expected, got {found}", caller.name));
            }
        }
    }
    ensure!(wrong.is_empty(), "{} wrong answers:\n{}", wrong.len(), wrong.join("\n"));
    world.end().await
}

/// Sends a frame of the table; whether it had its effect.
async fn frame_by(house: &House, socket: &mut Socket, frame: &str, by: &str) -> Outcome<bool> {
    let board = format!("board:{}", house.board);
    Ok(match frame {
        // The connection is open and greeted.
        "hello" => true,
        "ping" => {
            let before = socket.pongs.len();
            socket.send(&ClientFrame::Ping { ts: 7 }).await?;
            socket.until("a pong", |it| (it.pongs.len() > before).then_some(())).await?;
            true
        }
        "sub board" => socket.joins(&board).await?,
        "sub session" => socket.joins(&format!("session:{}", house.session)).await?,
        "sub user" => socket.joins("user:me").await?,
        "sub doc" => socket.joins(&format!("doc:{}", house.note)).await?,
        "mut comment" => {
            let op = asks::comment_op(house)?;
            let answer = socket.mutate(&board, &format!("{by}:c"), vec![op]).await?;
            matches!(answer, Mutated::Done(_))
        }
        "mut note" => {
            let op = asks::note_op()?;
            let answer = socket.mutate(&board, &format!("{by}:n"), vec![op]).await?;
            matches!(answer, Mutated::Done(_))
        }
        "pres board" => {
            // Presence of somebody who has not joined is dropped without a word; who has is seen.
            let is_joined = socket.views.contains_key(&board);
            socket.point(&board, [1.0, 2.0]).await?;
            is_joined
        }
        "unsub" => {
            socket.send(&ClientFrame::Unsub { ch: board }).await?;
            true
        }
        other => bail!("no such frame in the test: {other}"),
    })
}

#[tokio::test]
async fn each_tool_answers_each_caller_as_the_table_says() -> Outcome {
    let world = World::start().await?;
    let house = House::build(&world).await?;
    let mut wrong = Vec::new();
    for caller in house.people.iter().filter(|it| it.token.is_some()) {
        let Some(token) = &caller.token else { continue };
        let opened = McpClient::open(world.grove.url(), token).await;
        if caller.standing == Standing::Nobody {
            ensure!(opened.is_err(), "{} has a connection", caller.name);
            continue;
        }
        let mcp = opened?;
        for (tool, need) in TOOLS {
            let want = expected(caller, *need);
            let (arguments, mark) = asks::of_tool(&house, tool)?;
            let answer = mcp.call(tool, arguments).await?;
            let found = match answer.as_ref().map_err(|problem| problem.code) {
                Err(ErrorCode::NotFound) => Expected::Hidden,
                Err(ErrorCode::Forbidden) => Expected::Refused,
                Ok(_) | Err(_) => Expected::Through,
            };
            // Lists hold what the caller sees, and nothing else.
            let sees = |mark: &String, it: &Value| it.to_string().contains(mark);
            let is_marked =
                mark.as_ref().zip(answer.as_ref().ok()).map(|(mark, it)| sees(mark, it));
            if found != want || is_marked.is_some_and(|it| it != caller.right.is_some()) {
                wrong.push(format!("{tool} by {}: {want:?} expected, {answer:?}", caller.name));
            }
        }
        mcp.end().await?;
    }
    ensure!(wrong.is_empty(), "{} wrong answers:\n{}", wrong.len(), wrong.join("\n"));
    world.end().await
}
