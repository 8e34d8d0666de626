//! Text of the messages that stream in one session: all so far, for whoever joins late.
//!
//! Pure. Offsets are UTF-16 code units, as in the browser. Deliberately not here: storage; the text
//! that counts in the end is the final event's.

use super::encode;
use super::socket::Frame;
use grove_core_api::event::{Object, Op};
use grove_core_api::realtime::ServerFrame;
use grove_core_api::{MessageId, limits};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How far one reader has read one message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    generation: u64,
    bytes: usize,
    units: u64,
}

/// How far one reader has read all messages.
pub(super) type Marks = BTreeMap<MessageId, Mark>;

/// What became of a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// There is more to read than before.
    Grew,
    /// It was there already.
    Known,
    /// It does not join on to what is there, or there is no room for it; the text stands still until
    /// it is reset or its final event comes.
    Refused,
}

#[derive(Debug)]
struct Stream {
    generation: u64,
    text: String,
    units: u64,
    visible: Mark,
    shared: Option<(Mark, Mark, Frame)>,
}

/// The streaming messages of one session.
#[derive(Debug)]
pub(super) struct Streams {
    ch: String,
    generation: u64,
    by_message: BTreeMap<MessageId, Stream>,
}

impl Streams {
    /// Makes the empty set of the session topic `ch`.
    pub(super) fn new(ch: String) -> Self {
        Self { ch, generation: 0, by_message: BTreeMap::new() }
    }

    /// Returns whether nothing streams.
    pub(super) fn is_empty(&self) -> bool {
        self.by_message.is_empty()
    }

    /// Returns whether a message streams.
    pub(super) fn has(&self, message: MessageId) -> bool {
        self.by_message.contains_key(&message)
    }

    /// Returns the messages that stream, with all text so far.
    pub(super) fn texts(&self) -> impl Iterator<Item = (MessageId, &str)> {
        self.by_message.iter().map(|(message, stream)| (*message, stream.text.as_str()))
    }

    /// Appends text at an offset; what is there already is skipped.
    pub(super) fn append(&mut self, message: MessageId, offset: u64, text: &str) -> Outcome {
        if !self.by_message.contains_key(&message) {
            if offset > 0 {
                return Outcome::Refused;
            }
            return self.reset(message, text);
        }
        let Some(stream) = self.by_message.get_mut(&message) else { return Outcome::Refused };
        if offset > stream.units {
            return Outcome::Refused;
        }
        let Some(fresh) = skip_units(text, stream.units - offset) else { return Outcome::Known };
        stream.push(fresh)
    }

    /// Puts all text so far in place of what was there (the daemon came back in mid-stream).
    pub(super) fn reset(&mut self, message: MessageId, text: &str) -> Outcome {
        if let Some(stream) = self.by_message.get_mut(&message)
            && let Some(fresh) = text.strip_prefix(stream.text.as_str())
        {
            return if fresh.is_empty() { Outcome::Known } else { stream.push(fresh) };
        }
        let is_new = !self.by_message.contains_key(&message);
        if is_new && self.by_message.len() >= limits::STREAM_MESSAGES {
            return Outcome::Refused;
        }
        self.generation += 1;
        let generation = self.generation;
        let visible = Mark { generation, bytes: 0, units: 0 };
        let mut stream =
            Stream { generation, text: String::new(), units: 0, visible, shared: None };
        let outcome = stream.push(text);
        self.by_message.insert(message, stream);
        outcome
    }

    /// Forgets a message; its final event has the text. Returns whether it was streaming.
    pub(super) fn end(&mut self, message: MessageId) -> bool {
        self.by_message.remove(&message).is_some()
    }

    /// Forgets the messages that an event ended, so that no text follows the final event.
    pub(super) fn end_by(&mut self, ops: &[Op]) {
        if self.by_message.is_empty() {
            return;
        }
        let mut finals = Finals::default();
        finals.note_ops(ops);
        self.end_final(&finals, self.generation);
    }

