//! Which agents are on one board, and at which object each of them is.
//!
//! Pure. An agent sits where the newest thing happened that it did: at its own card, or at an object
//! that it touched. It goes with its object when that is moved, and leaves when the log says that it
//! works no more. Deliberately not here: what people see of it (`presence`), and who finds out.

use super::presence::PeerId;
use grove_core_api::event::Op;
use grove_core_api::limits;
use grove_core_api::rest::sessions::RunState;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Debug)]
struct Seat {
    peer: PeerId,
    /// The object that it is at.
    object: String,
}

/// What follows from an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// The participant is gone.
    Leave(PeerId),
    /// The participant is elsewhere, or its object is gone.
    Move(PeerId, Option<[f64; 2]>),
}

/// The agents of a board, by their session.
#[derive(Debug, Default)]
pub(super) struct Agents {
    seats: BTreeMap<String, Seat>,
}

/// Where an agent points, seen from the corner of an object.
const BESIDE: [f64; 2] = [-14.0, -10.0];

/// The place beside an object.
pub(super) fn beside(pos: [f64; 2]) -> [f64; 2] {
    [pos[0] + BESIDE[0], pos[1] + BESIDE[1]]
}

impl Agents {
    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// Whether an agent is at an object already.
    pub(super) fn is_at(&self, session: &str, object: &str) -> bool {
        self.seats.get(session).is_some_and(|it| it.object == object)
    }

    /// Puts an agent at an object; returns its participant and whether it is new. `None`: the board
    /// shows no more agents.
    pub(super) fn seat(
        &mut self,
        session: &str,
        object: String,
        fresh: impl FnOnce() -> PeerId,
    ) -> Option<(PeerId, bool)> {
        if let Some(seat) = self.seats.get_mut(session) {
            seat.object = object;
            return Some((seat.peer, false));
        }
        if self.seats.len() >= limits::BOARD_AGENTS {
            return None;
        }
        let peer = fresh();
        self.seats.insert(session.to_owned(), Seat { peer, object });
        Some((peer, true))
    }

    /// Takes an agent off the board.
    pub(super) fn leave(&mut self, session: &str) -> Option<PeerId> {
        self.seats.remove(session).map(|seat| seat.peer)
    }

    /// Notes what an event of the board means for its agents.
    pub(super) fn follow(&mut self, ops: &[Op], steps: &mut Vec<Step>) {
        if self.seats.is_empty() {
            return;
        }
        for op in ops {
            match op {
                Op::Set { id, k, v, .. } if k == "state" && !is_working(v) => {
                    steps.extend(self.leave(id).map(Step::Leave));
                }
                Op::Set { id, k, v, .. } if k == "pos" => {
                    if let Ok(pos) = serde_json::from_value(v.clone()) {
                        steps.extend(self.at(id).map(|peer| Step::Move(peer, Some(beside(pos)))));
                    }
                }
                Op::Del { id, .. } => {
                    steps.extend(self.leave(id).map(Step::Leave));
                    steps.extend(self.at(id).map(|peer| Step::Move(peer, None)));
                }
                Op::Set { .. } | Op::Put { .. } => {}
            }
        }
    }

    fn at(&self, object: &str) -> impl Iterator<Item = PeerId> {
        self.seats.values().filter(move |it| it.object == object).map(|it| it.peer)
    }
}

fn is_working(state: &Value) -> bool {
    serde_json::from_value(state.clone()).is_ok_and(RunState::is_working)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set(id: &str, k: &str, v: Value) -> Op {
        Op::Set { id: id.to_owned(), k: k.to_owned(), v, if_seq: None }
    }

    fn follow(agents: &mut Agents, op: Op) -> Vec<Step> {
        let mut steps = Vec::new();
        agents.follow(&[op], &mut steps);
        steps
    }

    #[test]
    fn rt31_an_agent_goes_with_its_object_and_leaves_when_its_work_is_over() {
        let mut agents = Agents::default();
        let peer = PeerId(7);
        assert_eq!(agents.seat("s", "s".to_owned(), || peer), Some((peer, true)));
        assert!(follow(&mut agents, set("other", "pos", json!([1, 1]))).is_empty());
        let moved = follow(&mut agents, set("s", "pos", json!([100, 50])));
        assert_eq!(moved, [Step::Move(peer, Some(beside([100.0, 50.0])))]);
        assert!(follow(&mut agents, set("s", "state", json!("awaiting_approval"))).is_empty());
        assert_eq!(agents.seat("s", "n".to_owned(), || PeerId(8)), Some((peer, false)));
        assert_eq!(follow(&mut agents, Op::del("n")), [Step::Move(peer, None)]);
        assert_eq!(follow(&mut agents, set("s", "state", json!("idle"))), [Step::Leave(peer)]);
        assert!(agents.is_empty());
    }

    #[test]
    fn rt31_a_board_shows_a_bounded_number_of_agents() {
        let mut agents = Agents::default();
        for number in 0..limits::BOARD_AGENTS {
            let name = number.to_string();
            assert!(agents.seat(&name, name.clone(), || PeerId(1)).is_some());
        }
        assert_eq!(agents.seat("more", "more".to_owned(), || PeerId(2)), None);
        assert!(
            agents.seat("0", "n".to_owned(), || PeerId(2)).is_some(),
            "those who are there stay"
        );
    }
}
