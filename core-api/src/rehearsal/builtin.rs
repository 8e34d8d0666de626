//! The scenarios that Grove ships: a living demo without account or network.

use super::{Scenario, ScenarioError};

const FILES: &[&str] = &[
    include_str!("../scenarios/tour.toml"),
    include_str!("../scenarios/fix-tests.toml"),
    include_str!("../scenarios/ask-first.toml"),
    include_str!("../scenarios/rate-limit.toml"),
    include_str!("../scenarios/spawn-child.toml"),
    include_str!("../scenarios/write-docs.toml"),
    include_str!("../scenarios/gated-stream.toml"),
    include_str!("../scenarios/stop-me.toml"),
];

/// Returns the shipped scenarios, the default one first.
///
/// # Errors
/// Never in a released build: a test reads every file.
pub fn builtin() -> Result<Vec<Scenario>, ScenarioError> {
    FILES.iter().map(|text| Scenario::from_toml(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_scenario_reads_and_fits_its_own_example() -> Result<(), ScenarioError> {
        let scenarios = builtin()?;
        for scenario in &scenarios {
            let chosen = super::super::choose(&scenarios, "auto", &scenario.example_prompt);
            assert_eq!(chosen.map(|it| &it.name), Some(&scenario.name));
        }
        Ok(())
    }
}
