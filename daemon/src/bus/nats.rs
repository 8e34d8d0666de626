//! The bus over a NATS server: one subject per topic below the instance's own.
//!
//! Everything that a daemon says goes through one bounded queue, so that whoever publishes never
//! waits and the order stays; while the server is away the queue is emptied unsent. Core NATS without
//! persistence is enough, because the database is the log. Deliberately not here: a second try.

use super::{Bus, Inbox, Message, NodeId, Standing};
use async_nats::connection::State;
use async_nats::{Client, ConnectOptions, Event};
use bytes::Bytes;
use futures_util::StreamExt;
use grove_core_api::{Secret, limits};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Who asks NATS: the settings and the tasks of this daemon.
pub(crate) struct Joining<'a> {
    /// URL of the server, with credentials if it wants some.
    pub(crate) url: &'a Secret,
    /// What tells instances on one server apart.
    pub(crate) instance: String,
    /// Name of this daemon.
    pub(crate) name: String,
    /// This run of it.
    pub(crate) node: NodeId,
}

/// A bus over NATS.
#[derive(Debug)]
pub(crate) struct Nats {
    node: NodeId,
    name: String,
    client: Client,
    queue: mpsc::Sender<Message>,
    lost: AtomicU64,
}

#[derive(Serialize, Deserialize)]
struct Envelope<M> {
    from: NodeId,
    message: M,
}

/// Part of a subject that stands for no topic.
const NODE: &str = "node";

impl Nats {
    /// Joins the other daemons; a server that does not answer yet is tried again and again.
    ///
    /// # Errors
    /// When the URL cannot be used.
    pub(crate) async fn join(
        joining: Joining<'_>,
        spawner: &TaskTracker,
        shutdown: CancellationToken,
    ) -> Result<(Self, Inbox), async_nats::ConnectError> {
        let Joining { url, instance, name, node } = joining;
        let client = ConnectOptions::new()
            .name(format!("groved {name}"))
            .no_echo()
            .retry_on_initial_connect()
            .connection_timeout(Duration::from_millis(limits::BUS_CONNECT_MS))
            .ping_interval(Duration::from_millis(limits::BUS_PING_MS))
            .reconnect_delay_callback(|_| Duration::from_millis(limits::BUS_RECONNECT_MS))
            .event_callback(|event| async move { tell(&event) })
            .connect(url.expose())
            .await?;
        let (queue, outgoing) = mpsc::channel(limits::BUS_QUEUE);
        let (sender, inbox) = mpsc::channel(limits::BUS_QUEUE);
        let subject = format!("grove.{instance}");
        let (writer, own) = (client.clone(), subject.clone());
        spawner.spawn(write(writer, own, node, outgoing, shutdown.clone()));
        spawner.spawn(read(client.clone(), subject, node, sender, shutdown));
        Ok((Self { node, name, client, queue, lost: AtomicU64::new(0) }, inbox))
    }
}

impl Bus for Nats {
    fn node(&self) -> NodeId {
        self.node
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn publish(&self, message: Message) {
        if self.queue.try_send(message).is_err() {
            let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
            // Once at first, then ever more rarely.
            if lost.is_power_of_two() {
                tracing::warn!(lost, "messages to other daemons found no room");
            }
        }
    }

    fn standing(&self) -> Standing {
        match self.client.connection_state() {
            State::Connected => Standing::Open,
            State::Pending | State::Disconnected => Standing::Interrupted,
        }
    }
}

fn tell(event: &Event) {
    match event {
        Event::Connected => tracing::info!("connected to NATS"),
        Event::Disconnected => tracing::warn!("the connection to NATS is lost"),
        Event::LameDuckMode
        | Event::Draining
        | Event::Closed
        | Event::SlowConsumer(_)
        | Event::ServerError(_)
        | Event::ClientError(_) => tracing::debug!(%event, "NATS"),
    }
}

/// Sends what is published; at the end of the daemon what still waits goes out first.
async fn write(
    client: Client,
    subject: String,
    node: NodeId,
    mut outgoing: mpsc::Receiver<Message>,
    shutdown: CancellationToken,
) {
    let end = async {
        shutdown.cancelled().await;
        tokio::time::sleep(Duration::from_millis(limits::BUS_END_MS)).await;
    };
    tokio::pin!(end);
    loop {
        let message = tokio::select! {
            message = outgoing.recv() => message,
            () = &mut end => return,
        };
        let Some(message) = message else { return };
        if client.connection_state() != State::Connected {
            // It would be late when it arrives; the others look at the database.
            continue;
        }
        let is_last = message == Message::Left;
        send(&client, &subject, node, message).await;
        if is_last {
            if let Err(error) = client.flush().await {
                tracing::debug!(%error, "the others notice by the silence that this daemon ends");
            }
            return;
        }
    }
}

async fn send(client: &Client, subject: &str, node: NodeId, mut message: Message) {
    let mut payload = encode(node, &message);
    if payload.len() > client.max_payload() {
        let Some(short) = message.in_short() else {
            tracing::warn!(bytes = payload.len(), "a message to other daemons is too large");
            return;
        };
        message = short;
        payload = encode(node, &message);
    }
    let topic = message.topic();
    let subject = format!("{subject}.{}", topic.as_deref().unwrap_or(NODE));
    if let Err(error) = client.publish(subject, payload).await {
        tracing::debug!(%error, "failed to tell other daemons");
    }
}

fn encode(from: NodeId, message: &Message) -> Bytes {
    // These types have no value that JSON cannot hold; an empty payload is passed over.
    serde_json::to_vec(&Envelope { from, message }).unwrap_or_default().into()
}

async fn read(
    client: Client,
    subject: String,
    node: NodeId,
    sender: mpsc::Sender<(NodeId, Message)>,
    shutdown: CancellationToken,
) {
    let mut incoming = match client.subscribe(format!("{subject}.>")).await {
        Ok(incoming) => incoming,
        Err(error) => {
            tracing::error!(%error, "failed to listen to other daemons");
            return;
        }
    };
    loop {
        let received = tokio::select! {
            received = incoming.next() => received,
            () = shutdown.cancelled() => return,
        };
        let Some(received) = received else { return };
        match serde_json::from_slice::<Envelope<Message>>(&received.payload) {
            Ok(Envelope { from, .. }) if from == node => {}
            Ok(Envelope { from, message }) => {
                // While the inbox is full NATS keeps some, and then drops: the gap is noticed.
                if sender.send((from, message)).await.is_err() {
                    return;
                }
            }
            Err(error) => tracing::debug!(%error, "a message that no daemon of this version sends"),
        }
    }
}
