//! What fan-out costs at least: one thread, one poll, each frame made once and written to all.
//!
//! It speaks just enough of the protocol for the same clients to use it, and does nothing else: no
//! rights, no log, no memory of who was where, no bound on what a client makes it keep but the end of
//! the connection. Groved is compared with it. Deliberately not here: anything that could be a server.

use crate::frame::{self, Frame};
use anyhow::Context;
use grove_tests::{Outcome, program};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Argument with which this program is the server.
pub(crate) const ARGUMENT: &str = "raw-server";
/// Bytes that a client may leave unread before it is dropped.
const BACKLOG: usize = 1024 * 1024;
const SCRATCH: usize = 256 * 1024;
const DOOR: Token = Token(usize::MAX);

/// The server as a process of its own.
pub(crate) struct Raw {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) pid: i32,
}

impl Raw {
    /// Starts it on the processor that this thread is on.
    ///
    /// # Errors
    /// When it does not come up.
    pub(crate) fn start(tick_ms: u64) -> Outcome<Self> {
        let mut command = program(std::env::current_exe()?);
        command.args([ARGUMENT, &tick_ms.to_string()]).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let pid = i32::try_from(child.id())?;
        let mut line = String::new();
        let out = child.stdout.take().context("no standard output")?;
        BufReader::new(out).read_line(&mut line)?;
        let address = line.trim().parse().with_context(|| format!("the raw server said {line}"))?;
        Ok(Self { child, address, pid })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // It has nothing to lose.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

struct Reader {
    stream: TcpStream,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    is_open: bool,
    board: Option<usize>,
}

#[derive(Default)]
struct Board {
    ch: String,
    readers: Vec<usize>,
    moved: BTreeMap<usize, Vec<u8>>,
    open_from: Option<Instant>,
}

struct Server {
    poll: Poll,
    readers: Vec<Option<Reader>>,
    boards: Vec<Board>,
    tick: Duration,
    frame: Vec<u8>,
}

/// Serves until the process is killed.
///
/// # Errors
/// The kernel's.
pub(crate) fn serve(tick_ms: u64) -> Outcome {
    let poll = Poll::new()?;
    let mut door = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    poll.registry().register(&mut door, DOOR, Interest::READABLE)?;
    writeln!(std::io::stdout(), "{}", door.local_addr()?)?;
    let mut events = Events::with_capacity(1_024);
    let mut scratch = vec![0; SCRATCH];
    let tick = Duration::from_millis(tick_ms);
    let mut server =
        Server { poll, readers: Vec::new(), boards: Vec::new(), tick, frame: Vec::new() };
    loop {
        let wait = server.next_tick();
        match server.poll.poll(&mut events, wait) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &events {
            match event.token() {
                DOOR => server.admit(&door)?,
                Token(index) => {
                    if event.is_writable() {
                        server.write(index);
                    }
                    if event.is_readable() {
                        server.read(index, &mut scratch);
                    }
                }
            }
        }
        server.tick();
    }
}

impl Server {
    fn next_tick(&self) -> Option<Duration> {
        let waiting = self.boards.iter().filter(|board| !board.moved.is_empty());
        let now = Instant::now();
        let due = waiting.map(|board| board.open_from.unwrap_or(now)).min()?;
        Some(due.saturating_duration_since(now))
    }

    fn admit(&mut self, door: &TcpListener) -> Outcome {
        while let Ok((mut stream, _)) = door.accept() {
            stream.set_nodelay(true)?;
            let index = self.readers.len();
            let both = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut stream, Token(index), both)?;
            let (inbox, outbox) = (Vec::new(), Vec::new());
            let reader = Reader { stream, inbox, outbox, is_open: false, board: None };
            self.readers.push(Some(reader));
        }
        Ok(())
    }

    fn part(&mut self, index: usize) {
        let reader = self.readers.get_mut(index).and_then(Option::take);
        if let Some(board) = reader.and_then(|it| it.board)
            && let Some(board) = self.boards.get_mut(board)
        {
            board.readers.retain(|it| *it != index);
        }
    }

    fn read(&mut self, index: usize, scratch: &mut [u8]) {
        loop {
            let Some(Some(reader)) = self.readers.get_mut(index) else { return };
            let count = match reader.stream.read(scratch) {
                Ok(count) if count > 0 => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Ok(_) | Err(_) => return self.part(index),
            };
            let mut inbox = std::mem::take(&mut reader.inbox);
            inbox.extend_from_slice(scratch.get(..count).unwrap_or_default());
            let used = self.take(index, &mut inbox);
            inbox.drain(..used);
            if let Some(Some(reader)) = self.readers.get_mut(index) {
                reader.inbox = inbox;
            }
            if count < SCRATCH {
                return;
            }
        }
    }

    fn take(&mut self, index: usize, bytes: &mut [u8]) -> usize {
        let mut used = 0;
        let Some(Some(reader)) = self.readers.get_mut(index) else { return 0 };
        if !reader.is_open {
            let Some(end) = frame::find(bytes, b"\r\n\r\n") else { return 0 };
            reader.is_open = true;
            used = end + 4;
            let answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\
                Upgrade: websocket\r\nSec-WebSocket-Protocol: grove.v1\r\n\r\n";
            reader.outbox.extend_from_slice(answer);
            self.write(index);
        }
        while let Some(rest) = bytes.get_mut(used..)
            && let Some(frame) = Frame::at(rest)
        {
            used += frame.end;
            let text = frame.payload(rest);
            match frame::quoted(text, "\"t\":\"") {
                Some("hello") => {
                    self.say(index, format!("{{\"t\":\"welcome\",\"peer\":\"p{index}\"}}"));
                }
                Some("sub") => self.join(index, text),
                Some("pres") => self.moved(index, text),
                Some("mut") => self.happened(index, text),
                Some(_) | None => {}
            }
        }
        used
    }

    fn say(&mut self, index: usize, text: String) {
        if let Some(Some(reader)) = self.readers.get_mut(index) {
            frame::append(&mut reader.outbox, frame::TEXT, text.as_bytes());
        }
        self.write(index);
    }

    fn join(&mut self, index: usize, text: &[u8]) {
        let Some(ch) = frame::quoted(text, "\"ch\":\"") else { return };
        let known = self.boards.iter().position(|board| board.ch == ch);
        let at = known.unwrap_or_else(|| {
            self.boards.push(Board { ch: ch.to_owned(), ..Board::default() });
            self.boards.len() - 1
        });
        let answers = ["snap", "peers"].map(|t| format!("{{\"t\":\"{t}\",\"ch\":\"{ch}\"}}"));
        if let Some(board) = self.boards.get_mut(at) {
            board.readers.push(index);
        }
        if let Some(Some(reader)) = self.readers.get_mut(index) {
            reader.board = Some(at);
        }
        for answer in answers {
            self.say(index, answer);
        }
    }

    fn moved(&mut self, index: usize, text: &[u8]) {
        let board = self.readers.get(index).and_then(|it| it.as_ref()?.board);
        let Some(board) = board.and_then(|at| self.boards.get_mut(at)) else { return };
        let Some(at) = frame::find(text, b"\"d\":") else { return };
        let Some(values) = text.get(at + 4..text.len() - 1) else { return };
        board.moved.insert(index, values.to_vec());
    }

    fn happened(&mut self, index: usize, text: &[u8]) {
        let board = self.readers.get(index).and_then(|it| it.as_ref()?.board);
        let Some(board) = board.and_then(|at| self.boards.get(at)) else { return };
        self.frame.clear();
        let event = [b"{\"t\":\"ev\",\"evs\":[", text, b"]}"].concat();
        frame::append(&mut self.frame, frame::TEXT, &event);
        let readers = board.readers.clone();
        self.write_all(&readers);
    }

    /// Sends what moved on each board whose time has come.
    fn tick(&mut self) {
        let now = Instant::now();
        for at in 0..self.boards.len() {
            let Some(board) = self.boards.get_mut(at) else { return };
            let is_due = board.open_from.is_none_or(|from| from <= now);
            if board.moved.is_empty() || !is_due {
                continue;
            }
            let mut text =
                format!("{{\"t\":\"pres\",\"ch\":\"{}\",\"u\":{{", board.ch).into_bytes();
            for (place, (index, values)) in board.moved.iter().enumerate() {
                let comma = if place > 0 { "," } else { "" };
                text.extend_from_slice(format!("{comma}\"p{index}\":").as_bytes());
                text.extend_from_slice(values);
            }
            text.extend_from_slice(b"}}");
            board.moved.clear();
            board.open_from = Some(now + self.tick);
            let readers = board.readers.clone();
            self.frame.clear();
            frame::append(&mut self.frame, frame::TEXT, &text);
            self.write_all(&readers);
        }
    }

    fn write_all(&mut self, readers: &[usize]) {
        let frame = std::mem::take(&mut self.frame);
        for index in readers {
            if let Some(Some(reader)) = self.readers.get_mut(*index) {
                let is_first = reader.outbox.is_empty();
                let written = if is_first { reader.stream.write(&frame).unwrap_or(0) } else { 0 };
                if written == frame.len() {
                    continue;
                }
                reader.outbox.extend_from_slice(frame.get(written..).unwrap_or_default());
            }
            self.write(*index);
        }
        self.frame = frame;
    }

    fn write(&mut self, index: usize) {
        let Some(Some(reader)) = self.readers.get_mut(index) else { return };
        while !reader.outbox.is_empty() {
            match reader.stream.write(&reader.outbox) {
                Ok(count) => {
                    reader.outbox.drain(..count);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return self.part(index),
            }
        }
        if reader.outbox.len() > BACKLOG {
            self.part(index);
        }
    }
}
