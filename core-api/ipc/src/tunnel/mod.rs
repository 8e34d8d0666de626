//! Byte streams over the connection: bounded, each with a window of its own (rules IPC-21 to IPC-25).
//!
//! A side's handler gives every notification of a tunnel to [`Tunnels::take`], which never waits: a
//! tunnel that nobody reads holds up nothing but itself. Deliberately absent: where tunnels lead and
//! who may open one.

mod relay;
mod window;

pub use relay::{RelayEnd, Traffic, relay};

use crate::error::CallError;
use crate::handler::{Raw, params};
use crate::peer::Peer;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use grove_core_api::ipc::Notification;
use grove_core_api::ipc::tunnel::{
    CloseTunnel, OpenTunnel, TunnelCredit, TunnelData, TunnelEnd, TunnelTarget,
};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use window::{Inlet, Outlet};

/// Why there is no tunnel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// As many as may be are open.
    #[error("too many tunnels are open")]
    Full,
    /// The number belongs to a tunnel that is open.
    #[error("a tunnel of this number is open")]
    InUse,
    /// The other side refused, or did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
}

/// What comes out of a tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// Bytes; say [`Tunnel::passed`] once they are where they belong.
    Bytes(Bytes),
    /// The other side sends nothing more.
    Finished,
    /// The tunnel is gone.
    Broken,
}

#[derive(Debug, Default)]
struct State {
    inlet: Inlet,
    outlet: Outlet,
    is_finished_by_them: bool,
    is_finished_by_us: bool,
}

/// One tunnel, as the notifications that come in see it.
#[derive(Debug, Default)]
struct Pipe {
    state: Mutex<State>,
    readable: Notify,
    writable: Notify,
    broken: CancellationToken,
}

impl Pipe {
    fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole after each statement, so a poisoned lock can be used.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn break_off(&self) {
        self.broken.cancel();
    }

    fn is_broken(&self) -> bool {
        self.broken.is_cancelled()
    }
}

struct Table {
    peer: OnceLock<Peer>,
    open: Mutex<HashMap<u64, Arc<Pipe>>>,
    newest: AtomicU64,
    most: usize,
}

impl Table {
    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<Pipe>>> {
        // The map is whole after each statement, so a poisoned lock can be used.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tunnels of one connection. Clones share them.
#[derive(Clone)]
pub struct Tunnels {
    table: Arc<Table>,
}

impl fmt::Debug for Tunnels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnels").field("open", &self.len()).finish_non_exhaustive()
    }
}

impl Tunnels {
    /// Makes a table for at most so many tunnels; it is of use once it is bound to a connection.
    #[must_use]
    pub fn new(most: usize) -> Self {
        let table = Table {
            peer: OnceLock::new(),
            open: Mutex::default(),
            newest: AtomicU64::new(0),
            most,
        };
        Self { table: Arc::new(table) }
    }

    /// Says which connection the tunnels use, before its driver runs. Only the first call counts.
    pub fn bind(&self, peer: Peer) {
        if self.table.peer.set(peer).is_err() {
            tracing::error!("tunnels were bound to two connections");
        }
    }

    /// How many are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.open().len()
    }

    /// Whether none is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the connection can carry no tunnel: it has ended, or there is none yet.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.table.peer.get().is_none_or(Peer::is_closed)
    }

    /// Makes a tunnel that the other side has asked for.
    ///
    /// # Errors
    /// `Full` or `InUse`.
    pub fn add(&self, id: u64) -> Result<Tunnel, OpenError> {
        let peer = self.table.peer.get().ok_or(CallError::Closed)?.clone();
        let mut open = self.table.open();
        if open.contains_key(&id) {
            return Err(OpenError::InUse);
        }
        if open.len() >= self.table.most {
            return Err(OpenError::Full);
        }
        let pipe = Arc::new(Pipe::default());
        open.insert(id, Arc::clone(&pipe));
        drop(open);
        Ok(Tunnel { id, pipe, peer, table: Arc::clone(&self.table) })
    }

    /// Asks the other side for a tunnel.
    ///
    /// # Errors
    /// `Full`, or what became of the request.
    ///
    /// # Cancel safety
    /// Dropping the future closes the tunnel at both ends.
    pub async fn open(&self, target: TunnelTarget, time: Duration) -> Result<Tunnel, OpenError> {
        let id = self.table.newest.fetch_add(1, Ordering::Relaxed) + 1;
        let tunnel = self.add(id)?;
        let asked = tunnel.peer.request_within(OpenTunnel { tunnel: id, target }, time).await;
        match asked {
            Ok(_) => Ok(tunnel),
            Err(error) => {
                if matches!(error, CallError::Remote(_)) {
                    tunnel.forget();
                }
                Err(error.into())
            }
        }
    }

    /// Whether a notification is one of a tunnel.
    #[must_use]
    pub fn is_theirs(method: &str) -> bool {
        [TunnelData::NAME, TunnelCredit::NAME, CloseTunnel::NAME].contains(&method)
    }

    /// Takes a notification of a tunnel. Never waits; a side that does not keep to the window loses
    /// the tunnel.
    pub fn take(&self, method: &str, raw: Option<Raw>) {
        let problem = match method {
            TunnelData::NAME => params(raw).map(|it| self.data(&it)),
            TunnelCredit::NAME => params(raw).map(|it| self.credit(it)),
            CloseTunnel::NAME => params(raw).map(|it| self.close(it)),
            _ => Ok(()),
        };
        if let Err(error) = problem {
            tracing::warn!(method, %error, "line of a tunnel that cannot be read");
        }
    }

    /// A tunnel that is not there any more may still be talked to for a moment.
    fn find(&self, id: u64) -> Option<Arc<Pipe>> {
        self.table.open().get(&id).cloned()
    }

    fn data(&self, data: &TunnelData) {
        let Some(pipe) = self.find(data.tunnel) else { return };
        let mut state = pipe.state();
        let accepted = STANDARD.decode(&data.data).ok().filter(|_| !state.is_finished_by_them);
        let is_ok = accepted.is_some_and(|bytes| state.inlet.accept(&bytes).is_ok());
        drop(state);
        if is_ok { pipe.readable.notify_one() } else { self.refuse(data.tunnel, &pipe) }
    }

    fn credit(&self, credit: TunnelCredit) {
        let Some(pipe) = self.find(credit.tunnel) else { return };
        let earned = pipe.state().outlet.earn(credit.bytes);
        match earned {
            Ok(()) => pipe.writable.notify_one(),
            Err(window::Violation) => self.refuse(credit.tunnel, &pipe),
        }
    }

    fn close(&self, close: CloseTunnel) {
        let Some(pipe) = self.find(close.tunnel) else { return };
        match close.end {
            TunnelEnd::Finished => {
                pipe.state().is_finished_by_them = true;
                pipe.readable.notify_one();
            }
            TunnelEnd::Reset => {
                self.table.open().remove(&close.tunnel);
                pipe.break_off();
            }
        }
    }

    fn refuse(&self, id: u64, pipe: &Pipe) {
        tracing::warn!(tunnel = id, "a tunnel does not keep to its window");
        self.table.open().remove(&id);
        pipe.break_off();
        if let Some(peer) = self.table.peer.get() {
            peer.notify_now(&CloseTunnel { tunnel: id, end: TunnelEnd::Reset });
        }
    }
}

