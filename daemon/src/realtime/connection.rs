//! One connection: its greeting, its loop, its timers.
//!
//! One task per connection does everything in turn, so that no queue stands between it and the socket:
//! while the peer does not take its frames, nothing is read from it and nothing is kept for it.
//! Deliberately not here: what the client's frames mean (`inbound`).

use super::backend::Backend;
use super::docs::DocSubscription;
use super::encode;
use super::hub::Hub;
use super::inbound::{self, Refusal};
use super::presence::PeerId;
use super::rate::Bucket;
use super::socket::{End, Frame, Inbound, RESTARTS, Socket, WebSocket};
use super::subscription::{Failure, Subscription};
use grove_core_api::event::Topic;
use grove_core_api::realtime::presence::PresenceUpdate;
use grove_core_api::realtime::{ClientFrame, ServerFrame, close};
use grove_core_api::{DocId, ErrorCode, limits, version};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

/// One connection of one client.
pub(super) struct Connection<B: Backend> {
    pub(super) hub: Arc<Hub<B>>,
    pub(super) caller: B::Caller,
    pub(super) peer: PeerId,
    pub(super) socket: Socket,
    /// Cancelled when Grove stops, or when the person may not be here any more.
    ended: CancellationToken,
    pub(super) bell: Arc<Notify>,
    pub(super) topics: BTreeMap<Topic, Subscription>,
    pub(super) docs: BTreeMap<DocId, DocSubscription<B>>,
    pub(super) doc_updates: Bucket,
    pub(super) awareness: Bucket,
    pub(super) mutations: Bucket,
    pub(super) presence: Bucket,
    pub(super) waiting_presence: BTreeMap<Topic, PresenceUpdate>,
    unusable: u32,
    heard_at_ms: u64,
    ping_at_ms: u64,
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
        (peer, ended): (PeerId, CancellationToken),
    ) -> Self {
        let now_ms = hub.clock().now_ms();
        let socket = Socket::new(ws, ended.clone());
        Self {
            hub,
            caller,
            peer,
            socket,
            ended,
            bell: Arc::new(Notify::new()),
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
            unusable: 0,
            heard_at_ms: now_ms,
            ping_at_ms: now_ms + limits::WS_PING_MS,
        }
    }

    /// Serves the connection until it ends, then says why to a peer that is still there.
    ///
    /// # Cancel safety
    /// Not cancel safe: see [`Hub::serve`].
    pub(super) async fn run(mut self) {
        let end = match self.greet().await {
            Ok(()) => self.talk().await,
            Err(end) => end,
        };
        // Others see it leave now, not after the closing handshake.
        self.topics.clear();
        self.docs.clear();
        if let End::Close(code, reason) = end {
            tracing::debug!(peer = %self.peer, code, reason, "connection {} closed", self.peer);
            self.socket.close(code, reason).await;
        }
    }

    /// Waits for `hello`, which must be the first frame and come in time (rule RT-09).
    async fn greet(&mut self) -> Result<(), End> {
        let clock = self.hub.clock();
        let until = clock.instant(clock.now_ms() + limits::WS_HELLO_MS);
        let text = loop {
            tokio::select! {
                inbound = self.socket.receive() => match inbound? {
                    Inbound::Text(text) => break text,
                    Inbound::Alive => {}
                    Inbound::Binary(_) => return Err(NO_HELLO),
                },
                () = sleep_until(until) => return Err(NO_HELLO),
                () = self.ended.cancelled() => return Err(RESTARTS),
            }
        };
        match inbound::read(&text) {
            Ok(ClientFrame::Hello { v: version::REALTIME, .. }) => {}
            Ok(ClientFrame::Hello { .. }) => {
                return Err(End::Close(close::UPGRADE, "reload: another version is spoken here"));
            }
            Ok(_) | Err(_) => return Err(NO_HELLO),
        }
        self.heard_at_ms = clock.now_ms();
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
        let until = self.hub.clock().instant(self.deadline_ms());
        let happening = tokio::select! {
            inbound = self.socket.receive() => Happening::Inbound(inbound?),
            () = self.bell.notified() => Happening::Bell,
            () = sleep_until(until) => Happening::Timer,
            () = self.ended.cancelled() => return Err(RESTARTS),
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
            ClientFrame::Sub { id, ch, epoch, seq } => self.on_sub(id, &ch, epoch, seq).await,
            ClientFrame::Unsub { ch } => self.on_unsub(&ch).await,
            ClientFrame::Mut { ch, mid, ops } => self.on_mut(&ch, mid, ops).await,
            ClientFrame::Pres { ch, d } => self.on_pres(&ch, d, text.as_str().len()).await,
            ClientFrame::Ping { ts } => self.send(&ServerFrame::Pong { ts }).await,
        }
    }

    /// Sends what is new in each topic that rang.
    async fn pump(&mut self) -> Result<(), End> {
        self.pump_docs().await?;
        let dirty: Vec<Topic> = self
            .topics
            .iter()
            .filter(|(_, subscription)| subscription.take_dirty())
            .map(|(topic, _)| *topic)
            .collect();
        for topic in dirty {
            let Some(subscription) = self.topics.get_mut(&topic) else { continue };
            match subscription.pump(self.hub.backend(), &mut self.socket).await {
                Ok(()) => {}
                Err(Failure::End(end)) => return Err(end),
                // The topic cannot be read on; the client resumes it when it has connected anew.
                Err(Failure::Problem(problem)) => {
                    let code = problem.code.as_str();
                    tracing::warn!(%topic, code, "reading {topic} failed; connection closed");
                    return Err(RESTARTS);
                }
            }
        }
        Ok(())
    }

    async fn on_time(&mut self) -> Result<(), End> {
        let now_ms = self.hub.clock().now_ms();
        if now_ms >= self.heard_at_ms + limits::WS_DEAD_MS {
            return Err(End::Gone);
        }
        if now_ms >= self.ping_at_ms {
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
        waiting.min(silence).min(self.ping_at_ms)
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
        let Refusal { code, msg, reference, ch } = refusal;
        self.send(&ServerFrame::Error { code, msg, reference, ch }).await
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
        Self { code: ErrorCode::InvalidRequest, msg: msg.into(), reference: None, ch: None }
    }
}