    /// Forgets the messages that the stored state says are final, if they streamed when it was read.
    ///
    /// `generation` is what [`Streams::generation`] was before the reading.
    pub(super) fn end_final(&mut self, finals: &Finals, generation: u64) {
        self.by_message.retain(|message, stream| {
            stream.generation > generation || !finals.0.contains(message)
        });
    }

    /// Returns a number that grows whenever a message starts to stream.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Lets readers see all text so far (rule RT-10: at most once per tick).
    pub(super) fn show(&mut self) {
        for stream in self.by_message.values_mut() {
            let (generation, bytes, units) = (stream.generation, stream.text.len(), stream.units);
            stream.visible = Mark { generation, bytes, units };
        }
    }

    /// Appends the `st` frames that a reader lacks and moves its marks.
    pub(super) fn pull(&mut self, marks: &mut Marks, frames: &mut Vec<Frame>) {
        marks.retain(|message, _| self.by_message.contains_key(message));
        for (message, stream) in &mut self.by_message {
            let mark = marks.entry(*message).or_default();
            if *mark == stream.visible || stream.visible.bytes == 0 {
                continue;
            }
            if mark.generation != stream.generation {
                *mark = Mark { generation: stream.generation, bytes: 0, units: 0 };
            }
            frames.push(stream.frame(&self.ch, *message, *mark));
            *mark = stream.visible;
        }
    }
}

impl Stream {
    fn push(&mut self, text: &str) -> Outcome {
        if self.text.len() + text.len() > limits::STREAM_TEXT_BYTES {
            return Outcome::Refused;
        }
        self.text.push_str(text);
        self.units += utf16_len(text);
        if text.is_empty() { Outcome::Known } else { Outcome::Grew }
    }

    fn frame(&mut self, ch: &str, message: MessageId, from: Mark) -> Frame {
        if let Some((start, end, frame)) = &self.shared
            && *start == from
            && *end == self.visible
        {
            return frame.clone();
        }
        let text = self.text.get(from.bytes..self.visible.bytes).unwrap_or_default();
        let frame = encode::encode(&ServerFrame::St {
            ch: ch.to_owned(),
            m: message.to_string(),
            o: from.units,
            d: text.to_owned(),
        });
        self.shared = Some((from, self.visible, frame.clone()));
        frame
    }
}

/// Messages that stream no more, as far as events or a snapshot tell.
#[derive(Debug, Default)]
pub(super) struct Finals(BTreeSet<MessageId>);

impl Finals {
    /// Notes what operations, in order, say.
    pub(super) fn note_ops(&mut self, ops: &[Op]) {
        for op in ops {
            match op {
                Op::Set { id, k, v, .. } if k == "is_streaming" => self.note(id, Some(v)),
                Op::Put { id, v, .. } => self.note(id, v.get("is_streaming")),
                Op::Del { id, .. } => self.note(id, Some(&Value::Bool(false))),
                Op::Set { .. } => {}
            }
        }
    }

    /// Notes what a snapshot says.
    pub(super) fn note_state(&mut self, state: &BTreeMap<String, Object>) {
        for (id, object) in state {
            self.note(id, object.v.get("is_streaming"));
        }
    }

    fn note(&mut self, id: &str, is_streaming: Option<&Value>) {
        let (Some(Value::Bool(is_streaming)), Ok(message)) = (is_streaming, id.parse()) else {
            return;
        };
        if *is_streaming {
            self.0.remove(&message);
        } else {
            self.0.insert(message);
        }
    }
}

fn utf16_len(text: &str) -> u64 {
    text.chars().map(|symbol| if symbol.len_utf16() == 2 { 2_u64 } else { 1 }).sum()
}

/// Returns the text after its first `units` code units; `None` when nothing is left.
fn skip_units(text: &str, units: u64) -> Option<&str> {
    let mut seen = 0;
    for (at, symbol) in text.char_indices() {
        if seen >= units {
            return text.get(at..);
        }
        seen += if symbol.len_utf16() == 2 { 2 } else { 1 };
    }
    None
}
