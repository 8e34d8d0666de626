//! One connection: its greeting, its loop, its timers.
//!
//! One task per connection does everything in turn, so that no queue stands between it and the socket:
//! while the peer does not take its frames, nothing is read from it and nothing is kept for it.
//! Deliberately not here: what the client's frames mean (`inbound`).

use super::backend::Backend;
use super::bell::Bell;
use super::docs::DocSubscription;
use super::encode;
use super::hub::Hub;
use super::inbound::{self, Refusal};
use super::presence::PeerId;
use super::rate::Bucket;
use super::revoked::Revoked;
use super::socket::{End, Frame, Inbound, RESTARTS, Socket, WebSocket};
use super::subscription::{Answered, Failure, Known, Subscription};
use grove_core_api::event::Topic;
use grove_core_api::realtime::presence::PresenceUpdate;
use grove_core_api::realtime::{ClientFrame, ServerFrame, close};
use grove_core_api::{DocId, ErrorCode, limits, version};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use tokio::time::{Sleep, sleep_until};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// One connection of one client.
pub(super) struct Connection<B: Backend> {
    pub(super) hub: Arc<Hub<B>>,
    pub(super) caller: B::Caller,
    pub(super) peer: PeerId,
    pub(super) socket: Socket,
    /// Ends when Grove stops, or when the person may not be here any more.
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    pub(super) bell: Arc<Bell>,
    pub(super) topics: BTreeMap<Topic, Box<Subscription>>,
    pub(super) docs: BTreeMap<DocId, Box<DocSubscription<B>>>,
    pub(super) doc_updates: Bucket,
    pub(super) awareness: Bucket,
    pub(super) mutations: Bucket,
    pub(super) presence: Bucket,
    pub(super) waiting_presence: BTreeMap<Topic, Box<PresenceUpdate>>,
    /// Whether the client can read a large state over HTTP.
    pub(super) takes_refetch: bool,
    /// Topics that the person may not read any more.
    revoked: Arc<Revoked>,
    unusable: u32,
    heard_at_ms: u64,
    ping_at_ms: u64,
    /// One timer for the whole life: setting one with each frame would cost more than the frame.
    timer: Pin<Box<Sleep>>,
    timer_at_ms: u64,
}

enum Happening {
    Inbound(Inbound),
    Bell,
    Timer,
}

impl<B: Backend> Connection<B> {
    /// Makes the connection of an upgraded socket.
    pub(super) fn new(
        hub: Arc<Hub<B>>,
        ws: WebSocket,
        caller: B::Caller,
        (peer, ended, revoked): (PeerId, CancellationToken, Arc<Revoked>),
    ) -> Self {
        let now_ms = hub.clock().now_ms();
        let socket = Socket::new(ws, ended.clone());
        let timer_at_ms = now_ms + limits::WS_HELLO_MS;
        let timer = Box::pin(sleep_until(hub.clock().instant(timer_at_ms)));
        Self {
            hub,
            caller,
            peer,
            socket,
            ended: Box::pin(ended.cancelled_owned()),
            bell: revoked.bell(),
            topics: BTreeMap::new(),
            docs: BTreeMap::new(),
            doc_updates: Bucket::new(
                limits::DOC_UPDATES_PER_SEC,
                limits::DOC_UPDATES_BURST,
                now_ms,
            ),
            awareness: Bucket::new(
                limits::DOC_AWARENESS_PER_SEC,
                limits::DOC_AWARENESS_PER_SEC,
                now_ms,
            ),
            mutations: Bucket::new(limits::MUTATIONS_PER_SEC, limits::MUTATIONS_BURST, now_ms),
            presence: Bucket::new(limits::PRESENCE_PER_SEC, limits::PRESENCE_PER_SEC, now_ms),
            waiting_presence: BTreeMap::new(),
            takes_refetch: false,
            revoked,
            unusable: 0,
            heard_at_ms: now_ms,
            ping_at_ms: now_ms + limits::WS_PING_MS,
            timer,
            timer_at_ms,
        }
    }

    /// Serves the connection until it ends, then says why to a peer that is still there.
    ///
    /// # Cancel safety
    /// Not cancel safe: see [`Hub::serve`].
    pub(super) async fn run(mut self: Box<Self>) {
        let end = match Box::pin(self.greet()).await {
            Ok(()) => self.talk().await,
            Err(end) => end,
        };
        // Others see it leave now, not after the closing handshake.
        self.topics.clear();
        self.docs.clear();
        if let End::Close(code, reason) = end {
            tracing::debug!(peer = %self.peer, code, reason, "connection {} closed", self.peer);
            Box::pin(self.socket.close(code, reason)).await;
        }
    }

