//! The built-in agent against providers that speak the real wire, on loopback.

use crate::harness::{PROVIDER, Place, command, streamed};
use crate::turns::serve;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use grove_core_api::agent::{AgentEvent, ErrorClass, Outcome, StreamKind, Usage};
use grove_core_api::ipc::method::{Dialect, HistoryEntry, ModelSource, Prompt};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

/// Answers in order; keeps what it was asked.
#[derive(Clone, Default)]
pub(crate) struct Script {
    answers: Arc<Mutex<Vec<(u16, String)>>>,
    asked: Arc<Mutex<Vec<(Value, HeaderMap)>>>,
}

impl Script {
    pub(crate) fn new(answers: &[(u16, String)]) -> Self {
        let script = Self::default();
        script.answers.lock().expect("free").extend(answers.iter().rev().cloned());
        script
    }

    pub(crate) async fn serve(&self) -> String {
        let answer = post(answer);
        let router = axum::Router::new()
            .route("/v1/chat/completions", answer.clone())
            .route("/v1/messages", answer.clone())
            .route("/api/chat", answer)
            .with_state(self.clone());
        serve(router).await
    }

    pub(crate) fn asked(&self) -> Vec<(Value, HeaderMap)> {
        self.asked.lock().expect("free").clone()
    }
}

async fn answer(
    State(script): State<Script>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    script.asked.lock().expect("free").push((body, headers));
    let next = script.answers.lock().expect("free").pop();
    let (status, body) = next.unwrap_or((500, "the script is over".to_owned()));
    let kind = match (status, body.starts_with('{')) {
        (200, false) => "text/event-stream",
        (200, true) => "application/x-ndjson",
        _ => "application/json",
    };
    let status = StatusCode::from_u16(status).expect("a status");
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}

fn sse(events: &[Value]) -> String {
    let mut text = String::new();
    for event in events {
        if let Some(kind) = event["type"].as_str() {
            writeln!(text, "event: {kind}").expect("writes");
        }
        write!(text, "data: {event}\n\n").expect("writes");
    }
    text
}

