//! Turns of the agent: the shipped scenarios, permissions, failures, Grove's own tools.

use crate::harness::{Place, command, git, shipped, streamed};
use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use grove_core_api::Secret;
use grove_core_api::agent::{AgentEvent, Decision, ErrorClass, Outcome, StreamKind};
use grove_core_api::ipc::method::{AnswerPermission, ApprovalMode, Cancel, McpEndpoint};
use grove_core_api::rehearsal::{Block, Expect, Turn};
use serde_json::{Value, json};
use std::fs;

#[tokio::test]
async fn fix_tests_really_fixes_the_sample() {
    let place = Place::new().await;
    let session = place.session();
    let (mut daemon, _) = session.attach(0).await;
    let prompt = place.prompt("fix it", shipped("fix-tests"));
    daemon.prompt(&prompt).await.expect("accepted");
    let (events, outcome) = daemon.read_task().await;
    assert_eq!(outcome, Outcome::Completed, "{events:?}");
    let Some(AgentEvent::TaskStarted { git: before, snapshot }) = events.first() else {
        panic!("{events:?}")
    };
    let expected = format!("refs/grove/snap/{}/before", prompt.task_id);
    assert_eq!(snapshot.as_deref(), Some(expected.as_str()));
    let Some(AgentEvent::TaskEnded { git: after, .. }) = events.last() else { unreachable!() };
    assert!(!before.is_dirty && !after.is_dirty);
    assert_ne!(before.commit, after.commit);
    let author = git(&place.worktree, &["log", "-1", "--format=%an <%ae> %s"]).await;
    assert_eq!(author, "Ana <ana@e.x> fix: one hyphen for a run of marks");
    // Every streamed block ends with exactly what was streamed.
    for event in &events {
        if let AgentEvent::BlockEnded { block, text } = event {
            assert_eq!(&streamed(&events, *block), text);
        }
    }
    let thinks =
        |it: &AgentEvent| matches!(it, AgentEvent::BlockStarted { kind: StreamKind::Thinking, .. });
    assert!(events.iter().any(thinks));
    assert_eq!(events.iter().filter(|it| matches!(it, AgentEvent::Usage { .. })).count(), 5);
}

#[tokio::test]
async fn every_other_shipped_scenario_ends_as_it_says() {
    let place = Place::new().await;
    let session = place.session();
    let (mut daemon, _) = session.attach(0).await;
    for (name, expected) in [("tour", Outcome::Completed), ("rate-limit", Outcome::Failed)] {
        daemon.prompt(&place.prompt("x", shipped(name))).await.expect("accepted");
        let (events, outcome) = daemon.read_task().await;
        assert_eq!(outcome, expected, "{name}: {events:?}");
        let failed: Vec<_> = events
            .iter()
            .filter_map(|it| match it {
                AgentEvent::Error { class, .. } => Some(*class),
                _ => None,
            })
            .collect();
        let is_limited = expected == Outcome::Failed;
        assert_eq!(failed, if is_limited { vec![ErrorClass::RateLimit] } else { vec![] });
    }
}

#[tokio::test]
async fn a_person_allows_or_denies_and_the_agent_is_told_why() {
    let place = Place::new().await;
    let session = place.session();
    let (mut daemon, _) = session.attach(0).await;
    for (decision, expected) in
        [(Decision::Deny, "build is still there"), (Decision::Allow, "build is gone")]
    {
        daemon.prompt(&place.prompt("x", shipped("ask-first"))).await.expect("accepted");
        let events =
            daemon.read_until(|it| matches!(it, AgentEvent::PermissionRequested { .. })).await;
        let Some(AgentEvent::PermissionRequested { request_id, title, reason, .. }) = events.last()
        else {
            unreachable!()
        };
        assert_eq!(title, "rm -rf build && echo removed build");
        assert_eq!(reason, "deletes the directory build");
        let why = Some("because I say so".to_owned());
        let answer = AnswerPermission { request_id: *request_id, decision, reason: why.clone() };
        assert!(daemon.peer.request(answer.clone()).await.expect("answered").was_pending);
        assert!(!daemon.peer.request(answer).await.expect("answered").was_pending);
        let (events, outcome) = daemon.read_task().await;
        assert_eq!(outcome, Outcome::Completed);
        assert!(
            matches!(events.first(), Some(AgentEvent::PermissionResolved { decision: Some(it), reason, .. })
            if *it == decision && *reason == why),
            "{events:?}"
        );
        let outputs: Vec<&str> = events
            .iter()
            .filter_map(|it| match it {
                AgentEvent::ToolEnded { output, .. } => Some(output.as_str()),
                _ => None,
            })
            .collect();
        assert_eq!(
            outputs.first().is_some_and(|it| it.contains("because I say so")),
            decision == Decision::Deny
        );
        assert!(outputs.iter().any(|it| it.contains(expected)), "{outputs:?}");
    }
}

