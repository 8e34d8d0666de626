//! A plan: what clients do, step by step. Made from a seed, kept in a file, made smaller.
//!
//! Pure. Deliberately not here: doing it (`run`).

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

/// Boards of one plan.
pub(super) const BOARDS: usize = 2;
/// Objects that clients of one plan quarrel about, on each board.
const OBJECTS: u8 = 6;
/// Steps of one plan, at least and at most.
const STEPS: std::ops::Range<usize> = 15..70;

/// What a client does to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Change {
    Put,
    Text,
    Move,
    /// Two objects at once, all or nothing.
    Both,
    Del,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum Step {
    Join {
        client: usize,
        board: usize,
    },
    /// A board that is not there.
    JoinNothing {
        client: usize,
    },
    Leave {
        client: usize,
        board: usize,
    },
    Mutate {
        client: usize,
        board: usize,
        object: u8,
        change: Change,
    },
    /// Many changes at once, with long texts.
    Burst {
        client: usize,
        board: usize,
        count: u8,
    },
    Point {
        client: usize,
        board: usize,
        x: u16,
    },
    /// Somebody without a socket changes the board.
    Rest {
        board: usize,
    },
    /// The connection breaks.
    Break {
        client: usize,
    },
    /// The client reads nothing from now on, or reads again.
    Stall {
        client: usize,
    },
    Wake {
        client: usize,
    },
    /// Everybody who reads has what has happened so far.
    Settle,
    /// A daemon is killed, and another one comes in its place.
    Kill {
        node: usize,
    },
}

/// What clients do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// Where it came from.
    pub(super) seed: u64,
    /// Daemons that it is for.
    pub(super) nodes: usize,
    /// How many clients there are.
    pub(super) clients: usize,
    /// What they do.
    pub(super) steps: Vec<Step>,
}

impl Plan {
    /// Makes the plan of a seed.
    pub(super) fn random(seed: u64, nodes: usize) -> Self {
        let mut dice = StdRng::seed_from_u64(seed);
        let clients = dice.random_range(2..=5);
        let count = dice.random_range(STEPS);
        // Nothing happens before somebody is there.
        let mut steps: Vec<Step> =
            (0..clients).map(|client| Step::Join { client, board: 0 }).collect();
        // A start takes a while, so that most plans have none.
        let mut kills = if dice.random_ratio(1, 6) { dice.random_range(1..=2) } else { 0 };
        while steps.len() < count {
            let step = random_step(&mut dice, clients, nodes);
            if matches!(step, Step::Kill { .. }) {
                if kills == 0 {
                    continue;
                }
                kills -= 1;
            }
            steps.push(step);
        }
        Self { seed, nodes, clients, steps }
    }

    /// Plans with fewer steps that may show the same.
    pub(super) fn smaller(&self) -> impl Iterator<Item = Self> {
        let sizes = [2, 4, 8].map(|part| self.steps.len() / part).into_iter().filter(|it| *it > 0);
        sizes.flat_map(move |size| {
            (0..self.steps.len()).step_by(size).map(move |from| {
                let mut plan = self.clone();
                let to = (from + size).min(plan.steps.len());
                plan.steps.drain(from..to);
                plan
            })
        })
    }
}

fn random_step(dice: &mut StdRng, clients: usize, nodes: usize) -> Step {
    let client = dice.random_range(0..clients);
    let board = usize::from(dice.random_ratio(1, 4));
    match dice.random_range(0..100) {
        0..12 => Step::Join { client, board },
        12..14 => Step::JoinNothing { client },
        14..18 => Step::Leave { client, board },
        18..58 => {
            let changes = [
                Change::Put,
                Change::Put,
                Change::Text,
                Change::Text,
                Change::Move,
                Change::Both,
                Change::Del,
            ];
            let change = changes[dice.random_range(0..changes.len())];
            Step::Mutate { client, board, object: dice.random_range(0..OBJECTS), change }
        }
        58..61 => Step::Burst { client, board, count: dice.random_range(5..40) },
        61..73 => Step::Point { client, board, x: dice.random() },
        73..77 => Step::Rest { board },
        77..84 => Step::Break { client },
        84..88 => Step::Stall { client },
        88..92 => Step::Wake { client },
        92..96 => Step::Settle,
        _ => Step::Kill { node: dice.random_range(0..nodes) },
    }
}

#[test]
fn a_seed_makes_one_plan_and_a_file_keeps_it() -> Result<(), serde_json::Error> {
    let plan = Plan::random(7, 2);
    assert_eq!(plan, Plan::random(7, 2));
    assert_ne!(plan.steps, Plan::random(8, 2).steps);
    let text = serde_json::to_string(&plan)?;
    assert_eq!(serde_json::from_str::<Plan>(&text)?, plan);
    assert!(plan.smaller().all(|it| it.steps.len() < plan.steps.len()));
    Ok(())
}