    /// Waits for `hello`, which must be the first frame and come in time (rule RT-09).
    async fn greet(&mut self) -> Result<(), End> {
        let text = loop {
            tokio::select! {
                inbound = self.socket.receive() => match inbound? {
                    Inbound::Text(text) => break text,
                    Inbound::Alive => {}
                    Inbound::Binary(_) => return Err(NO_HELLO),
                },
                () = &mut self.timer => return Err(NO_HELLO),
                () = &mut self.ended => return Err(RESTARTS),
            }
        };
        match inbound::read(&text) {
            Ok(ClientFrame::Hello { v: version::REALTIME, caps, .. }) => {
                self.takes_refetch = caps.iter().any(|it| it == "refetch");
            }
            Ok(ClientFrame::Hello { .. }) => {
                return Err(End::Close(close::UPGRADE, "reload: another version is spoken here"));
            }
            Ok(_) | Err(_) => return Err(NO_HELLO),
        }
        self.heard_at_ms = self.hub.clock().now_ms();
        self.send(&ServerFrame::Welcome {
            v: version::REALTIME,
            peer: self.peer.to_string(),
            user: self.hub.backend().identity(&self.caller).user.to_string(),
            boot: self.hub.boot().to_owned(),
            app: version::GROVE.to_owned(),
        })
        .await
    }

    async fn talk(&mut self) -> End {
        loop {
            if let Err(end) = self.turn().await {
                return end;
            }
        }
    }

    async fn turn(&mut self) -> Result<(), End> {
        self.set_timer();
        let happening = tokio::select! {
            inbound = self.socket.receive() => Happening::Inbound(inbound?),
            () = self.bell.rung() => Happening::Bell,
            () = &mut self.timer => Happening::Timer,
            () = &mut self.ended => return Err(RESTARTS),
        };
        match happening {
            Happening::Inbound(inbound) => {
                self.heard_at_ms = self.hub.clock().now_ms();
                self.take(inbound).await
            }
            Happening::Bell => self.pump().await,
            Happening::Timer => self.on_time().await,
        }
    }

    /// Sets the timer to an earlier deadline; for a later one it goes off, finds nothing, is set then.
    fn set_timer(&mut self) {
        let at_ms = self.deadline_ms();
        if at_ms < self.timer_at_ms || self.timer.is_elapsed() {
            self.timer_at_ms = at_ms;
            let at = self.hub.clock().instant(at_ms);
            self.timer.as_mut().reset(at);
        }
    }

    async fn take(&mut self, inbound: Inbound) -> Result<(), End> {
        let text = match inbound {
            Inbound::Text(text) => text,
            Inbound::Alive => return Ok(()),
            Inbound::Binary(bytes) => return self.on_binary(&bytes).await,
        };
        match inbound::read(&text) {
            Ok(frame) => self.dispatch(frame, &text).await,
            Err(refusal) => self.refuse(refusal).await,
        }
    }

    async fn dispatch(&mut self, frame: ClientFrame, text: &Frame) -> Result<(), End> {
        match frame {
            ClientFrame::Hello { .. } => {
                self.refuse(Refusal::invalid("`hello` comes once, as the first frame")).await
            }
            // Boxed, like everything that is rare: each connection holds room for what is not.
            ClientFrame::Sub { id, ch, epoch, seq, text } => {
                let known = epoch.zip(seq).map(|(epoch, seq)| Known { epoch, seq });
                Box::pin(self.on_sub(id, &ch, known, text != Some(false))).await
            }
            ClientFrame::Unsub { ch } => self.on_unsub(&ch).await,
            ClientFrame::Mut { ch, mid, ops } => Box::pin(self.on_mut(&ch, mid, ops)).await,
            ClientFrame::Pres { ch, d } => self.on_pres(&ch, d, text.as_str().len()).await,
            ClientFrame::Ping { ts } => self.send(&ServerFrame::Pong { ts }).await,
        }
    }

