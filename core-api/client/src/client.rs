//! A client that stays connected: a core, a connection, and another one when it breaks.
//!
//! Nothing runs by itself: whoever awaits [`Client::next`] moves it, and a client that nobody awaits
//! reads nothing, which is how a slow one comes about. Deliberately not here: what frames mean
//! (`core`).

use crate::core::{Core, Effect, Notice, Rejected};
use crate::link::{Link, LinkError, Place};
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use grove_core_api::event::Op;
use grove_core_api::limits;
use grove_core_api::realtime::presence::PresenceUpdate;
use grove_core_api::realtime::{ClientFrame, ServerFrame, close};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Why a client gives up.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// The server does not want this client; trying again does not help.
    #[error(transparent)]
    Refused(LinkError),
    /// The server closed the connection for a reason that stays.
    #[error("the server ended it with code {0}")]
    Closed(u16),
}

/// A client of one instance at a time.
#[derive(Debug)]
pub struct Client {
    places: Vec<Place>,
    /// Which of the places is used, counted on over all of them.
    turn: usize,
    core: Core,
    link: Option<Link>,
    outbox: VecDeque<ClientFrame>,
    notices: VecDeque<Notice>,
    pauses: ExponentialBackoff,
    connect_at: Instant,
    started: Instant,
}

enum Happening {
    Frame(Result<ServerFrame, LinkError>),
    Time,
}

impl Client {
    /// Makes a client that connects to the first of the places that answers; when a connection
    /// breaks the next one has its turn. `tab` tells windows of one person apart.
    #[must_use]
    pub fn new(places: Vec<Place>, tab: impl Into<String>) -> Self {
        let now = Instant::now();
        Self {
            places,
            turn: 0,
            core: Core::new(tab),
            link: None,
            outbox: VecDeque::new(),
            notices: VecDeque::new(),
            pauses: pauses(),
            connect_at: now,
            started: now,
        }
    }

    /// Returns what the client knows.
    #[must_use]
    pub fn core(&self) -> &Core {
        &self.core
    }

