//! Participants that are connected to other daemons: who they are is told, not found out here.
//!
//! Pure. Their slot is the one that their own daemon gave.

use super::{Participants, PeerId, replacing};
use crate::bus::{NodeId, Peer};

impl PeerId {
    /// Makes the id of a daemon's connection.
    pub(in crate::realtime) fn of(node: NodeId, number: u32) -> Self {
        Self((u64::from(node.0) << 32) | u64::from(number))
    }

    /// The daemon that the participant is connected to.
    pub(in crate::realtime) fn node(self) -> NodeId {
        NodeId(u32::try_from(self.0 >> 32).unwrap_or(u32::MAX))
    }
}

impl Participants {
    /// Returns a participant as other daemons are told of it.
    pub(in crate::realtime) fn told(&self, peer: PeerId) -> Option<Peer> {
        let it = self.by_peer.get(&peer)?;
        Some(Peer { id: peer.0, identity: it.identity.clone(), values: it.values.clone() })
    }

    /// Returns the participants of one daemon.
    pub(in crate::realtime) fn of_node(&self, node: NodeId) -> Vec<PeerId> {
        self.by_peer.keys().copied().filter(|peer| peer.node() == node).collect()
    }

    /// Takes what another daemon tells of its participants; returns whether anything is different.
    pub(in crate::realtime) fn hear(&mut self, from: NodeId, peers: Vec<Peer>) -> bool {
        let mut is_changed = false;
        for Peer { id, identity, values } in peers {
            let peer = PeerId(id);
            // Nobody speaks for the participants of others.
            if peer.node() == from {
                is_changed |= self.seat(peer, identity);
                is_changed |= self.update(peer, replacing(&values));
            }
        }
        is_changed
    }

    /// Removes participants of another daemon; returns whether one of them was there.
    pub(in crate::realtime) fn hear_gone(&mut self, from: NodeId, gone: &[PeerId]) -> bool {
        let mut is_changed = false;
        for peer in gone.iter().filter(|peer| peer.node() == from) {
            is_changed |= self.leave(*peer);
        }
        is_changed
    }
}
