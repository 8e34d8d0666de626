//! One connection's reading of one topic: resume, snapshot, and whatever comes after.
//!
//! Deliberately not here: rights (asked before) and frames that come from the client.

use super::backend::{Backend, Snapshot};
use super::bell::{Bell, Wake};
use super::encode;
use super::hub::Hub;
use super::live::{LiveRoom, Position, Pull, Seen};
use super::presence::PeerId;
use super::room::frame_len;
use super::socket::{End, Frame, Socket};
use super::stream::Finals;
use grove_core_api::event::{Event, Topic};
use grove_core_api::realtime::{Identity, ServerFrame, close};
use grove_core_api::{Problem, limits};
use std::sync::Arc;

/// Why a topic could not be read.
#[derive(Debug)]
pub(super) enum Failure {
    /// The connection is over.
    End(End),
    /// The backend says no; the connection goes on.
    Problem(Problem),
    /// Too many come at once: ask again after so many milliseconds (rule RT-29).
    Later(u64),
}

impl From<End> for Failure {
    fn from(end: End) -> Self {
        Self::End(end)
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// How a topic goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// Its frames follow.
    Live,
    /// The client reads the state over HTTP and subscribes anew; the topic is left (rule RT-25).
    Elsewhere,
}

/// What a client has of a topic already.
#[derive(Debug)]
pub(super) struct Known {
    /// Identity of the log.
    pub(super) epoch: String,
    /// Newest event that it has applied.
    pub(super) seq: i64,
}

/// One connection's place in one room; dropping it leaves the room.
#[derive(Debug)]
pub(super) struct Subscription {
    topic: Topic,
    peer: PeerId,
    room: Arc<LiveRoom>,
    wake: Arc<Wake>,
    seen: Seen,
    /// Whether the client can read a large state over HTTP.
    takes_refetch: bool,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.room.leave(self.peer);
    }
}

impl Subscription {
    /// Joins the room of a topic; from now on nothing is missed (rule RT-03).
    pub(super) fn join<B: Backend>(
        hub: &Hub<B>,
        topic: Topic,
        peer: PeerId,
        (bell, takes_refetch): (&Arc<Bell>, bool),
    ) -> Self {
        let wake = Arc::new(Wake::new(Arc::clone(bell)));
        let room = hub.join(topic, peer, Arc::clone(&wake));
        Self { topic, peer, room, wake, seen: Seen::default(), takes_refetch }
    }

    /// Returns the room.
    pub(super) fn room(&self) -> &LiveRoom {
        &self.room
    }

    /// Says whether streamed text is wanted from now on (rule RT-10).
    pub(super) fn want_text(&mut self, is_wanted: bool) {
        self.wake.want_text(is_wanted);
        self.seen.is_textless = !is_wanted;
    }

    /// Returns whether there may be something new, once per change.
    pub(super) fn take_dirty(&self) -> bool {
        self.wake.lower()
    }

    /// Answers a `sub`: the tail of what the client has, or a snapshot; then presence.
    ///
    /// # Errors
    /// What the backend says, or how the connection ended.
    ///
    /// # Cancel safety
    /// Not cancel safe: frames that were sent are not sent again.
    pub(super) async fn answer<B: Backend>(
        &mut self,
        hub: &Hub<B>,
        socket: &mut Socket,
        id: i64,
        known: Option<Known>,
        identity: Identity,
    ) -> Result<Answered, Failure> {
        self.room.prime(hub.backend()).await?;
        self.seen.marks.clear();
        let is_resumed = match known {
            Some(known) => self.resume(hub, socket, id, known).await?,
            None => false,
        };
        if !is_resumed {
            hub.admission.admit(hub.clock().now_ms()).map_err(Failure::Later)?;
            if self.send_snapshot(hub, socket, Some(id)).await? == Answered::Elsewhere {
                return Ok(Answered::Elsewhere);
            }
        }
        if matches!(self.topic, Topic::Board(_)) {
            let (frames, version) = self.room.join_presence(self.peer, identity);
            self.seen.presence = Some(version);
            send_all(socket, frames).await?;
        }
        self.wake.raise();
        Ok(Answered::Live)
    }

    /// Sends what is new.
    ///
    /// # Errors
    /// As [`Subscription::answer`].
    ///
    /// # Cancel safety
    /// As [`Subscription::answer`].
    pub(super) async fn pump<B: Backend>(
        &mut self,
        hub: &Hub<B>,
        socket: &mut Socket,
    ) -> Result<Answered, Failure> {
        match self.room.pull(self.peer, &mut self.seen) {
            Pull::Frames { frames, has_more } => {
                send_all(socket, frames).await?;
                if has_more {
                    // The connection looks at its other topics and its peer in between.
                    self.wake.raise();
                }
            }
            Pull::Behind => {
                let answered = Box::pin(self.catch_up(hub, socket)).await?;
                self.wake.raise();
                return Ok(answered);
            }
            Pull::TooFar => return Err(End::Close(close::TOO_SLOW, "too slow").into()),
        }
        Ok(Answered::Live)
    }