    /// Returns whether there is a connection.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.link.is_some()
    }

    /// Follows a topic from now on.
    pub fn subscribe(&mut self, topic: &str) {
        let effects = self.core.subscribe(topic);
        self.keep(effects);
    }

    /// Leaves a topic.
    pub fn unsubscribe(&mut self, topic: &str) {
        let effects = self.core.unsubscribe(topic);
        self.keep(effects);
    }

    /// Changes a board; [`Notice::Stored`] or [`Notice::Refused`] tells what became of it.
    ///
    /// # Errors
    /// See [`Rejected`].
    pub fn mutate(&mut self, topic: &str, mid: &str, ops: Vec<Op>) -> Result<(), Rejected> {
        let effects = self.core.mutate(topic, mid, ops, self.now_ms())?;
        self.keep(effects);
        Ok(())
    }

    /// Tells where one points.
    pub fn present(&mut self, topic: &str, update: PresenceUpdate) {
        let effects = self.core.present(topic, update);
        self.keep(effects);
    }

    /// Breaks the connection off without a word; the next [`Client::next`] makes another.
    pub fn break_off(&mut self) {
        if self.link.take().is_some() {
            self.lost(None);
        }
    }

    /// Waits for the next news, and does whatever is to be done meanwhile.
    ///
    /// # Errors
    /// When trying again cannot help.
    ///
    /// # Cancel safety
    /// Cancel safe: what was queued, read or learned is kept for the next call; only a connection that
    /// was being made is given up.
    pub async fn next(&mut self) -> Result<Notice, Ended> {
        loop {
            if let Some(notice) = self.notices.pop_front() {
                return Ok(notice);
            }
            let Some(link) = &mut self.link else {
                self.connect().await?;
                continue;
            };
            let sent = send(link, &mut self.outbox).await;
            let heard = match sent {
                Ok(()) => self.listen().await,
                Err(error) => Err(error),
            };
            if let Err(error) = heard {
                self.link = None;
                self.broken(error)?;
            }
        }
    }

    async fn listen(&mut self) -> Result<(), LinkError> {
        let Some(link) = &mut self.link else { return Ok(()) };
        let deadline = self.core.deadline().map(|at| self.started + Duration::from_millis(at));
        let happening = tokio::select! {
            frame = link.next() => Happening::Frame(frame),
            () = until(deadline) => Happening::Time,
        };
        let now_ms = self.now_ms();
        let effects = match happening {
            Happening::Frame(frame) => self.core.take(frame?, now_ms),
            Happening::Time => self.core.advance(now_ms),
        };
        if effects.iter().any(|it| matches!(it, Effect::Tell(Notice::Greeted { .. }))) {
            self.pauses = pauses();
        }
        if self.keep(effects) { Err(LinkError::Closed(None)) } else { Ok(()) }
    }

    async fn connect(&mut self) -> Result<(), Ended> {
        sleep_until(self.connect_at).await;
        let Some(place) = self.places.get(self.turn % self.places.len().max(1)) else {
            return Err(Ended::Refused(LinkError::Address("nowhere".to_owned())));
        };
        // Set before the attempt, so that one that is dropped is paced too.
        let pause = self.pauses.next().unwrap_or(LONGEST);
        self.connect_at = Instant::now() + pause;
        match Link::open(place).await {
            Ok(link) => {
                let effects = self.core.connected(self.now_ms());
                self.outbox.clear();
                self.keep(effects);
                self.link = Some(link);
                Ok(())
            }
            Err(LinkError::Refused(status)) if status.is_client_error() => {
                Err(Ended::Refused(LinkError::Refused(status)))
            }
            Err(error @ LinkError::Address(_)) => Err(Ended::Refused(error)),
            Err(_) => {
                self.turn = self.turn.wrapping_add(1);
                Ok(())
            }
        }
    }

    fn broken(&mut self, error: LinkError) -> Result<(), Ended> {
        let code = match error {
            LinkError::Closed(code) => code,
            LinkError::Refused(_)
            | LinkError::Address(_)
            | LinkError::Silent
            | LinkError::Broken(_) => None,
            // Another version is spoken: coming back does not help.
            LinkError::Unusable(_) => return Err(Ended::Refused(error)),
        };
        self.lost(code);
        match code {
            Some(code @ (close::UNAUTHENTICATED | close::FORBIDDEN | close::UPGRADE)) => {
                Err(Ended::Closed(code))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn lost(&mut self, code: Option<u16>) {
        self.core.disconnected();
        self.outbox.clear();
        self.turn = self.turn.wrapping_add(1);
        self.connect_at = Instant::now() + self.pauses.next().unwrap_or(LONGEST);
        self.notices.push_back(Notice::Lost(code));
    }

    /// Keeps what is to be sent and told; returns whether the connection is to be given up.
    fn keep(&mut self, effects: Vec<Effect>) -> bool {
        let mut is_over = false;
        for effect in effects {
            match effect {
                Effect::Send(frame) => self.outbox.push_back(frame),
                Effect::Tell(notice) => self.notices.push_back(notice),
                Effect::Reconnect => is_over = true,
            }
        }
        is_over
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

const LONGEST: Duration = Duration::from_millis(limits::CLIENT_PAUSE_MAX_MS);

/// Pauses between attempts: they grow, and differ between clients, so that a restart is no storm.
fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(limits::CLIENT_PAUSE_MS))
        .with_max_delay(LONGEST)
        .without_max_times()
        .with_jitter()
        .build()
}

async fn send(link: &mut Link, outbox: &mut VecDeque<ClientFrame>) -> Result<(), LinkError> {
    while let Some(frame) = outbox.front() {
        link.queue(frame).await?;
        outbox.pop_front();
    }
    link.flush().await
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
