//! Many clients in one thread: non-blocking sockets, one buffer, one look at each frame.
//!
//! Deliberately not here: what the frames mean, which is the scenario's.

use crate::frame::{self, Frame, Heard};
use anyhow::{Context, bail, ensure};
use grove_tests::Outcome;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Bytes that one read takes at most.
const SCRATCH: usize = 256 * 1024;
/// Bytes of one message at most; a larger one is a fault of the server.
const MESSAGE: usize = 64 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Away,
    Upgrading,
    Open,
}

struct Member {
    stream: Option<TcpStream>,
    phase: Phase,
    /// Bytes of a frame that is not whole yet.
    inbox: Vec<u8>,
    /// Parts of a message whose last part has not come yet.
    parts: Vec<u8>,
    outbox: Vec<u8>,
    greeting: Vec<u8>,
    is_deaf: bool,
}

/// Clients of one server.
pub(crate) struct Crowd {
    address: SocketAddr,
    poll: Poll,
    events: Events,
    members: Vec<Member>,
    scratch: Vec<u8>,
    /// Frames that were heard.
    pub(crate) frames: u64,
}

impl Crowd {
    /// Makes `size` clients of the server at `address`; none is connected yet.
    ///
    /// # Errors
    /// When the kernel has no poll for them.
    pub(crate) fn new(address: SocketAddr, size: usize) -> Outcome<Self> {
        let member = || Member {
            stream: None,
            phase: Phase::Away,
            inbox: Vec::new(),
            parts: Vec::new(),
            outbox: Vec::new(),
            greeting: Vec::new(),
            is_deaf: false,
        };
        Ok(Self {
            address,
            poll: Poll::new()?,
            events: Events::with_capacity(1_024),
            members: std::iter::repeat_with(member).take(size).collect(),
            scratch: vec![0; SCRATCH],
            frames: 0,
        })
    }

    /// How many clients there are.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// What a client says as soon as it is connected.
    pub(crate) fn greet(&mut self, member: usize, texts: &[String]) {
        let Some(member) = self.members.get_mut(member) else { return };
        member.greeting.clear();
        for text in texts {
            frame::append_masked(&mut member.greeting, frame::TEXT, text.as_bytes());
        }
    }

    /// Begins to connect a client.
    ///
    /// # Errors
    /// When the kernel has no socket for it.
    pub(crate) fn connect(&mut self, index: usize) -> Outcome {
        let member = self.members.get_mut(index).context("no such client")?;
        let mut stream = TcpStream::connect(self.address)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut stream, Token(index), both)?;
        member.stream = Some(stream);
        member.phase = Phase::Upgrading;
        member.inbox.clear();
        member.parts.clear();
        member.outbox = format!(
            "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             Sec-WebSocket-Protocol: grove.v1\r\n\r\n",
            self.address
        )
        .into_bytes();
        Ok(())
    }

    /// Makes a client read no more, or again.
    pub(crate) fn deafen(&mut self, member: usize, is_deaf: bool) {
        if let Some(member) = self.members.get_mut(member) {
            member.is_deaf = is_deaf;
        }
    }

    /// Drops a client's connection.
    pub(crate) fn drop_connection(&mut self, member: usize) {
        if let Some(member) = self.members.get_mut(member) {
            member.stream = None;
            member.phase = Phase::Away;
        }
    }

    /// Sends a text frame.
    ///
    /// # Errors
    /// When the connection is gone.
    pub(crate) fn send(&mut self, member: usize, text: &str) -> Outcome {
        let it = self.members.get_mut(member).context("no such client")?;
        ensure!(it.phase == Phase::Open, "client {member} is not connected");
        frame::append_masked(&mut it.outbox, frame::TEXT, text.as_bytes());
        flush(it)
    }

    /// Waits for something to come, for at most `wait`, and hands it on.
    ///
    /// # Errors
    /// When a server breaks the protocol below the frames.
    pub(crate) fn turn(
        &mut self,
        wait: Duration,
        ear: &mut dyn FnMut(usize, Heard<'_>),
    ) -> Outcome {
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        for event in &self.events {
            let Token(index) = event.token();
            let Some(member) = self.members.get_mut(index) else { continue };
            if event.is_writable() && member.stream.is_some() && flush(member).is_err() {
                hang_up(member, index, None, ear);
                continue;
            }
            if event.is_readable() && !member.is_deaf {
                self.frames += read(member, index, &mut self.scratch, ear)?;
            }
        }
        Ok(())
    }

    /// Turns until `is_done`, for at most `patience`.
    ///
    /// # Errors
    /// When it takes longer.
    pub(crate) fn until(
        &mut self,
        what: &str,
        patience: Duration,
        mut step: impl FnMut(&mut Self) -> Outcome<bool>,
    ) -> Outcome<Duration> {
        let begun = Instant::now();
        while !step(self)? {
            ensure!(begun.elapsed() < patience, "this did not come about: {what}");
        }
        Ok(begun.elapsed())
    }
}

