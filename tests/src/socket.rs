//! A client of `/ws` that keeps the promises of `docs/realtime.md` and checks the server's.

use crate::{Client, Outcome, PATIENCE};
use anyhow::{Context, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use grove_client::Taken;
use grove_core_api::event::{Event, Op};
use grove_core_api::realtime::presence::PresenceUpdate;
use grove_core_api::realtime::{ClientFrame, Identity, NackCode, ServerFrame};
use grove_core_api::{ErrorCode, version};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::ops::{Deref, DerefMut};
use std::time::Instant;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderName;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// What became of a mutation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mutated {
    /// It is stored as this event.
    Done(i64),
    /// It was refused.
    Refused(NackCode),
}

/// What the client knows of a topic, and how it came to know it.
#[derive(Clone, Debug, Default)]
pub struct View {
    known: grove_client::View,
    /// Events that were applied, in order.
    pub events: Vec<Event>,
    /// How many snapshots came.
    pub snapshots: usize,
    /// Whether the last `sub` was answered with `subok`.
    pub is_resumed: bool,
    /// Text that had been streamed of a message when its final event came.
    pub streamed: BTreeMap<String, String>,
}

impl Deref for View {
    type Target = grove_client::View;

    fn deref(&self) -> &grove_client::View {
        &self.known
    }
}

impl DerefMut for View {
    fn deref_mut(&mut self) -> &mut grove_client::View {
        &mut self.known
    }
}

impl View {
    /// A property of an object.
    #[must_use]
    pub fn property(&self, id: impl ToString, key: &str) -> Option<&Value> {
        self.known.property(&id.to_string(), key)
    }

    /// Applies an event; a gap, or a change of something that is not there, is the server's fault.
    fn apply(&mut self, event: Event) -> Outcome {
        let before = self.seq;
        for op in event.ops.iter().filter(|_| event.seq > before) {
            if let Op::Set { id, k, v, .. } = op {
                if k == "is_streaming" && *v == Value::Bool(false) {
                    let text = self.texts.get(id).cloned().unwrap_or_default();
                    self.streamed.insert(id.clone(), text);
                }
                let is_made = |it: &Op| matches!(it, Op::Put { id: made, .. } if made.as_str() == id.as_str());
                let is_there = self.objects.contains_key(id) || event.ops.iter().any(is_made);
                ensure!(is_there, "{id}: gone");
            }
        }
        match self.known.apply(&event) {
            Taken::Applied => self.events.push(event),
            Taken::Known => {}
            Taken::Gap => bail!("event {} follows {before}", event.seq),
        }
        Ok(())
    }

    /// Rules RT-10 and RT-11: text comes between its two events, without gaps.
    fn stream(&mut self, message: &str, offset: u64, text: &str) -> Outcome {
        let is_streaming = self.property(message, "is_streaming");
        ensure!(
            is_streaming == Some(&Value::Bool(true)),
            "text of {message} outside of its events"
        );
        ensure!(self.known.stream(message, offset, text), "text of {message} at {offset}: a gap");
        Ok(())
    }
}

/// A greeted connection.
#[derive(Debug)]
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// This connection's participant.
    pub peer: String,
    /// Changes with each start of the daemon.
    pub boot: String,
    /// What is known of each topic.
    pub views: BTreeMap<String, View>,
    /// What became of mutations, by their id.
    pub answers: BTreeMap<String, Mutated>,
    /// Participants of boards, by id.
    pub peers: BTreeMap<String, Identity>,
    /// Last cursor of each participant; `None` while it is hidden.
    pub cursors: BTreeMap<String, Option<[f64; 2]>>,
    /// Participants that left.
    pub gone: Vec<String>,
    /// Frames that the server could not use, or topics that it refused.
    pub errors: Vec<(ErrorCode, Option<i64>)>,
    /// Topics whose state is to be read over HTTP, with the address.
    pub refetches: Vec<(String, String)>,
    /// Answers to `ping`.
    pub pongs: Vec<i64>,
    /// Documents: epoch and number of each, by topic.
    pub docs: BTreeMap<String, (String, u32)>,
    /// Binary frames that nobody has taken yet, in order.
    pub binary: VecDeque<Vec<u8>>,
    /// Updates of documents that are dealt with, by topic.
    pub saved: BTreeMap<String, u64>,
    /// What the server said about documents, by topic.
    pub doc_errors: Vec<(String, ErrorCode)>,
    /// Code with which the server closed the connection.
    pub closed: Option<u16>,
    next_sub: i64,
}

