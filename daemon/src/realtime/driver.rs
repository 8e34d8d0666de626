//! What happens in a room without anybody asking: ticks, reading the log for a missing event, its end.
//!
//! One driver per room, on the hub's tracker; it ends with the room or with the daemon.

use super::backend::Backend;
use super::hub::Hub;
use super::live::{LiveRoom, Reloaded, Step};
use grove_core_api::limits;
use std::sync::Arc;

/// Drives a room until it is dropped or the daemon stops.
///
/// # Cancel safety
/// Cancel safe; a room without driver is never ticked, so only the runtime's end may cancel it.
pub(super) async fn drive<B: Backend>(hub: Arc<Hub<B>>, room: Arc<LiveRoom>) {
    loop {
        tokio::select! {
            () = room.changed() => {}
            () = hub.shutdown().cancelled() => return,
        }
        match room.advance() {
            Step::Wait => {}
            Step::Reload => reload(hub.backend(), &room).await,
            Step::Idle => {
                if hub.drop_room(&room) {
                    return;
                }
            }
        }
    }
}

/// Reads the log from where the room stands to its end (rule RT-04).
async fn reload<B: Backend>(backend: &B, room: &LiveRoom) {
    let topic = room.topic();
    loop {
        let after = room.position().newest;
        let limit = u64::try_from(limits::EV_FRAME_EVENTS).unwrap_or(u64::MAX);
        let is_broken = match backend.events_after(topic, after, limit).await {
            Ok(events) => {
                let is_whole = events.len() < limits::EV_FRAME_EVENTS;
                match room.reloaded(&events, is_whole) {
                    Reloaded::Partly => continue,
                    Reloaded::Done => false,
                    Reloaded::Broken => true,
                }
            }
            Err(problem) => {
                tracing::warn!(%topic, code = problem.code.as_str(), "log of {topic} not readable");
                !room.reload_failed()
            }
        };
        if !is_broken {
            return;
        }
        tracing::warn!(%topic, after, "log of {topic} does not continue; the room starts anew");
        if let Err(problem) = room.start_anew(backend).await {
            tracing::warn!(%topic, code = problem.code.as_str(), "head of {topic} not readable");
        }
        return;
    }
}
