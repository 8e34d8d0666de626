//! Agents in a room: participants without a connection.
//!
//! The daemon where an agent works seats it; others hear of it as of any participant.

use super::{LiveRoom, State, locked};
use crate::realtime::agents::{Step, beside};
use crate::realtime::backend::AgentAt;
use crate::realtime::presence::PeerId;
use grove_core_api::SessionId;
use grove_core_api::event::Op;
use grove_core_api::realtime::Identity;
use grove_core_api::realtime::presence::PresenceUpdate;
use std::sync::atomic::Ordering;

impl LiveRoom {
    /// Shows an agent at an object.
    pub(in crate::realtime) fn show_agent(&self, agent: AgentAt) {
        let AgentAt { session, who, object, pos } = agent;
        let fresh = || {
            let number = self.newest_peer.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            PeerId::of(self.bus.node(), number)
        };
        {
            let state = &mut *locked(&self.state);
            let seat = state.agents.seat(&session.to_string(), object, fresh);
            let Some((peer, is_new)) = seat else { return };
            if is_new {
                let identity = Identity {
                    user: who.user.to_string(),
                    name: who.name,
                    emoji: who.emoji,
                    slot: who.slot,
                    is_agent: true,
                };
                state.participants.join(peer, identity);
                state.afar.changes(peer);
            }
            state.step(Step::Move(peer, Some(beside(pos))));
        }
        self.announce();
    }

    /// Takes an agent off the board.
    pub(in crate::realtime) fn hide_agent(&self, session: SessionId) {
        let is_gone = {
            let state = &mut *locked(&self.state);
            let peer = state.agents.leave(&session.to_string());
            peer.is_some_and(|peer| state.step(Step::Leave(peer)))
        };
        if is_gone {
            self.announce();
        }
    }

    /// Whether an agent is shown at an object already.
    pub(in crate::realtime) fn has_agent_at(&self, session: SessionId, object: &str) -> bool {
        locked(&self.state).agents.is_at(&session.to_string(), object)
    }
}

impl State {
    /// Runs `act` on the events, with what has to hear of each in its order; returns what came of it,
    /// and whether agents are elsewhere now.
    pub(super) fn in_order<T>(
        &mut self,
        act: impl FnOnce(&mut super::Room, &mut dyn FnMut(&[Op])) -> T,
    ) -> (T, bool) {
        let Self { room, streams, agents, .. } = self;
        let mut steps = Vec::new();
        let done = act(room, &mut |ops| {
            streams.end_by(ops);
            agents.follow(ops, &mut steps);
        });
        let mut is_moved = false;
        for step in steps {
            is_moved |= self.step(step);
        }
        (done, is_moved)
    }

    /// Shows what became of an agent; returns whether anything is different.
    fn step(&mut self, step: Step) -> bool {
        match step {
            Step::Leave(peer) => {
                self.afar.leaves(peer);
                self.participants.leave(peer)
            }
            Step::Move(peer, pos) => {
                self.afar.changes(peer);
                let update = PresenceUpdate { cur: Some(pos), ..PresenceUpdate::default() };
                self.participants.update(peer, update)
            }
        }
    }
}