impl Socket {
    /// Connects to an instance, with a client's cookie if it has one, and greets.
    ///
    /// # Errors
    /// When the server refuses or answers something else than `welcome`.
    pub async fn open(base: &str, cookie: Option<&str>) -> Outcome<Self> {
        Self::greet(Self::connect(base, cookie, None).await?).await
    }

    /// Connects to an instance as a client, by cookie or token, and greets.
    ///
    /// # Errors
    /// As [`Socket::open`].
    pub async fn of(base: &str, client: &Client) -> Outcome<Self> {
        let headers: Vec<(&str, &str)> = client.credential().into_iter().collect();
        Self::greet(Self::connect_with(base, &headers).await?).await
    }

    async fn greet(stream: WebSocketStream<MaybeTlsStream<TcpStream>>) -> Outcome<Self> {
        let mut socket = Self {
            stream,
            peer: String::new(),
            boot: String::new(),
            views: BTreeMap::new(),
            answers: BTreeMap::new(),
            peers: BTreeMap::new(),
            cursors: BTreeMap::new(),
            gone: Vec::new(),
            errors: Vec::new(),
            refetches: Vec::new(),
            pongs: Vec::new(),
            docs: BTreeMap::new(),
            binary: VecDeque::new(),
            saved: BTreeMap::new(),
            doc_errors: Vec::new(),
            closed: None,
            next_sub: 0,
        };
        let hello = ClientFrame::Hello {
            v: 1,
            app: version::GROVE.into(),
            tab: "test".into(),
            caps: Vec::new(),
        };
        socket.send(&hello).await?;
        socket.until("welcome", |it| (!it.peer.is_empty()).then_some(())).await?;
        Ok(socket)
    }

    /// Opens the bare connection.
    ///
    /// # Errors
    /// When the server refuses the upgrade.
    pub async fn connect(
        base: &str,
        cookie: Option<&str>,
        origin: Option<&str>,
    ) -> Outcome<WebSocketStream<MaybeTlsStream<TcpStream>>> {
        let cookie = cookie.map(|cookie| ("cookie", cookie));
        let origin = origin.map(|origin| ("origin", origin));
        let headers: Vec<(&str, &str)> = cookie.into_iter().chain(origin).collect();
        Self::connect_with(base, &headers).await
    }