/// One end of a tunnel. Dropping it before both sides have finished resets the tunnel.
pub struct Tunnel {
    id: u64,
    pipe: Arc<Pipe>,
    peer: Peer,
    table: Arc<Table>,
}

impl fmt::Debug for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunnel").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Tunnel {
    /// Lets go of a tunnel that the other side has never had: no reset follows.
    pub fn forget(self) {
        self.pipe.break_off();
    }

    /// Waits for bytes, at most a piece.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn receive(&self) -> Received {
        let look = || {
            let mut state = self.pipe.state();
            let bytes = state.inlet.take().map(Received::Bytes);
            bytes.or_else(|| state.is_finished_by_them.then_some(Received::Finished))
        };
        self.until(&self.pipe.readable, look).await.unwrap_or(Received::Broken)
    }

    /// Says that received bytes have been passed on, so that more may come.
    pub fn passed(&self, bytes: usize) {
        let credit = {
            let mut state = self.pipe.state();
            let credit = state.inlet.passed(bytes);
            credit.filter(|_| !state.is_finished_by_them)
        };
        if let Some(bytes) = credit.filter(|_| !self.pipe.is_broken()) {
            self.peer.notify_now(&TunnelCredit { tunnel: self.id, bytes });
        }
    }

    /// Waits until something may be sent, and returns how many bytes; `None` when the tunnel is gone.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn room(&self) -> Option<usize> {
        let look = || {
            let room = self.pipe.state().outlet.room();
            (room > 0).then_some(room)
        };
        self.until(&self.pipe.writable, look).await
    }

    /// Sends bytes, at most as many as there is room for.
    ///
    /// # Errors
    /// `Closed` when the tunnel is gone, `TooLarge` when there is no room for so many.
    ///
    /// # Cancel safety
    /// Not cancel safe: the bytes may or may not be sent; reset the tunnel afterwards.
    pub async fn send(&self, bytes: &[u8]) -> Result<(), CallError> {
        {
            let mut state = self.pipe.state();
            if self.pipe.is_broken() || state.is_finished_by_us {
                return Err(CallError::Closed);
            }
            let spent = state.outlet.spend(bytes.len());
            spent.map_err(|_violation| CallError::TooLarge(bytes.len()))?;
        }
        let data = TunnelData { tunnel: self.id, data: STANDARD.encode(bytes) };
        self.peer.stream(&data).await
    }

    /// Says that nothing more comes from this side.
    ///
    /// # Errors
    /// `Closed` when the tunnel is gone.
    ///
    /// # Cancel safety
    /// As [`Tunnel::send`].
    pub async fn finish(&self) -> Result<(), CallError> {
        if self.pipe.is_broken() {
            return Err(CallError::Closed);
        }
        self.peer.stream(&CloseTunnel { tunnel: self.id, end: TunnelEnd::Finished }).await?;
        self.pipe.state().is_finished_by_us = true;
        Ok(())
    }

    /// Waits until the tunnel or its connection is gone.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub async fn broken(&self) {
        tokio::select! {
            () = self.pipe.broken.cancelled() => {}
            () = self.peer.closed() => {}
        }
    }

    /// Looks again at each change; `None` when the tunnel is gone.
    async fn until<T>(&self, changed: &Notify, look: impl Fn() -> Option<T>) -> Option<T> {
        loop {
            if self.pipe.is_broken() {
                return None;
            }
            if let Some(found) = look() {
                return Some(found);
            }
            tokio::select! {
                () = changed.notified() => {}
                () = self.broken() => return None,
            }
        }
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        let removed = {
            let mut open = self.table.open();
            // Whoever was reset may have made room for another tunnel of the same number.
            let is_ours = open.get(&self.id).is_some_and(|it| Arc::ptr_eq(it, &self.pipe));
            if is_ours { open.remove(&self.id) } else { None }
        };
        let state = self.pipe.state();
        let is_finished = state.is_finished_by_us && state.is_finished_by_them;
        drop(state);
        let is_over = is_finished || self.pipe.is_broken();
        if removed.is_some() && !is_over {
            self.peer.notify_now(&CloseTunnel { tunnel: self.id, end: TunnelEnd::Reset });
        }
    }
}