#[tokio::test]
async fn ipc20_stop_withdraws_a_question() {
    let place = Place::new().await;
    let session = place.session();
    let (mut daemon, _) = session.attach(0).await;
    let mut prompt = place.prompt("x", command("echo never"));
    prompt.approvals = ApprovalMode::Always;
    daemon.prompt(&prompt).await.expect("accepted");
    daemon.read_until(|it| matches!(it, AgentEvent::PermissionRequested { .. })).await;
    daemon.peer.request(Cancel { task_id: prompt.task_id }).await.expect("answered");
    let (events, outcome) = daemon.read_task().await;
    assert_eq!(outcome, Outcome::Cancelled);
    assert!(matches!(events.first(), Some(AgentEvent::PermissionResolved { decision: None, .. })));
    assert!(matches!(events.get(1), Some(AgentEvent::ToolEnded { is_ok: false, .. })));
}

#[tokio::test]
async fn a_command_streams_is_bounded_and_tells_its_exit_code() {
    let place = Place::new().await;
    let session = place.session();
    let (mut daemon, _) = session.attach(0).await;
    let text = "printf '✓ '; echo $HOME$GROVE_SECRET >&2; seq 1 40000; sleep 300 & exit 3";
    daemon.prompt(&place.prompt("x", command(text))).await.expect("accepted");
    let (events, outcome) = daemon.read_task().await;
    assert_eq!(outcome, Outcome::Completed);
    let ended = events.iter().find_map(|it| match it {
        AgentEvent::ToolEnded { is_ok, output, .. } => Some((*is_ok, output.clone())),
        _ => None,
    });
    let (is_ok, output) = ended.expect("the tool ended");
    assert!(!is_ok && output.ends_with("40000\n[exit code 3]"), "{}", output.len());
    assert!(output.contains("bytes left out]"));
    assert!(output.len() <= grove_core_api::limits::TOOL_OUTPUT_BYTES);
    let shown = streamed(&events, 0);
    assert!(shown.starts_with("✓ ") && output.starts_with(&shown), "{}", shown.len());
}

#[tokio::test]
async fn a_command_is_stopped_when_its_time_is_over() {
    let place = Place::new().await;
    let session = place.session();
    let (mut daemon, _) = session.attach(0).await;
    let mut scenario = command("");
    scenario.turns[0].blocks = vec![Block::Tool {
        tool: "bash".into(),
        args: json!({ "command": "echo begun; sleep 300", "timeout_ms": 200 }),
    }];
    daemon.prompt(&place.prompt("x", scenario)).await.expect("accepted");
    let (events, _) = daemon.read_task().await;
    let is_it = |it: &AgentEvent| matches!(it, AgentEvent::ToolEnded { output, .. } if output == "begun\n[stopped after 0.2 s]");
    assert!(events.iter().any(is_it), "{events:?}");
}

#[tokio::test]
async fn a_broken_expectation_fails_the_turn_loudly() {
    let place = Place::new().await;
    let session = place.session();
    let (mut daemon, _) = session.attach(0).await;
    let mut scenario = command("echo right");
    let expect = vec![Expect { result: 0, contains: "wrong".into() }];
    let blocks = vec![Block::Text { text: "unreachable".into(), word_ms: 0 }];
    scenario.turns.push(Turn { expect, blocks });
    daemon.prompt(&place.prompt("x", scenario)).await.expect("accepted");
    let (events, outcome) = daemon.read_task().await;
    assert_eq!(outcome, Outcome::Failed);
    let is_it = |it: &AgentEvent| matches!(it, AgentEvent::Error { class: ErrorClass::Protocol, message } if message.contains("`wrong`"));
    assert!(events.iter().any(is_it), "{events:?}");
}

#[tokio::test]
async fn a_directory_without_git_fails_the_task_and_not_the_executor() {
    let place = Place::new().await;
    let session = place.session();
    let (mut daemon, _) = session.attach(0).await;
    let mut prompt = place.prompt("x", command("echo never"));
    prompt.directory = place.root.path().display().to_string();
    daemon.prompt(&prompt).await.expect("accepted");
    let (events, outcome) = daemon.read_task().await;
    assert_eq!(outcome, Outcome::Failed);
    assert_eq!(events.len(), 3, "{events:?}");
    daemon.prompt(&place.prompt("x", command("echo fine"))).await.expect("accepted");
    assert_eq!(daemon.read_task().await.1, Outcome::Completed);
}