    async fn connect_with(
        base: &str,
        headers: &[(&str, &str)],
    ) -> Outcome<WebSocketStream<MaybeTlsStream<TcpStream>>> {
        let url = format!("{}/ws", base.replacen("http://", "ws://", 1));
        let mut request = url.into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", "grove.v1".parse()?);
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes())?;
            request.headers_mut().insert(name, value.parse()?);
        }
        let (stream, response) = connect_async(request).await?;
        let protocol = response.headers().get("sec-websocket-protocol");
        ensure!(protocol.is_some_and(|it| it == "grove.v1"), "no subprotocol: {response:?}");
        Ok(stream)
    }

    /// Sends a frame.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send(&mut self, frame: &ClientFrame) -> Outcome {
        self.send_text(serde_json::to_string(frame)?).await
    }

    /// Sends any text as a frame.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send_text(&mut self, text: String) -> Outcome {
        Ok(self.stream.send(Message::text(text)).await?)
    }

    /// Sends a binary frame.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn send_binary(&mut self, bytes: Vec<u8>) -> Outcome {
        Ok(self.stream.send(Message::binary(bytes)).await?)
    }

    /// Subscribes (from where the client is, when it knows the topic) and waits for the answer.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub async fn subscribe(&mut self, topic: &str) -> Outcome {
        let known = self.views.get(topic).map(|view| (view.epoch.clone(), view.seq));
        self.resume(topic, known).await
    }

    /// Subscribes from a place in the log, and waits for the answer.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub async fn resume(&mut self, topic: &str, known: Option<(String, i64)>) -> Outcome {
        self.next_sub += 1;
        let id = self.next_sub;
        let (epoch, seq) = known.unzip();
        let before = self.views.get(topic).map_or(0, |view| view.snapshots);
        if let (Some(epoch), Some(seq)) = (&epoch, seq) {
            let view = self.views.entry(topic.to_owned()).or_default();
            (view.epoch, view.seq, view.is_resumed) = (epoch.clone(), seq, false);
        }
        self.send(&ClientFrame::Sub { id, ch: topic.to_owned(), epoch, seq, text: None }).await?;
        self.until("an answer to sub", |it| {
            if it.errors.iter().any(|(_, reference)| *reference == Some(id)) {
                return Some(());
            }
            let view = it.views.get(topic)?;
            (view.is_resumed || view.snapshots > before).then_some(())
        })
        .await?;
        if let Some((code, _)) = self.errors.iter().find(|(_, it)| *it == Some(id)) {
            bail!("sub was refused: {}", code.as_str());
        }
        Ok(())
    }

    /// Asks for a topic or document, and says whether it is let in.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn joins(&mut self, topic: &str) -> Outcome<bool> {
        self.next_sub += 1;
        let id = self.next_sub;
        let (epoch, seq, text) = (None, None, None);
        self.send(&ClientFrame::Sub { id, ch: topic.to_owned(), epoch, seq, text }).await?;
        self.until("an answer to sub", |it| {
            if it.errors.iter().any(|(_, reference)| *reference == Some(id)) {
                return Some(false);
            }
            let is_in = it.views.get(topic).is_some_and(|view| view.snapshots > 0);
            (is_in || it.docs.contains_key(topic)).then_some(true)
        })
        .await
    }

    /// What is known of a topic.
    ///
    /// # Errors
    /// When it is not subscribed.
    pub fn view(&self, topic: &str) -> Outcome<&View> {
        self.views.get(topic).with_context(|| format!("{topic} is not subscribed"))
    }

    /// Takes over what another connection knew, as a client does that reconnects.
    pub fn inherit(&mut self, older: &Self) {
        self.views.clone_from(&older.views);
        for view in self.views.values_mut() {
            view.is_resumed = false;
            view.texts.clear();
        }
    }

    /// Sends a mutation and waits for its answer.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn mutate(&mut self, topic: &str, mid: &str, ops: Vec<Op>) -> Outcome<Mutated> {
        self.answers.remove(mid);
        let frame = ClientFrame::Mut { ch: topic.to_owned(), mid: mid.to_owned(), ops };
        self.send(&frame).await?;
        self.until("ack or nack", |it| it.answers.get(mid).cloned()).await
    }

    /// Sends presence.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn point(&mut self, topic: &str, cursor: [f64; 2]) -> Outcome {
        let d = PresenceUpdate { cur: Some(Some(cursor)), ..PresenceUpdate::default() };
        self.send(&ClientFrame::Pres { ch: topic.to_owned(), d }).await
    }

    /// Reads frames until `probe` finds something.
    ///
    /// # Errors
    /// When a frame breaks a rule, the connection ends, or `what` does not come about in time.
    pub async fn until<T>(
        &mut self,
        what: &str,
        mut probe: impl FnMut(&Self) -> Option<T>,
    ) -> Outcome<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = probe(self) {
                return Ok(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match tokio::time::timeout(left, self.stream.next()).await {
                Err(_elapsed) => bail!("this did not come over the socket: {what}"),
                Ok(None) => bail!("the connection ended ({:?}) before: {what}", self.closed),
                Ok(Some(message)) => self.take(message.with_context(|| what.to_owned())?)?,
            }
        }
    }

    /// Reads until the server closes the connection, and returns its code.
    ///
    /// # Errors
    /// When it does not close it in time.
    pub async fn until_closed(&mut self) -> Outcome<Option<u16>> {
        let reading = async {
            while let Some(Ok(message)) = self.stream.next().await {
                self.take(message)?;
            }
            Ok(self.closed)
        };
        tokio::time::timeout(PATIENCE, reading).await.context("the server did not close")?
    }

    fn take(&mut self, message: Message) -> Outcome {
        match message {
            Message::Text(text) => {
                let frame = serde_json::from_str(text.as_str())
                    .with_context(|| format!("not a frame: {text}"))?;
                self.on_frame(frame)
            }
            Message::Close(frame) => {
                self.closed = frame.map(|it| it.code.into());
                Ok(())
            }
            Message::Ping(_) | Message::Pong(_) => Ok(()),
            Message::Binary(bytes) => {
                self.binary.push_back(bytes.to_vec());
                Ok(())
            }
            Message::Frame(_) => bail!("a part of a frame"),
        }
    }

    fn on_frame(&mut self, frame: ServerFrame) -> Outcome {
        match frame {
            ServerFrame::Welcome { peer, boot, .. } => (self.peer, self.boot) = (peer, boot),
            ServerFrame::Snap { ch, epoch, seq, state, .. } => {
                let view = self.views.entry(ch).or_default();
                let snapshots = view.snapshots + 1;
                let texts = BTreeMap::new();
                let known = grove_client::View { epoch, seq, objects: state, texts };
                *view = View { known, snapshots, ..View::default() };
            }
            ServerFrame::Subok { ch, epoch, n: Some(number), .. } => {
                self.docs.insert(ch, (epoch, number));
            }
            ServerFrame::Saved { ch, n } => {
                self.saved.insert(ch, n);
            }
            ServerFrame::Error { code, ch: Some(ch), .. } => self.doc_errors.push((ch, code)),
            ServerFrame::Refetch { ch, url, .. } => self.refetches.push((ch, url)),
            ServerFrame::Subok { ch, epoch, .. } => {
                let view = self.views.entry(ch).or_default();
                ensure!(view.epoch == epoch, "subok of another epoch");
                view.is_resumed = true;
            }
            ServerFrame::Ev { ch, evs } => {
                let view = self.views.get_mut(&ch).with_context(|| format!("{ch}: unknown"))?;
                for event in evs {
                    view.apply(event)?;
                }
            }
            ServerFrame::St { ch, m, o, d } => {
                let view = self.views.get_mut(&ch).with_context(|| format!("{ch}: unknown"))?;
                view.stream(&m, o, &d)?;
            }
            ServerFrame::Ack { mid, seq } => {
                self.answers.insert(mid, Mutated::Done(seq));
            }
            ServerFrame::Nack { mid, code, .. } => {
                self.answers.insert(mid, Mutated::Refused(code));
            }
            ServerFrame::Peers { join, .. } => self.peers.extend(join),
            ServerFrame::Pres { u, gone, .. } => self.on_presence(u, gone)?,
            ServerFrame::Pong { ts } => self.pongs.push(ts),
            ServerFrame::Error { code, reference, .. } => self.errors.push((code, reference)),
        }
        Ok(())
    }

    fn on_presence(
        &mut self,
        updates: BTreeMap<String, PresenceUpdate>,
        gone: Vec<String>,
    ) -> Outcome {
        ensure!(!updates.contains_key(&self.peer), "RT-14: one's own presence came back");
        for (peer, update) in updates {
            if let Some(cursor) = update.cur {
                self.cursors.insert(peer, cursor);
            }
        }
        for peer in gone {
            self.peers.remove(&peer);
            self.cursors.remove(&peer);
            self.gone.push(peer);
        }
        Ok(())
    }
}
