//! Rules of sessions that need no database.

use super::model::{Facts, deeds, last_line, run_state, title_of};
use grove_core_api::event::{Event, Op};
use grove_core_api::rest::sessions::RunState;
use grove_core_api::rest::tasks::TaskState;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

const IDLE: Facts = Facts {
    is_archived: false,
    running: None,
    queued: 0,
    pending_permissions: 0,
    is_stopping: false,
    has_failed_executor: false,
    last: None,
};

#[test]
fn each_state_has_its_facts() {
    let cases = [
        (IDLE, RunState::Idle),
        (Facts { is_archived: true, ..IDLE }, RunState::Archived),
        (Facts { queued: 1, ..IDLE }, RunState::Queued),
        (Facts { running: Some(false), ..IDLE }, RunState::Starting),
        (Facts { running: Some(true), queued: 3, ..IDLE }, RunState::Running),
        (Facts { running: Some(true), pending_permissions: 1, ..IDLE }, RunState::AwaitingApproval),
        (
            Facts { running: Some(true), pending_permissions: 1, is_stopping: true, ..IDLE },
            RunState::Stopping,
        ),
        (Facts { last: Some(TaskState::Failed), ..IDLE }, RunState::Failed),
        (Facts { last: Some(TaskState::Lost), ..IDLE }, RunState::Lost),
        (Facts { last: Some(TaskState::Cancelled), ..IDLE }, RunState::Idle),
        (Facts { has_failed_executor: true, queued: 2, ..IDLE }, RunState::Failed),
        (Facts { has_failed_executor: true, is_archived: true, ..IDLE }, RunState::Archived),
    ];
    for (facts, state) in cases {
        assert_eq!(run_state(&facts), state, "{facts:?}");
    }
}

#[test]
fn a_title_is_the_first_line_with_words() {
    assert_eq!(title_of("\n  Fix the tests\nplease"), "Fix the tests");
    let long = title_of(&"word ".repeat(50));
    assert!(long.chars().count() <= 60 && long.ends_with('…'), "{long}");
}

fn told(via: &str, ops: Vec<Op>) -> Event {
    let kind = "k".to_owned();
    Event { seq: 1, at: 0, by: None, via: via.to_owned(), kind, mid: None, ops }
}

fn set(id: Uuid, k: &str) -> Op {
    Op::Set { id: id.to_string(), k: k.to_owned(), v: Value::Null, if_seq: None }
}

fn put(id: Uuid, kind: &str, v: &Value) -> Op {
    let v = v.as_object().cloned().unwrap_or_default();
    Op::Put { id: id.to_string(), kind: kind.to_owned(), v }
}

#[test]
fn rt31_an_agent_is_where_events_say_that_it_did_something() {
    let [agent, other, comment] = [1, 2, 3].map(Uuid::from_u128);
    let via = format!("mcp:{agent}");
    let at = |via: &str, ops: Vec<Op>| deeds(&told(via, ops));
    let own = [(agent.into(), agent.into())];
    assert_eq!(at("system", vec![set(agent, "line"), set(agent, "state")]), own);
    assert_eq!(at("web", vec![set(agent, "pos"), set(agent, "title")]), [], "a person did that");
    let touched = [(agent.into(), other.into())];
    assert_eq!(at(&via, vec![put(other, "session", &json!({}))]), touched);
    assert_eq!(at(&via, vec![set(other, "line"), Op::del(comment)]), touched);
    let board = Uuid::from_u128(9);
    let pinned = json!({ "anchor": { "kind": "object", "board": board, "object": other } });
    assert_eq!(at(&via, vec![put(comment, "comment", &pinned)]), touched);
    let placed = json!({ "anchor": { "kind": "point", "board": board, "pos": [0, 0] } });
    assert_eq!(at(&via, vec![put(comment, "comment", &placed)]), []);
}

proptest! {
    #[test]
    fn titles_and_lines_of_anything_are_short_and_on_one_line(text in "\\PC*|(.|\n)*") {
        let title = title_of(&text);
        prop_assert!(crate::validate::title("title", &title).is_ok() || title.trim().is_empty());
        let line = last_line(&text);
        prop_assert!(line.chars().count() <= 160 && !line.contains('\n'));
    }

    #[test]
    fn a_session_without_a_running_task_never_looks_busy_with_one(
        queued in 0_u64..3, pending_permissions in 0_u64..3, is_stopping: bool,
    ) {
        let facts = Facts { queued, pending_permissions, is_stopping, ..IDLE };
        let state = run_state(&facts);
        prop_assert_eq!(state.is_busy(), queued > 0);
    }
}