/// A small MCP server with one tool that reads and one that changes.
pub(crate) async fn mcp(headers: HeaderMap, Json(call): Json<Value>) -> Response {
    if headers.get("authorization").and_then(|it| it.to_str().ok()) != Some("Bearer session-token")
    {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let schema = json!({ "type": "object" });
    let result = match call["method"].as_str().unwrap_or_default() {
        "initialize" => json!({
            "protocolVersion": call["params"]["protocolVersion"],
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "t", "version": "1" },
        }),
        "tools/list" => json!({ "tools": [
            { "name": "grove_sessions_list", "inputSchema": schema, "annotations": { "readOnlyHint": true } },
            { "name": "grove_sessions_spawn", "inputSchema": schema },
        ]}),
        "tools/call" => {
            let said =
                format!("called {} with {}", call["params"]["name"], call["params"]["arguments"]);
            json!({ "content": [{ "type": "text", "text": said }] })
        }
        _ if call.get("id").is_none() => return StatusCode::ACCEPTED.into_response(),
        _ => {
            let error = json!({ "code": -32601, "message": "no such method" });
            return Json(json!({ "jsonrpc": "2.0", "id": call["id"], "error": error }))
                .into_response();
        }
    };
    Json(json!({ "jsonrpc": "2.0", "id": call["id"], "result": result })).into_response()
}

pub(crate) async fn serve(router: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
    let address = listener.local_addr().expect("an address");
    #[expect(clippy::disallowed_methods, reason = "the test serves on a task of its own")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

#[tokio::test]
async fn groves_own_tools_are_called_over_mcp_and_asked_for_when_they_change_something() {
    let place = Place::new().await;
    let session = place.session();
    let (mut daemon, _) = session.attach(0).await;
    let url = serve(axum::Router::new().route("/mcp", post(mcp))).await;
    let mut scenario = shipped("spawn-child");
    let list = Block::Tool { tool: "grove_sessions_list".into(), args: json!({}) };
    scenario.turns[0].blocks.insert(0, list);
    let mut prompt = place.prompt("x", scenario);
    prompt.approvals = ApprovalMode::Always;
    let token = Secret::new("session-token");
    prompt.mcp = Some(McpEndpoint { url: format!("{url}/mcp"), token });
    daemon.prompt(&prompt).await.expect("accepted");
    let events = daemon.read_until(|it| matches!(it, AgentEvent::PermissionRequested { .. })).await;
    let Some(AgentEvent::PermissionRequested { request_id, tool, title, .. }) = events.last()
    else {
        unreachable!()
    };
    assert_eq!((tool.as_str(), title.as_str()), ("grove_sessions_spawn", "Documentation"));
    let answer =
        AnswerPermission { request_id: *request_id, decision: Decision::Allow, reason: None };
    daemon.peer.request(answer).await.expect("answered");
    let (rest, outcome) = daemon.read_task().await;
    assert_eq!(outcome, Outcome::Completed, "{rest:?}");
    let outputs = |events: &[AgentEvent]| -> Vec<String> {
        events
            .iter()
            .filter_map(|it| match it {
                AgentEvent::ToolEnded { is_ok: true, output, .. } => Some(output.clone()),
                _ => None,
            })
            .collect()
    };
    assert_eq!(outputs(&events), ["called \"grove_sessions_list\" with {}"]);
    assert!(outputs(&rest)[0].contains("Write the documentation"), "{rest:?}");
}

#[tokio::test]
async fn without_groves_own_tools_the_turn_goes_on_and_says_so() {
    let place = Place::new().await;
    let session = place.session();
    let (mut daemon, _) = session.attach(0).await;
    let mut prompt = place.prompt("x", shipped("tour"));
    let url = serve(axum::Router::new()).await;
    prompt.mcp = Some(McpEndpoint { url: format!("{url}/mcp"), token: Secret::new("t") });
    daemon.prompt(&prompt).await.expect("accepted");
    let (events, outcome) = daemon.read_task().await;
    assert_eq!(outcome, Outcome::Completed);
    assert!(matches!(events.get(1), Some(AgentEvent::Error { class: ErrorClass::Network, .. })));
    assert!(!fs::exists(place.worktree.join("docs")).expect("looks"));
}
