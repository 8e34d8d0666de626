//! Frames as bytes: written once, shared by every connection that gets the same.
//!
//! What many connections receive (`ev`, `peers`, `pres`, `st`) is put together from parts that were
//! encoded once; everything else goes through [`encode`]. Deliberately not here: when to send.

use super::presence::PeerId;
use super::socket::Frame;
use grove_core_api::realtime::ServerFrame;
use serde::Serialize;

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
    append_joined(&mut text, encoded);
    text.push_str("]}");
    Frame::from(text)
}

/// Puts a `peers` frame together from encoded participants.
pub(super) fn peers<'a>(ch: &str, encoded: impl Iterator<Item = &'a str>) -> Frame {
    let mut text = format!(r#"{{"t":"peers","ch":"{ch}","join":{{"#);
    append_joined(&mut text, encoded);
    text.push_str("}}");
    Frame::from(text)
}

/// Puts a `pres` frame together from encoded participants and the ids of those that left.
pub(super) fn presence<'a>(
    ch: &str,
    encoded: impl Iterator<Item = &'a str>,
    gone: &[PeerId],
) -> Frame {
    let mut text = format!(r#"{{"t":"pres","ch":"{ch}","u":{{"#);
    append_joined(&mut text, encoded);
    text.push('}');
    if !gone.is_empty() {
        text.push_str(r#","gone":"#);
        text.push_str(&json(&gone.iter().map(ToString::to_string).collect::<Vec<_>>()));
    }
    text.push('}');
    Frame::from(text)
}

/// Encodes one entry of a JSON object, to be joined with others.
pub(super) fn entry<T: Serialize>(peer: PeerId, value: &T) -> String {
    format!(r#""{peer}":{}"#, json(value))
}

fn append_joined<'a>(text: &mut String, parts: impl Iterator<Item = &'a str>) {
    for (index, part) in parts.enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(part);
    }
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
        let parts = [entry(PeerId(1), &identity), entry(PeerId(2), &identity)];
        let frame = peers("board:x", parts.iter().map(String::as_str));
        let join = BTreeMap::from([("p1".to_owned(), identity.clone()), ("p2".into(), identity)]);
        assert_eq!(read(&frame), ServerFrame::Peers { ch: "board:x".into(), join });

        let update = PresenceUpdate { cur: Some(None), ..PresenceUpdate::default() };
        let part = entry(PeerId(1), &update);
        for gone in [Vec::new(), vec![PeerId(8), PeerId(9)]] {
            let frame = presence("board:x", std::iter::once(part.as_str()), &gone);
            let expected = ServerFrame::Pres {
                ch: "board:x".into(),
                u: BTreeMap::from([("p1".to_owned(), update.clone())]),
                gone: gone.iter().map(ToString::to_string).collect(),
            };
            assert_eq!(read(&frame), expected);
            assert_eq!(frame.as_str(), json(&expected), "the very bytes");
        }
    }
}