    /// Sends what is new in each topic that rang.
    async fn pump(&mut self) -> Result<(), End> {
        // First of all, so that nothing more of these topics is sent (rule RT-12).
        if self.revoked.take_recheck() {
            Box::pin(self.ask_again()).await?;
        }
        for topic in self.revoked.take() {
            if self.leave(topic) {
                let (code, ch) = (ErrorCode::Forbidden, Some(topic.channel()));
                let msg = "you may not read this any more".to_owned();
                let refusal = Refusal { code, msg, reference: None, ch, retry_ms: None };
                self.tell(refusal).await?;
            }
        }
        if !self.docs.is_empty() {
            Box::pin(self.pump_docs()).await?;
        }
        let mut moved = Vec::new();
        let Self { hub, topics, socket, .. } = self;
        for (topic, subscription) in topics.iter_mut().filter(|(_, it)| it.take_dirty()) {
            match subscription.pump(hub, socket).await {
                Ok(Answered::Live) => {}
                Ok(Answered::Elsewhere) => moved.push(*topic),
                Err(Failure::End(end)) => return Err(end),
                // Only who joins is sent away.
                Err(Failure::Later(_)) => {}
                // The topic cannot be read on; the client resumes it when it has connected anew.
                Err(Failure::Problem(problem)) => {
                    let code = problem.code.as_str();
                    tracing::warn!(%topic, code, "reading {topic} failed; connection closed");
                    return Err(RESTARTS);
                }
            }
        }
        for topic in moved {
            self.leave(topic);
        }
        Ok(())
    }

    /// Rights were changed: notes the topics that the person may not read any more.
    async fn ask_again(&mut self) -> Result<(), End> {
        let docs = self.docs.keys().map(|doc| Topic::Doc(*doc));
        let topics: Vec<Topic> = self.topics.keys().copied().chain(docs).collect();
        for topic in topics {
            let Err(problem) = self.hub.backend().authorize(&self.caller, topic).await else {
                continue;
            };
            let code = problem.code;
            if !matches!(code, ErrorCode::NotFound | ErrorCode::Forbidden | ErrorCode::Gone) {
                // Whether it may be read is not known: the client connects anew and is asked again.
                let code = code.as_str();
                tracing::warn!(%topic, code, "rights on {topic} not known; connection closed");
                return Err(RESTARTS);
            }
            self.revoked.note(topic);
        }
        Ok(())
    }

    async fn on_time(&mut self) -> Result<(), End> {
        let now_ms = self.hub.clock().now_ms();
        if now_ms >= self.heard_at_ms + limits::WS_DEAD_MS {
            return Err(End::Gone);
        }
        if now_ms >= self.next_ping_ms() {
            self.ping_at_ms = now_ms + limits::WS_PING_MS;
            self.socket.ping().await?;
        }
        self.flush_presence(now_ms);
        self.flush_awareness(now_ms).await
    }

    fn deadline_ms(&self) -> u64 {
        let presence = (!self.waiting_presence.is_empty()).then(|| self.presence.next_at_ms());
        let silence = self.heard_at_ms + limits::WS_DEAD_MS;
        let caret = self.has_waiting_awareness().then(|| self.awareness.next_at_ms());
        let waiting = presence.unwrap_or(u64::MAX).min(caret.unwrap_or(u64::MAX));
        waiting.min(silence).min(self.next_ping_ms())
    }

    /// A peer that spoke lately is alive: it is not asked (rule RT-19).
    fn next_ping_ms(&self) -> u64 {
        self.ping_at_ms.max(self.heard_at_ms + limits::WS_PING_MS)
    }

    /// Tells the client that a frame could not be used; too many such frames end it (rule RT-16).
    pub(super) async fn refuse(&mut self, refusal: Refusal) -> Result<(), End> {
        self.unusable += 1;
        self.tell(refusal).await?;
        if self.unusable > limits::WS_BAD_FRAMES {
            return Err(End::Close(close::PROTOCOL, "too many unusable frames"));
        }
        Ok(())
    }

    /// Tells the client why it does not get what it asked for.
    pub(super) async fn tell(&mut self, refusal: Refusal) -> Result<(), End> {
        let Refusal { code, msg, reference, ch, retry_ms } = refusal;
        self.send(&ServerFrame::Error { code, msg, reference, ch, retry_ms }).await
    }

    /// Sends one frame to this client alone.
    pub(super) async fn send(&mut self, frame: &ServerFrame) -> Result<(), End> {
        self.socket.send(encode::encode(frame)).await
    }
}

const NO_HELLO: End = End::Close(close::PROTOCOL, "say hello first");

impl Refusal {
    /// Makes the refusal of a frame that does not fit the protocol.
    pub(super) fn invalid(msg: impl Into<String>) -> Self {
        let code = ErrorCode::InvalidRequest;
        Self { code, msg: msg.into(), reference: None, ch: None, retry_ms: None }
    }
}
