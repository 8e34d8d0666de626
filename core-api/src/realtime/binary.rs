//! Binary frames of the WebSocket: shared text in Yjs' own encoding.
//!
//! A frame is one byte of kind, a channel number that `subok` named, and the payload. All numbers are
//! lib0 variable integers, as Yjs writes them. What is decoded here comes from anybody: nothing is
//! allocated by a length that the bytes only claim. Deliberately not here: what an update does to a
//! text (the daemon's).

use std::collections::BTreeMap;

/// Largest client id and clock that Yjs itself can hold (2^53 - 1).
const SAFE_INTEGER: u64 = (1 << 53) - 1;
/// Clocks at which an update is refused: far more characters than a text may ever have seen.
const CLOCK_END: u64 = 1 << 31;
/// Name of the one shared text in a document.
pub const TEXT_NAME: &str = "text";

/// Why bytes are no frame, message or update of this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// They end too early.
    #[error("the frame ends too early")]
    Short,
    /// More follows than belongs there.
    #[error("the frame has bytes after its end")]
    Long,
    /// A number is too large.
    #[error("a number in the frame is out of range")]
    Number,
    /// The frame's kind is unknown.
    #[error("binary frames are 1 (sync) or 2 (awareness)")]
    Kind,
    /// The message of the synchronization is unknown.
    #[error("sync messages are 0, 1 or 2")]
    Message,
    /// Text that is no UTF-8.
    #[error("text in the frame is not UTF-8")]
    Text,
    /// Something else than the characters of the one shared text.
    #[error("a document holds one text named `text`, and nothing else")]
    Content,
}

/// What a binary frame is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// A [`SyncMessage`].
    Sync,
    /// A list of [`AwarenessEntry`].
    Awareness,
}

impl FrameKind {
    const fn byte(self) -> u8 {
        match self {
            Self::Sync => 1,
            Self::Awareness => 2,
        }
    }
}

/// One binary frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BinaryFrame<'a> {
    /// What it is about.
    pub kind: FrameKind,
    /// The topic's number on this connection, from `subok`.
    pub channel: u32,
    /// The rest.
    pub payload: &'a [u8],
}

impl<'a> BinaryFrame<'a> {
    /// Reads a frame.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader(bytes);
        let kind = match reader.byte()? {
            1 => FrameKind::Sync,
            2 => FrameKind::Awareness,
            _ => return Err(Malformed::Kind),
        };
        let channel = u32::try_from(reader.number()?).or(Err(Malformed::Number))?;
        Ok(Self { kind, channel, payload: reader.0 })
    }

    /// Writes the frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.payload.len() + 6);
        bytes.push(self.kind.byte());
        write_number(&mut bytes, u64::from(self.channel));
        bytes.extend_from_slice(self.payload);
        bytes
    }
}

/// One message of the synchronization (y-protocols, `sync.js`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncMessage<'a> {
    /// A state vector: send me what I lack.
    Step1(&'a [u8]),
    /// What the other side lacked, as an update.
    Step2(&'a [u8]),
    /// An update.
    Update(&'a [u8]),
}

impl<'a> SyncMessage<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn decode(payload: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader(payload);
        let kind = reader.number()?;
        let body = reader.bytes()?;
        reader.end()?;
        match kind {
            0 => Ok(Self::Step1(body)),
            1 => Ok(Self::Step2(body)),
            2 => Ok(Self::Update(body)),
            _ => Err(Malformed::Message),
        }
    }

    /// Writes the message as a whole frame.
    #[must_use]
    pub fn frame(&self, channel: u32) -> Vec<u8> {
        let (kind, body) = match self {
            Self::Step1(body) => (0, body),
            Self::Step2(body) => (1, body),
            Self::Update(body) => (2, body),
        };
        let mut payload = Vec::with_capacity(body.len() + 6);
        write_number(&mut payload, kind);
        write_bytes(&mut payload, body);
        BinaryFrame { kind: FrameKind::Sync, channel, payload: &payload }.encode()
    }
}

/// What one client tells of itself in a document: caret, selection, name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwarenessEntry {
    /// Yjs' id of the client.
    pub client: u64,
    /// Raised with each change.
    pub clock: u64,
    /// JSON; `null` when the client is gone.
    pub state: String,
}

/// Reads a list of awareness entries (y-protocols, `awareness.js`).
///
/// # Errors
/// What is wrong with it.
pub fn decode_awareness(payload: &[u8]) -> Result<Vec<AwarenessEntry>, Malformed> {
    let mut reader = Reader(payload);
    let mut entries = Vec::new();
    for _ in 0..reader.number()? {
        let (client, clock) = (reader.number()?, reader.number()?);
        entries.push(AwarenessEntry { client, clock, state: reader.text()?.to_owned() });
    }
    reader.end()?;
    Ok(entries)
}