pub(crate) fn openai(deltas: &[Value], finish: &str) -> String {
    let chunk = |delta: &Value, reason: Value| {
        json!({ "id": "c", "object": "chat.completion.chunk", "model": "m",
                "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }] })
    };
    let mut chunks: Vec<Value> = deltas.iter().map(|it| chunk(it, Value::Null)).collect();
    chunks.push(chunk(&json!({}), json!(finish)));
    chunks.push(json!({ "id": "c", "choices": [], "usage": {
        "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120,
        "prompt_tokens_details": { "cached_tokens": 40 } } }));
    sse(&chunks) + "data: [DONE]\n\n"
}

fn anthropic(blocks: &[(Value, Value)], stop: &str) -> String {
    let usage = json!({ "input_tokens": 10, "output_tokens": 1 });
    let mut events = vec![json!({ "type": "message_start", "message": {
        "id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": usage } })];
    for (index, (start, delta)) in blocks.iter().enumerate() {
        events
            .push(json!({ "type": "content_block_start", "index": index, "content_block": start }));
        events.push(json!({ "type": "content_block_delta", "index": index, "delta": delta }));
        events.push(json!({ "type": "content_block_stop", "index": index }));
    }
    events.push(json!({ "type": "message_delta", "delta": { "stop_reason": stop }, "usage": { "output_tokens": 7 } }));
    events.push(json!({ "type": "message_stop" }));
    sse(&events)
}

pub(crate) fn prompt(place: &Place, dialect: Dialect, base_url: String) -> Prompt {
    let mut prompt = place.prompt("say hello", command("unused"));
    prompt.model = ModelSource::Provider {
        dialect,
        base_url,
        model: "some-model".into(),
        provider: PROVIDER.into(),
        needs_key: true,
        price_micro_usd: Some([1_000_000, 2_000_000, 500_000, 0]),
    };
    prompt
}

async fn play(place: &Place, prompt: &Prompt) -> (Vec<AgentEvent>, Outcome) {
    let session = place.session();
    let (mut daemon, _) = session.attach(0).await;
    daemon.prompt(prompt).await.expect("accepted");
    daemon.read_task().await
}

fn usages(events: &[AgentEvent]) -> Vec<Usage> {
    events
        .iter()
        .filter_map(|it| match it {
            AgentEvent::Usage { usage, .. } => Some(*usage),
            _ => None,
        })
        .collect()
}

fn failure(events: &[AgentEvent]) -> Option<(ErrorClass, String)> {
    events.iter().find_map(|it| match it {
        AgentEvent::Error { class, message } => Some((*class, message.clone())),
        _ => None,
    })
}

#[tokio::test]
async fn an_openai_compatible_server_streams_calls_tools_and_is_metered() {
    let place = Place::new().await;
    let call = json!({ "tool_calls": [{ "index": 0, "id": "call_9", "type": "function",
        "function": { "name": "bash", "arguments": "{\"command\":\"echo from the tool\"}" } }] });
    let script = Script::new(&[
        (429, json!({ "error": { "message": "slow down" } }).to_string()),
        (
            200,
            openai(
                &[
                    json!({ "role": "assistant", "content": "Let me " }),
                    json!({ "content": "look." }),
                    call,
                ],
                "tool_calls",
            ),
        ),
        (200, openai(&[json!({ "content": "Done 🌳." })], "stop")),
    ]);
    let url = script.serve().await;
    let mut prompt = prompt(&place, Dialect::Openai, format!("{url}/v1/"));
    prompt.history = vec![
        HistoryEntry::User { text: "earlier".into() },
        HistoryEntry::Assistant { text: "before".into() },
        HistoryEntry::Tool {
            call_id: "old".into(),
            tool: "read".into(),
            input: json!({ "path": "x" }),
            output: "old output".into(),
        },
    ];
    let (events, outcome) = play(&place, &prompt).await;
    assert_eq!(outcome, Outcome::Completed, "{events:?}");
    assert_eq!(failure(&events), None, "a failure that passes is not shown");
    assert_eq!(streamed(&events, 0), "Let me look.");
    assert_eq!(streamed(&events, 2), "Done 🌳.");
    let usage = Usage {
        input_tokens: 60,
        output_tokens: 20,
        cache_read_tokens: 40,
        cache_write_tokens: 0,
        cost_micro_usd: 60 + 40 + 20,
    };
    assert_eq!(usages(&events), [usage, usage]);
    let asked = script.asked();
    assert_eq!(asked.len(), 3);
    let (last, headers) = &asked[2];
    assert_eq!(headers["authorization"], "Bearer sk-private");
    let roles: Vec<&str> = last["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .filter_map(|it| it["role"].as_str())
        .collect();
    let expected = ["system", "user", "assistant", "tool", "user", "assistant", "tool"];
    assert_eq!(roles, expected, "{last}");
    let told = last["messages"][6]["content"].to_string();
    assert!(told.contains("from the tool") && told.contains("[exit code 0]"), "{told}");
}

#[tokio::test]
async fn a_key_is_asked_for_before_each_call_and_a_refusal_ends_the_task() {
    let place = Place::new().await;
    let session = place.session();
    let (mut daemon, _) = session.attach(0).await;
    let script = Script::new(&[
        (503, json!({ "error": { "message": "later" } }).to_string()),
        (200, openai(&[json!({ "content": "Done." })], "stop")),
    ]);
    let url = script.serve().await;
    let mut prompt = prompt(&place, Dialect::Openai, format!("{url}/v1/"));
    assert!(daemon.asked.lock().expect("free").is_empty(), "nothing is asked for ahead");
    daemon.prompt(&prompt).await.expect("accepted");
    assert_eq!(daemon.read_task().await.1, Outcome::Completed);
    let of_first = prompt.task_id;
    assert_eq!(*daemon.asked.lock().expect("free"), [of_first, of_first], "once for each call");
    assert_eq!(script.asked().len(), 2);

    let ModelSource::Provider { provider, .. } = &mut prompt.model else { unreachable!() };
    *provider = "another".into();
    daemon.prompt(&prompt).await.expect("accepted");
    let (events, outcome) = daemon.read_task().await;
    assert_eq!(outcome, Outcome::Failed);
    let (class, said) = failure(&events).expect("an error");
    assert_eq!(class, ErrorClass::Auth);
    assert!(said.contains("`another`") && said.contains("not the provider"), "{said}");
    assert_eq!(script.asked().len(), 2, "without a key nobody is called");

    let ModelSource::Provider { needs_key, .. } = &mut prompt.model else { unreachable!() };
    *needs_key = false;
    daemon.prompt(&prompt).await.expect("accepted");
    daemon.read_task().await;
    assert_eq!(daemon.asked.lock().expect("free").len(), 3, "who needs none asks for none");
    assert_eq!(script.asked()[2].1["authorization"], "Bearer none");
}

#[tokio::test]
async fn anthropic_streams_reasoning_text_and_tool_calls() {
    let place = Place::new().await;
    let script = Script::new(&[
        (
            200,
            anthropic(
                &[
                    (
                        json!({ "type": "thinking", "thinking": "", "signature": "" }),
                        json!({ "type": "thinking_delta", "thinking": "Hm." }),
                    ),
                    (
                        json!({ "type": "text", "text": "" }),
                        json!({ "type": "text_delta", "text": "I list." }),
                    ),
                    (
                        json!({ "type": "tool_use", "id": "t1", "name": "list", "input": {} }),
                        json!({ "type": "input_json_delta", "partial_json": "{\"path\":\".\"}" }),
                    ),
                ],
                "tool_use",
            ),
        ),
        (
            200,
            anthropic(
                &[(
                    json!({ "type": "text", "text": "" }),
                    json!({ "type": "text_delta", "text": "Three files." }),
                )],
                "end_turn",
            ),
        ),
    ]);
    let url = script.serve().await;
    let (events, outcome) =
        play(&place, &prompt(&place, Dialect::Anthropic, format!("{url}/v1/"))).await;
    assert_eq!(outcome, Outcome::Completed, "{events:?}");
    let is_thinking = |it: &AgentEvent| {
        matches!(it, AgentEvent::BlockStarted { block: 0, kind: StreamKind::Thinking })
    };
    assert!(events.iter().any(is_thinking), "{events:?}");
    assert_eq!(streamed(&events, 1), "I list.");
    assert!(streamed(&events, 2).contains("slug.sh"));
    assert_eq!(script.asked()[0].1["x-api-key"], "sk-private");
    assert_eq!(usages(&events).len(), 2);
}

#[tokio::test]
async fn ollama_answers_in_its_own_dialect() {
    let place = Place::new().await;
    let lines = [
        json!({ "model": "m", "message": { "role": "assistant", "content": "Hello " }, "done": false }),
        json!({ "model": "m", "message": { "role": "assistant", "content": "there." }, "done": false }),
        json!({ "model": "m", "message": { "role": "assistant", "content": "" }, "done": true,
                "done_reason": "stop", "prompt_eval_count": 5, "eval_count": 2 }),
    ];
    let body = lines.map(|it| format!("{it}\n")).concat();
    let script = Script::new(&[(200, body)]);
    let url = script.serve().await;
    let (events, outcome) = play(&place, &prompt(&place, Dialect::Ollama, format!("{url}/"))).await;
    assert_eq!(outcome, Outcome::Completed, "{events:?}");
    assert_eq!(streamed(&events, 0), "Hello there.");
    assert_eq!(usages(&events)[0].output_tokens, 2);
}

#[tokio::test]
async fn failures_are_classed_by_what_the_provider_answers() {
    let place = Place::new().await;
    let cases = [
        (401, "wrong key sk-private", ErrorClass::Auth, 1),
        (402, "pay first", ErrorClass::Quota, 1),
        (429, "insufficient_quota", ErrorClass::Quota, 1),
        (400, "maximum context length is 8", ErrorClass::Context, 1),
        (404, "no such model", ErrorClass::Protocol, 1),
        (529, "overloaded", ErrorClass::Overloaded, 3),
        (429, "slow down", ErrorClass::RateLimit, 3),
    ];
    for (status, message, expected, tries) in cases {
        let body = json!({ "error": { "message": message, "code": message } }).to_string();
        let script = Script::new(&vec![(status, body); 3]);
        let url = script.serve().await;
        let (events, outcome) =
            play(&place, &prompt(&place, Dialect::Openai, format!("{url}/v1/"))).await;
        assert_eq!(outcome, Outcome::Failed);
        let (class, said) = failure(&events).expect("an error");
        assert_eq!(class, expected, "{status} {message}: {said}");
        assert!(!said.contains("sk-private"), "{said}");
        assert_eq!(script.asked().len(), tries, "{status} {message}");
    }
    let (events, _) =
        play(&place, &prompt(&place, Dialect::Openai, "http://127.0.0.1:9/v1/".into())).await;
    assert_eq!(failure(&events).map(|it| it.0), Some(ErrorClass::Network));
}