    /// Resumes from what the client has; `false` when only a snapshot helps.
    async fn resume<B: Backend>(
        &mut self,
        hub: &Hub<B>,
        socket: &mut Socket,
        id: i64,
        known: Known,
    ) -> Result<bool, Failure> {
        let position = self.room.position();
        if known.epoch != position.epoch || known.seq < 0 {
            return Ok(false);
        }
        let newest = self.newest_for(hub.backend(), &position, known.seq).await?;
        if known.seq > newest || is_too_far(newest, known.seq) {
            return Ok(false);
        }
        // The log is asked before the promise: it may have been compacted.
        let page = if known.seq < position.oldest {
            match self.page(hub, known.seq).await? {
                Some(page) => page,
                None => return Ok(false),
            }
        } else {
            Vec::new()
        };
        let ch = self.topic.channel();
        let subok = ServerFrame::Subok { id, ch, epoch: position.epoch, seq: newest, n: None };
        socket.send(encode::encode(&subok)).await?;
        self.seen.generation = position.generation;
        self.seen.seq = known.seq;
        self.send_page(socket, &page, position.streams).await?;
        Ok(true)
    }

    /// Returns the newest event: the room's, or the log's when the client is ahead of the room.
    async fn newest_for<B: Backend>(
        &self,
        backend: &B,
        position: &Position,
        seq: i64,
    ) -> Result<i64, Problem> {
        if seq <= position.newest {
            return Ok(position.newest);
        }
        // Its snapshot was read from the log before the events reached the room.
        let head = backend.head(self.topic).await?;
        Ok(if head.epoch == position.epoch { head.seq } else { position.newest })
    }

    /// Brings a reader that fell behind the ring up to it, over the log or by a snapshot (RT-07).
    async fn catch_up<B: Backend>(
        &mut self,
        hub: &Hub<B>,
        socket: &mut Socket,
    ) -> Result<Answered, Failure> {
        for _ in 0..=RESUME_PAGES {
            let position = self.room.position();
            if self.seen.generation != position.generation
                || is_too_far(position.newest, self.seen.seq)
            {
                break;
            }
            if self.seen.seq >= position.oldest {
                return Ok(Answered::Live);
            }
            let Some(page) = self.page(hub, self.seen.seq).await? else { break };
            self.send_page(socket, &page, position.streams).await?;
        }
        self.seen.marks.clear();
        self.send_snapshot(hub, socket, None).await
    }

    /// Reads events after `seq` from the log; `None` when it does not continue there.
    async fn page<B: Backend>(
        &self,
        hub: &Hub<B>,
        seq: i64,
    ) -> Result<Option<Vec<Event>>, Problem> {
        let limit = u64::try_from(limits::EV_FRAME_EVENTS).unwrap_or(u64::MAX);
        let _place = hub.admission.place().await;
        let page = hub.backend().events_after(self.topic, seq, limit).await?;
        let is_whole = page.iter().zip(seq + 1..).all(|(event, expected)| event.seq == expected);
        Ok((is_whole && !page.is_empty()).then_some(page))
    }

    async fn send_page(
        &mut self,
        socket: &mut Socket,
        page: &[Event],
        streams: u64,
    ) -> Result<(), End> {
        let ch = self.topic.channel();
        let mut finals = Finals::default();
        let encoded: Vec<String> = page.iter().map(encode::json).collect();
        let mut rest = encoded.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(frame_len(rest.iter().map(String::len)));
            socket.send(encode::events(&ch, now.iter().map(String::as_str))).await?;
            rest = later;
        }
        for event in page {
            finals.note_ops(&event.ops);
            self.seen.seq = event.seq;
        }
        self.room.end_final(&finals, streams);
        Ok(())
    }

    async fn send_snapshot<B: Backend>(
        &mut self,
        hub: &Hub<B>,
        socket: &mut Socket,
        id: Option<i64>,
    ) -> Result<Answered, Failure> {
        let place = hub.admission.place().await;
        let mut position = self.room.position();
        let snapshot = hub.backend().snapshot(self.topic).await?;
        if snapshot.epoch != position.epoch {
            // The history was replaced under the room: its numbers mean nothing any more.
            self.room.start_anew(hub.backend()).await?;
            position = self.room.position();
        }
        let Snapshot { epoch, seq, state } = snapshot;
        let mut finals = Finals::default();
        finals.note_state(&state);
        let ch = self.topic.channel();
        let snap = ServerFrame::Snap { id, ch: ch.clone(), epoch: epoch.clone(), seq, state };
        let frame = encode::encode(&snap);
        // The peer takes it in its own time: that holds up nobody else.
        drop(place);
        if self.takes_refetch && frame.as_str().len() > limits::SNAP_FRAME_BYTES {
            let url = self.topic.state_path();
            let refetch = ServerFrame::Refetch { id, ch, url, epoch, seq };
            socket.send(encode::encode(&refetch)).await?;
            return Ok(Answered::Elsewhere);
        }
        self.room.end_final(&finals, position.streams);
        self.room.expect(seq);
        self.seen.generation = position.generation;
        self.seen.seq = seq;
        socket.send(frame).await?;
        Ok(Answered::Live)
    }
}

/// Pages of the log that a resume may read before a snapshot is cheaper.
#[expect(clippy::cast_possible_truncation, reason = "a page count, known at compile time")]
const RESUME_PAGES: usize = limits::RESUME_EVENTS as usize / limits::EV_FRAME_EVENTS;

fn is_too_far(newest: i64, seq: i64) -> bool {
    u64::try_from(newest - seq).is_ok_and(|missing| missing > limits::RESUME_EVENTS)
}

async fn send_all(socket: &mut Socket, frames: Vec<Frame>) -> Result<(), End> {
    for frame in frames {
        socket.send(frame).await?;
    }
    Ok(())
}