/// Writes a list of awareness entries.
#[must_use]
pub fn encode_awareness(entries: &[AwarenessEntry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_number(&mut bytes, u64::try_from(entries.len()).unwrap_or(u64::MAX));
    for entry in entries {
        write_number(&mut bytes, entry.client);
        write_number(&mut bytes, entry.clock);
        write_bytes(&mut bytes, entry.state.as_bytes());
    }
    bytes
}

/// Clocks of a document's clients: how much of each one's writing it has.
pub type Clocks = BTreeMap<u64, u64>;

/// Reads a state vector.
///
/// # Errors
/// What is wrong with it.
pub fn decode_state_vector(bytes: &[u8]) -> Result<Clocks, Malformed> {
    let mut reader = Reader(bytes);
    let mut clocks = Clocks::new();
    for _ in 0..reader.number()? {
        let (client, clock) = (reader.number()?, reader.clock()?);
        clocks.insert(client, clock);
    }
    reader.end()?;
    Ok(clocks)
}

/// What an update brings and what it builds on, without applying it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpdateSummary {
    /// First and end clock of what each client wrote.
    pub brings: BTreeMap<u64, (u64, u64)>,
    /// Clock that must be known of each client, beyond what the update brings itself.
    pub needs: Clocks,
    /// Bytes of text in it.
    pub text_bytes: usize,
}

impl UpdateSummary {
    /// Reads an update (Yjs' encoding, version 1) and checks that it holds characters and deletions of
    /// the one shared text, and nothing else.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(update: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader(update);
        let mut summary = Self::default();
        for _ in 0..reader.number()? {
            let structs = reader.number()?;
            let (client, start) = (reader.number()?, reader.clock()?);
            let mut end = start;
            for _ in 0..structs {
                end += summary.read_struct(&mut reader)?;
                if end > CLOCK_END {
                    return Err(Malformed::Number);
                }
            }
            if summary.brings.insert(client, (start, end)).is_some() {
                return Err(Malformed::Content);
            }
        }
        for _ in 0..reader.number()? {
            let client = reader.number()?;
            for _ in 0..reader.number()? {
                let (clock, len) = (reader.clock()?, reader.clock()?);
                if clock + len > CLOCK_END {
                    return Err(Malformed::Number);
                }
                summary.need(client, clock + len);
            }
        }
        reader.end()?;
        Ok(summary)
    }

    /// Whether a document with these clocks has everything that the update builds on.
    #[must_use]
    pub fn fits(&self, known: &Clocks) -> bool {
        let has = |client: &u64| known.get(client).copied().unwrap_or(0);
        let is_joined = self.brings.iter().all(|(client, (start, _))| *start <= has(client));
        is_joined
            && self.needs.iter().all(|(client, needed)| {
                let brought = self.brings.get(client).map_or(0, |(_, end)| *end);
                *needed <= has(client).max(brought)
            })
    }

    /// Reads one struct and returns how many clocks it takes.
    fn read_struct(&mut self, reader: &mut Reader<'_>) -> Result<u64, Malformed> {
        const GARBAGE: u8 = 0;
        const DELETED: u8 = 1;
        const STRING: u8 = 4;
        let info = reader.byte()?;
        if info == GARBAGE {
            return reader.length();
        }
        if info & 0x20 != 0 {
            // A key of a map, which a text is not.
            return Err(Malformed::Content);
        }
        let (has_left, has_right) = (info & 0x80 != 0, info & 0x40 != 0);
        for _ in 0..u8::from(has_left) + u8::from(has_right) {
            let (client, clock) = (reader.number()?, reader.clock()?);
            self.need(client, clock + 1);
        }
        if !has_left && !has_right {
            // The parent is given by name, and it is the text.
            let is_text = reader.number()? == 1 && reader.text()? == TEXT_NAME;
            if !is_text {
                return Err(Malformed::Content);
            }
        }
        match info & 0x1f {
            DELETED => reader.length(),
            STRING => {
                let text = reader.text()?;
                // PostgreSQL stores no NUL in text, and none is meant.
                if text.contains('\0') {
                    return Err(Malformed::Content);
                }
                self.text_bytes += text.len();
                match text.encode_utf16().count() {
                    0 => Err(Malformed::Content),
                    units => u64::try_from(units).or(Err(Malformed::Number)),
                }
            }
            _ => Err(Malformed::Content),
        }
    }

    fn need(&mut self, client: u64, end: u64) {
        let needed = self.needs.entry(client).or_default();
        *needed = end.max(*needed);
    }
}

