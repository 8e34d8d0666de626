//! The scripted model: scenarios that play the part of a language model, offline and repeatably.
//!
//! A scenario is a list of turns; the model's answer to a conversation is the turn whose number is
//! the count of tool-result groups since the last prompt. That makes the script stateless: retries,
//! resumed and parallel sessions play it right. Only the model is scripted; the tools it calls are
//! real.

mod builtin;
mod script;

pub use builtin::builtin;
pub use script::{Block, Expect, Scenario, ScenarioError, Turn};

/// Chooses the scenario for a prompt: the one named `model`, or, when `model` is `auto`, the first
/// whose pattern fits the prompt, else the first of all.
#[must_use]
pub fn choose<'a>(scenarios: &'a [Scenario], model: &str, prompt: &str) -> Option<&'a Scenario> {
    if model == AUTO {
        return scenarios.iter().find(|it| it.fits(prompt)).or_else(|| scenarios.first());
    }
    scenarios.iter().find(|it| it.name == model)
}

/// Model name that lets the prompt choose the scenario.
pub const AUTO: &str = "auto";
