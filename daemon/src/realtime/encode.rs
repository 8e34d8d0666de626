//! Frames as bytes: written once, shared by every connection that gets the same.
//!
//! What many connections receive (`ev`, `peers`, `pres`, `st`) is put together from parts that were
//! encoded once; everything else goes through [`encode`]. Deliberately not here: when to send.

use super::presence::PeerId;
use super::socket::Frame;
use grove_core_api::realtime::ServerFrame;
use serde::Serialize;
use std::ops::Range;

/// Encodes a frame for one connection.
pub(super) fn encode(frame: &ServerFrame) -> Frame {
    Frame::from(json(frame))
}

/// Encodes a value of Grove's wire.
pub(super) fn json<T: Serialize>(value: &T) -> String {
    #[expect(clippy::expect_used, reason = "wire types have string keys and finite numbers only")]
    serde_json::to_string(value).expect("a wire type is always valid JSON")
}

/// Puts an `ev` frame together from encoded events.
pub(super) fn events<'a>(ch: &str, encoded: impl Iterator<Item = &'a str>) -> Frame {
    let mut text = format!(r#"{{"t":"ev","ch":"{ch}","evs":["#);
    for (index, event) in encoded.enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(event);
    }
    text.push_str("]}");
    Frame::from(text)
}

/// A frame with an entry for each of several participants, from which one's own can be left out.
#[derive(Debug)]
pub(super) struct Entries {
    frame: Frame,
    /// Where each entry stands, in the order of the ids.
    places: Vec<(PeerId, Range<usize>)>,
    has_more: bool,
}

impl Entries {
    /// Puts a `peers` frame together from encoded participants, in the order of their ids.
    pub(super) fn peers(
        ch: &str,
        entries: impl Iterator<Item = (PeerId, impl AsRef<str>)>,
    ) -> Self {
        Self::put(format!(r#"{{"t":"peers","ch":"{ch}","join":{{"#), entries, "}}", false)
    }

    /// Puts a `pres` frame together from encoded participants, in the order of their ids, and the ids
    /// of those that left.
    pub(super) fn presence(
        ch: &str,
        entries: impl Iterator<Item = (PeerId, impl AsRef<str>)>,
        gone: &[PeerId],
    ) -> Self {
        let mut tail = "}".to_owned();
        if !gone.is_empty() {
            tail.push_str(r#","gone":"#);
            tail.push_str(&json(&gone.iter().map(ToString::to_string).collect::<Vec<_>>()));
        }
        tail.push('}');
        let head = format!(r#"{{"t":"pres","ch":"{ch}","u":{{"#);
        Self::put(head, entries, &tail, !gone.is_empty())
    }

    fn put(
        mut text: String,
        entries: impl Iterator<Item = (PeerId, impl AsRef<str>)>,
        tail: &str,
        has_more: bool,
    ) -> Self {
        let mut places = Vec::new();
        for (peer, entry) in entries {
            if !places.is_empty() {
                text.push(',');
            }
            let start = text.len();
            text.push_str(entry.as_ref());
            places.push((peer, start..text.len()));
        }
        text.push_str(tail);
        Self { frame: Frame::from(text), places, has_more }
    }

    /// Returns the frame for everybody.
    pub(super) fn whole(&self) -> Frame {
        self.frame.clone()
    }

    /// Returns the frame without `me`; `None` when nothing is left of it.
    ///
    /// Whoever is not in it shares the one frame; for whoever is, it is two copies and no encoding.
    pub(super) fn without(&self, me: PeerId) -> Option<Frame> {
        let Ok(at) = self.places.binary_search_by_key(&me, |(peer, _)| *peer) else {
            return Some(self.whole());
        };
        let (_, own) = self.places.get(at)?;
        let cut = match self.places.len() {
            1 if !self.has_more => return None,
            1 => own.clone(),
            // The comma goes with it: the one before, or for the first entry the one after.
            _ if at > 0 => own.start - 1..own.end,
            _ => own.start..own.end + 1,
        };
        let (before, after) = (self.frame.get(..cut.start)?, self.frame.get(cut.end..)?);
        Some(Frame::from([before, after].concat()))
    }
}

/// Encodes one entry of a JSON object, to be joined with others.
pub(super) fn entry<T: Serialize>(peer: PeerId, value: &T) -> String {
    format!(r#""{peer}":{}"#, json(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use grove_core_api::event::Event;
    use grove_core_api::realtime::Identity;
    use grove_core_api::realtime::presence::PresenceUpdate;
    use std::collections::BTreeMap;

    fn read(frame: &Frame) -> ServerFrame {
        serde_json::from_str(frame.as_str()).unwrap()
    }

    #[test]
    fn frames_put_together_are_the_frames_of_the_wire_types() {
        let event = Event {
            seq: 1,
            at: 2,
            by: None,
            via: "web".into(),
            kind: "board.changed".into(),
            mid: Some("a\"b".into()),
            ops: Vec::new(),
        };
        let encoded = json(&event);
        let frame = events("board:x", [encoded.as_str(), &encoded].into_iter());
        let evs = vec![event.clone(), event];
        assert_eq!(read(&frame), ServerFrame::Ev { ch: "board:x".into(), evs });

        let identity = Identity {
            user: "u".into(),
            name: "\"Ana\"\n".into(),
            emoji: "🌱".into(),
            slot: 3,
            is_agent: false,
        };
        let parts = [1, 2].map(|id| (PeerId(id), entry(PeerId(id), &identity)));
        let frame = Entries::peers("board:x", parts.iter().map(|(id, part)| (*id, part)));
        let join = BTreeMap::from([("p1".to_owned(), identity.clone()), ("p2".into(), identity)]);
        assert_eq!(read(&frame.whole()), ServerFrame::Peers { ch: "board:x".into(), join });
    }

    #[test]
    fn one_entry_can_be_left_out_wherever_it_stands() {
        let update = PresenceUpdate { cur: Some(None), ..PresenceUpdate::default() };
        let expected = |ids: &[u64], gone: &[PeerId]| ServerFrame::Pres {
            ch: "board:x".into(),
            u: ids.iter().map(|id| (PeerId(*id).to_string(), update.clone())).collect(),
            gone: gone.iter().map(ToString::to_string).collect(),
        };
        for ids in [&[1][..], &[1, 2], &[1, 2, 3]] {
            for gone in [Vec::new(), vec![PeerId(8), PeerId(9)]] {
                let parts = ids.iter().map(|id| (PeerId(*id), entry(PeerId(*id), &update)));
                let entries = Entries::presence("board:x", parts, &gone);
                let whole = expected(ids, &gone);
                assert_eq!(entries.whole().as_str(), json(&whole), "the very bytes");
                assert_eq!(entries.without(PeerId(7)).as_deref(), Some(json(&whole).as_str()));
                for me in ids {
                    let others: Vec<u64> = ids.iter().copied().filter(|id| id != me).collect();
                    let rest = json(&expected(&others, &gone));
                    let is_empty = others.is_empty() && gone.is_empty();
                    let rest = (!is_empty).then_some(rest.as_str());
                    assert_eq!(entries.without(PeerId(*me)).as_deref(), rest);
                }
            }
        }
    }
}
