//! Rules of comments that need no database.

use super::model::{check_anchor, from_put, from_set, mentions, words};
use grove_core_api::rest::comments::{CommentAnchor, DiffSide};
use grove_core_api::{BoardId, SessionId, UserId, limits};
use serde_json::json;
use uuid::Uuid;

#[test]
fn what_a_client_cannot_know_of_a_comment_is_left_out() {
    let v = json!({
        "anchor": { "kind": "point", "board": Uuid::nil(), "pos": [1, 2] },
        "text": "hello", "parent": null, "is_resolved": true, "created_by": "somebody",
    });
    let body = from_put(v.as_object().unwrap()).unwrap();
    let board = BoardId(Uuid::nil());
    assert_eq!(body.anchor, Some(CommentAnchor::Point { board, pos: [1.0, 2.0] }));
    assert_eq!((body.text.as_str(), body.parent, body.mentions.len()), ("hello", None, 0));
    let v = json!({ "text": "hello", "colour": "red" });
    assert!(from_put(v.as_object().unwrap()).is_err());
}

#[test]
fn only_words_mentions_and_the_resolution_can_be_set() {
    assert!(from_set("text", json!("x")).is_ok());
    assert!(from_set("is_resolved", json!(true)).is_ok());
    for (property, value) in
        [("text", json!(7)), ("anchor", json!({})), ("created_by", json!("me"))]
    {
        assert!(from_set(property, value).is_err(), "{property}");
    }
}

#[test]
fn values_that_do_not_fit_are_refused() {
    for text in ["", "  \n", "nul\0", &"x".repeat(limits::COMMENT_BYTES + 1)] {
        assert!(words(text).is_err());
    }
    let (board, session) = (BoardId(Uuid::nil()), SessionId(Uuid::nil()));
    let line = |path: &str, line| CommentAnchor::DiffLine {
        session,
        path: path.to_owned(),
        side: DiffSide::New,
        line,
    };
    for anchor in [
        CommentAnchor::Point { board, pos: [f64::NAN, 0.0] },
        CommentAnchor::Point { board, pos: [2e6, 0.0] },
        line("/etc/passwd", 1),
        line("", 1),
        line("src/main.rs", 0),
    ] {
        assert!(check_anchor(&anchor).is_err(), "{anchor:?}");
    }
    assert!(check_anchor(&line("src/main.rs", 1)).is_ok());
}

#[test]
fn everybody_is_mentioned_once_and_not_everybody_can_be() {
    let people: Vec<_> = (0..100).map(|it| UserId(Uuid::from_u128(it % 3))).collect();
    assert_eq!(mentions(people).map(|it| it.len()), Ok(3));
    let crowd = (0..1_000).map(|it| UserId(Uuid::from_u128(it))).collect();
    assert!(mentions(crowd).is_err());
}