/// Bytes that are being read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.0.split_first().ok_or(Malformed::Short)?;
        self.0 = rest;
        Ok(*first)
    }

    fn number(&mut self) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        for shift in (0..56).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return if value <= SAFE_INTEGER { Ok(value) } else { Err(Malformed::Number) };
            }
        }
        Err(Malformed::Number)
    }

    fn clock(&mut self) -> Result<u64, Malformed> {
        self.number().and_then(|it| if it <= CLOCK_END { Ok(it) } else { Err(Malformed::Number) })
    }

    fn length(&mut self) -> Result<u64, Malformed> {
        self.clock().and_then(|it| if it > 0 { Ok(it) } else { Err(Malformed::Content) })
    }

    fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = usize::try_from(self.number()?).or(Err(Malformed::Number))?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).or(Err(Malformed::Text))
    }

    fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed::Long) }
    }
}

fn write_number(bytes: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

fn write_bytes(bytes: &mut Vec<u8>, body: &[u8]) {
    write_number(bytes, u64::try_from(body.len()).unwrap_or(u64::MAX));
    bytes.extend_from_slice(body);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `Y.encodeStateAsUpdate` of client 1 after `insert(0, "hé")` in `text`.
    const HELLO: &[u8] = &[1, 1, 1, 0, 4, 1, 4, b't', b'e', b'x', b't', 3, b'h', 0xc3, 0xa9, 0];

    #[test]
    fn an_update_of_text_says_what_it_brings_and_needs() {
        let summary = UpdateSummary::read(HELLO);
        let brings = BTreeMap::from([(1, (0, 2))]);
        assert_eq!(summary, Ok(UpdateSummary { brings, needs: Clocks::new(), text_bytes: 3 }));
        // Client 2 writes after clock 1 of client 1, and deletes its first character.
        let next = [1, 1, 2, 0, 0x84, 1, 1, 1, b'!', 1, 1, 1, 0, 1];
        let summary = UpdateSummary::read(&next).unwrap_or_default();
        assert_eq!(summary.needs, Clocks::from([(1, 2)]));
        assert!(!summary.fits(&Clocks::from([(1, 1)])), "its left neighbour is unknown");
        assert!(summary.fits(&Clocks::from([(1, 2)])));
    }

    #[test]
    fn an_update_of_anything_else_is_refused() {
        let other_root = [1, 1, 1, 0, 4, 1, 3, b'm', b'a', b'p', 1, b'x', 0];
        assert_eq!(UpdateSummary::read(&other_root), Err(Malformed::Content));
        for (info, why) in [
            (2, "JSON"),
            (3, "binary"),
            (5, "embed"),
            (7, "type"),
            (8, "any"),
            (9, "document"),
            (10, "a hole"),
        ] {
            let update = [1, 1, 1, 0, info, 1, 4, b't', b'e', b'x', b't', 1, 1, 0];
            assert!(UpdateSummary::read(&update).is_err(), "{why}");
        }
        let endless = [0xff, 0xff, 0xff, 0xff, 0x0f];
        assert_eq!(UpdateSummary::read(&endless), Err(Malformed::Short));
        assert_eq!(UpdateSummary::read(&[HELLO, &[0]].concat()), Err(Malformed::Long));
    }

    #[test]
    fn a_frame_begins_with_its_kind_and_channel() {
        let frame = SyncMessage::Update(HELLO).frame(300);
        assert_eq!(&frame[..4], &[1, 0xac, 2, 2]);
        let read = BinaryFrame::decode(&frame);
        assert_eq!(read.map(|it| (it.kind, it.channel)), Ok((FrameKind::Sync, 300)));
        assert_eq!(BinaryFrame::decode(&[3, 1]), Err(Malformed::Kind));
        assert_eq!(BinaryFrame::decode(&[1, 0x80]), Err(Malformed::Short));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(frame) = BinaryFrame::decode(&bytes) {
                let written = frame.encode();
                prop_assert_eq!(BinaryFrame::decode(&written), Ok(frame));
                if let Ok(message) = SyncMessage::decode(frame.payload) {
                    let again = message.frame(frame.channel);
                    let again = BinaryFrame::decode(&again).map(|it| it.payload.to_vec());
                    let again = again.unwrap_or_default();
                    prop_assert_eq!(SyncMessage::decode(&again), Ok(message));
                }
            }
            if let Ok(entries) = decode_awareness(&bytes) {
                prop_assert_eq!(decode_awareness(&encode_awareness(&entries)), Ok(entries));
            }
            if let Ok(summary) = UpdateSummary::read(&bytes) {
                prop_assert!(summary.text_bytes <= bytes.len());
            }
            if let Ok(clocks) = decode_state_vector(&bytes) {
                prop_assert!(clocks.len() <= bytes.len());
            }
        }

        #[test]
        fn a_damaged_update_is_read_or_refused_without_harm(at in 0..HELLO.len(), byte in any::<u8>()) {
            let mut damaged = HELLO.to_vec();
            damaged[at] = byte;
            if let Ok(summary) = UpdateSummary::read(&damaged) {
                prop_assert!(summary.brings.values().all(|(start, end)| start <= end));
            }
        }
    }
}