fn hang_up(
    member: &mut Member,
    index: usize,
    code: Option<u16>,
    ear: &mut dyn FnMut(usize, Heard<'_>),
) {
    if member.stream.take().is_some() {
        member.phase = Phase::Away;
        ear(index, Heard::Closed(code));
    }
}

fn flush(member: &mut Member) -> Outcome {
    let Some(stream) = &mut member.stream else { bail!("not connected") };
    let mut written = 0;
    while let Some(rest) = member.outbox.get(written..).filter(|rest| !rest.is_empty()) {
        match stream.write(rest) {
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            // Not connected yet: the poll says when.
            Err(error) if error.kind() == ErrorKind::NotConnected => break,
            Err(error) => return Err(error.into()),
        }
    }
    member.outbox.drain(..written);
    Ok(())
}

/// Reads until the socket is dry; returns how many frames came.
fn read(
    member: &mut Member,
    index: usize,
    scratch: &mut [u8],
    ear: &mut dyn FnMut(usize, Heard<'_>),
) -> Outcome<u64> {
    let mut frames = 0;
    loop {
        let Some(stream) = &mut member.stream else { return Ok(frames) };
        let count = match stream.read(scratch) {
            Ok(0) => {
                hang_up(member, index, None, ear);
                return Ok(frames);
            }
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(frames),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => {
                hang_up(member, index, None, ear);
                return Ok(frames);
            }
        };
        let Some(bytes) = scratch.get_mut(..count) else { return Ok(frames) };
        let is_short = count < SCRATCH;
        if member.phase == Phase::Open && member.inbox.is_empty() {
            let (used, heard) = take(member, index, bytes, ear)?;
            frames += heard;
            member.inbox.extend_from_slice(bytes.get(used..).unwrap_or_default());
        } else {
            let mut inbox = std::mem::take(&mut member.inbox);
            inbox.extend_from_slice(bytes);
            let (used, heard) = take(member, index, &mut inbox, ear)?;
            frames += heard;
            inbox.drain(..used);
            member.inbox = inbox;
        }
        ensure!(member.inbox.len() <= MESSAGE, "a frame of more than {MESSAGE} bytes");
        // What comes now wakes the poll again: no second read that finds nothing.
        if is_short {
            return Ok(frames);
        }
    }
}

/// Takes the whole frames of a buffer; returns the bytes that they have and their number.
fn take(
    member: &mut Member,
    index: usize,
    bytes: &mut [u8],
    ear: &mut dyn FnMut(usize, Heard<'_>),
) -> Outcome<(usize, u64)> {
    let mut used = 0;
    if member.phase == Phase::Upgrading {
        let Some(end) = frame::find(bytes, b"\r\n\r\n") else { return Ok((0, 0)) };
        let status = bytes.get(..12).unwrap_or_default();
        ensure!(status == b"HTTP/1.1 101", "refused: {}", String::from_utf8_lossy(bytes));
        used = end + 4;
        member.phase = Phase::Open;
        let greeting = std::mem::take(&mut member.greeting);
        member.outbox.extend_from_slice(&greeting);
        member.greeting = greeting;
        flush(member)?;
        ear(index, Heard::Open);
    }
    let mut frames = 0;
    while let Some(rest) = bytes.get_mut(used..)
        && let Some(frame) = Frame::at(rest)
    {
        used += frame.end;
        let payload = frame.payload(rest);
        match frame.opcode {
            frame::TEXT if frame.is_final => {
                frames += 1;
                ear(index, Heard::Text(payload));
            }
            frame::TEXT | frame::MORE => {
                member.parts.extend_from_slice(payload);
                ensure!(member.parts.len() <= MESSAGE, "a message of more than {MESSAGE} bytes");
                if frame.is_final {
                    let whole = std::mem::take(&mut member.parts);
                    frames += 1;
                    ear(index, Heard::Text(&whole));
                }
            }
            frame::PING => {
                frame::append_masked(&mut member.outbox, frame::PONG, payload);
                flush(member)?;
            }
            frame::CLOSE => {
                let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                frame::append_masked(&mut member.outbox, frame::CLOSE, payload);
                // The server may be gone already.
                drop(flush(member));
                hang_up(member, index, code, ear);
                return Ok((bytes.len(), frames));
            }
            _ => {}
        }
    }
    Ok((used, frames))
}
