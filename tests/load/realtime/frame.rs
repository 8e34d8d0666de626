//! As much of RFC 6455 as a measuring program needs: it must cost less than what it measures.

/// A frame that was read, borrowed from the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard<'a> {
    /// The connection is open.
    Open,
    /// A text frame, or the last part of one.
    Text(&'a [u8]),
    /// The end of the connection, with its close code when there is one.
    Closed(Option<u16>),
}

/// Type and payload of one frame, and how many bytes it takes in the buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) is_final: bool,
    mask: Option<[u8; 4]>,
    start: usize,
    pub(crate) end: usize,
}

/// Opcode of a continuation.
pub(crate) const MORE: u8 = 0;
/// Opcode of text.
pub(crate) const TEXT: u8 = 1;
/// Opcode of the closing handshake.
pub(crate) const CLOSE: u8 = 8;
/// Opcode of a ping.
pub(crate) const PING: u8 = 9;
/// Opcode of a pong.
pub(crate) const PONG: u8 = 10;

impl Frame {
    /// Finds the frame at the beginning of a buffer; `None` while it is not whole.
    pub(crate) fn at(bytes: &[u8]) -> Option<Self> {
        let (first, second) = (*bytes.first()?, *bytes.get(1)?);
        let (length, mut start) = match second & 0x7f {
            126 => (usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?)), 4),
            127 => {
                let long = u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?);
                (usize::try_from(long).ok()?, 10)
            }
            short => (usize::from(short), 2),
        };
        let mut mask = None;
        if second & 0x80 != 0 {
            mask = Some(bytes.get(start..start + 4)?.try_into().ok()?);
            start += 4;
        }
        let end = start + length;
        (bytes.len() >= end).then_some(Self {
            opcode: first & 0x0f,
            is_final: first & 0x80 != 0,
            mask,
            start,
            end,
        })
    }

    /// Returns the payload of the frame in its buffer, unmasked in place.
    pub(crate) fn payload<'a>(&self, bytes: &'a mut [u8]) -> &'a [u8] {
        let Some(payload) = bytes.get_mut(self.start..self.end) else { return &[] };
        if let Some(mask) = self.mask {
            for (byte, key) in payload.iter_mut().zip(mask.iter().cycle()) {
                *byte ^= key;
            }
        }
        payload
    }
}

/// Appends a frame as a client sends it. The mask is zero: it hides nothing on loopback, and the
/// server takes it off all the same.
pub(crate) fn append_masked(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    append_header(out, opcode, payload.len(), 0x80);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}

/// Appends a frame as a server sends it.
pub(crate) fn append(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    append_header(out, opcode, payload.len(), 0);
    out.extend_from_slice(payload);
}

fn append_header(out: &mut Vec<u8>, opcode: u8, length: usize, masked: u8) {
    out.push(0x80 | opcode);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < 126 => out.push(masked | short),
        (_, Ok(medium)) => {
            out.push(masked | 126);
            out.extend_from_slice(&medium.to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            let long = u64::try_from(length).unwrap_or(u64::MAX);
            out.extend_from_slice(&long.to_be_bytes());
        }
    }
}

/// Returns the text between a mark and the next quotation mark.
pub(crate) fn quoted<'a>(text: &'a [u8], mark: &str) -> Option<&'a str> {
    let from = find(text, mark.as_bytes())? + mark.len();
    let rest = text.get(from..)?;
    let length = rest.iter().position(|byte| *byte == b'"')?;
    std::str::from_utf8(rest.get(..length)?).ok()
}

/// Returns the whole number at the beginning of a text, and how many bytes it has.
pub(crate) fn digits(text: &[u8]) -> (usize, usize) {
    let mut value = 0_usize;
    let mut length = 0;
    while let Some(digit) = text.get(length).filter(|byte| byte.is_ascii_digit()) {
        value = value.wrapping_mul(10).wrapping_add(usize::from(digit - b'0'));
        length += 1;
    }
    (value, length)
}

/// Returns where `mark` begins.
pub(crate) fn find(text: &[u8], mark: &[u8]) -> Option<usize> {
    text.windows(mark.len()).position(|window| window == mark)
}

/// Calls `each` with both whole numbers of every `"cur":[a,b]` of a `pres` frame.
pub(crate) fn cursors(text: &[u8], mut each: impl FnMut(usize, usize)) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'[') {
        let (before, after) = rest.split_at(at + 1);
        rest = after;
        if !before.ends_with(b"\"cur\":[") {
            continue;
        }
        let (first, length) = digits(rest);
        let Some(comma) = rest.iter().skip(length).position(|byte| *byte == b',') else { return };
        let Some(second) = rest.get(length + comma + 1..) else { return };
        each(first, digits(second).0);
    }
}
