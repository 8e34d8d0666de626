//! What a client knows of one topic: the confirmed objects and the text that streams.
//!
//! Pure. Deliberately not here: frames, and when to ask again (`core`).

use grove_core_api::event::{Event, Object, Op};
use serde_json::Value;
use std::collections::BTreeMap;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was the next one.
    Applied,
    /// It was known already.
    Known,
    /// Something before it is missing: subscribe anew (rule RT-04).
    Gap,
}

/// Confirmed state of a topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// Identity of the log; empty before the first answer.
    pub epoch: String,
    /// Newest event that was applied.
    pub seq: i64,
    /// The objects by id.
    pub objects: BTreeMap<String, Object>,
    /// Text so far of messages that stream.
    pub texts: BTreeMap<String, String>,
}

impl View {
    /// Returns from where the topic can be resumed, when it was ever read.
    #[must_use]
    pub fn position(&self) -> Option<(String, i64)> {
        (!self.epoch.is_empty()).then(|| (self.epoch.clone(), self.seq))
    }

    /// Returns a property of an object.
    #[must_use]
    pub fn property(&self, id: &str, key: &str) -> Option<&Value> {
        self.objects.get(id)?.v.get(key)
    }

    /// Applies an event if it is the next one.
    pub fn apply(&mut self, event: &Event) -> Taken {
        if event.seq <= self.seq {
            return Taken::Known;
        }
        if event.seq != self.seq + 1 {
            return Taken::Gap;
        }
        self.seq = event.seq;
        for op in &event.ops {
            self.step(op);
        }
        Taken::Applied
    }

    fn step(&mut self, op: &Op) {
        match op {
            Op::Put { id, kind, v } => {
                let object = Object { kind: kind.clone(), v: v.clone() };
                self.objects.insert(id.clone(), object);
            }
            Op::Set { id, k, v, .. } => {
                if k == "is_streaming" && *v == Value::Bool(false) {
                    self.texts.remove(id);
                }
                // A snapshot may leave old objects out; what changes in them is not of interest.
                if let Some(object) = self.objects.get_mut(id) {
                    object.v.insert(k.clone(), v.clone());
                }
            }
            Op::Del { id, .. } => {
                self.objects.remove(id);
                self.texts.remove(id);
            }
        }
    }

    /// Puts streamed text at its offset in UTF-16 code units; `false` when it does not join on.
    pub fn stream(&mut self, message: &str, offset: u64, text: &str) -> bool {
        let known = self.texts.entry(message.to_owned()).or_default();
        if offset == 0 {
            known.clear();
        }
        let length = u64::try_from(known.encode_utf16().count()).unwrap_or(u64::MAX);
        if length != offset {
            return false;
        }
        known.push_str(text);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seq: i64, ops: Vec<Op>) -> Event {
        let kind = "board.changed".to_owned();
        Event { seq, at: 0, by: None, via: "web".to_owned(), kind, mid: None, ops }
    }

    fn set(id: &str, key: &str, value: Value) -> Op {
        Op::Set { id: id.to_owned(), k: key.to_owned(), v: value, if_seq: None }
    }

    #[test]
    fn rt04_events_are_applied_once_and_in_order() {
        let mut view = View::default();
        let put = Op::Put { id: "a".into(), kind: "note".into(), v: serde_json::Map::new() };
        assert_eq!(view.apply(&event(1, vec![put])), Taken::Applied);
        assert_eq!(view.apply(&event(3, vec![set("a", "text", "late".into())])), Taken::Gap);
        assert_eq!(view.apply(&event(2, vec![set("a", "text", "x".into())])), Taken::Applied);
        assert_eq!(view.apply(&event(2, vec![set("a", "text", "y".into())])), Taken::Known);
        assert_eq!(view.property("a", "text"), Some(&Value::from("x")));
        assert_eq!(view.apply(&event(3, vec![Op::del("a")])), Taken::Applied);
        assert_eq!(view.apply(&event(4, vec![set("a", "text", "z".into())])), Taken::Applied);
        assert!(view.objects.is_empty());
    }

    #[test]
    fn rt10_text_joins_on_at_offsets_in_utf16() {
        let mut view = View::default();
        assert!(view.stream("m", 0, "ü🌱"));
        assert!(!view.stream("m", 2, "x"), "the sapling is two units");
        assert!(view.stream("m", 3, "!"));
        assert_eq!(view.texts["m"], "ü🌱!");
        assert!(view.stream("m", 0, "anew"));
        assert_eq!(view.texts["m"], "anew");
        view.apply(&event(1, vec![set("m", "is_streaming", false.into())]));
        assert!(view.texts.is_empty(), "the final event has the text");
    }
}
