//! Scenario files: shape, checks and the choice of the next turn.

use crate::agent::{ErrorClass, Usage};
use regex_lite::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A scripted model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Its name: lower-case letters, digits and `-`.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What it shows, in one sentence.
    pub description: String,
    /// A prompt that fits it.
    pub example_prompt: String,
    /// Regular expression on the prompt; its groups are `${1}`, `${2}` … in the turns.
    #[serde(default)]
    pub pattern: Option<String>,
    /// The model's answers, one per model call.
    #[serde(rename = "turn")]
    pub turns: Vec<Turn>,
}

/// One answer of the model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// What the results of the turn before must hold; otherwise the turn fails loudly.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<Expect>,
    /// Its parts, in order.
    #[serde(rename = "block")]
    pub blocks: Vec<Block>,
}

/// A condition on a tool's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Which result of the group, from 0.
    pub result: usize,
    /// What its output must contain.
    pub contains: String,
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Block {
    /// Reasoning.
    Thinking {
        /// The words.
        text: String,
        /// Pause between words in milliseconds.
        #[serde(default)]
        word_ms: u64,
    },
    /// Words for the person.
    Text {
        /// The words.
        text: String,
        /// Pause between words in milliseconds.
        #[serde(default)]
        word_ms: u64,
    },
    /// A tool call.
    Tool {
        /// Name of the tool.
        tool: String,
        /// Its arguments.
        #[serde(default)]
        args: Value,
    },
    /// Nothing for a while.
    Wait {
        /// How long, in milliseconds, at most a minute.
        ms: u64,
    },
    /// Waits until a file exists (at most a minute): deterministic races in tests.
    Gate {
        /// Absolute path of the file.
        path: String,
    },
    /// The provider answers with an error.
    Error {
        /// What kind.
        class: ErrorClass,
        /// What it says.
        message: String,
    },
    /// What the call took, instead of an estimate.
    Usage(Usage),
}

/// Why a scenario file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// Not the documented shape.
    #[error("failed to read the scenario: {0}")]
    Shape(String),
    /// A rule is broken.
    #[error("scenario `{name}`: {problem}")]
    Rule {
        /// The scenario.
        name: String,
        /// What is wrong.
        problem: String,
    },
}

impl Scenario {
    /// Reads a scenario file in TOML.
    ///
    /// # Errors
    /// `Shape` when the file does not have the documented form, `Rule` when its name, pattern or
    /// turns cannot be used.
    pub fn from_toml(text: &str) -> Result<Self, ScenarioError> {
        let scenario: Self =
            toml::from_str(text).map_err(|error| ScenarioError::Shape(error.to_string()))?;
        scenario.check()?;
        Ok(scenario)
    }

    fn check(&self) -> Result<(), ScenarioError> {
        let rule = |problem: &str| {
            Err(ScenarioError::Rule { name: self.name.clone(), problem: problem.to_owned() })
        };
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if self.name.is_empty() || !self.name.bytes().all(is_name) || self.name == super::AUTO {
            return rule("the name may hold lower-case letters, digits and `-`, and is not `auto`");
        }
        if self.turns.is_empty() {
            return rule("there is no turn");
        }
        if self.pattern.as_deref().is_some_and(|pattern| Regex::new(pattern).is_err()) {
            return rule("the pattern is not a regular expression");
        }
        let expects_nothing = self.turns.first().is_some_and(|turn| !turn.expect.is_empty());
        if expects_nothing {
            return rule("the first turn has no results to expect anything of");
        }
        Ok(())
    }

    /// Whether the pattern fits the prompt; without a pattern it never does.
    #[must_use]
    pub fn fits(&self, prompt: &str) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(prompt))
    }

    /// The answer to a prompt after `results` tool-result groups; `None` when the script is over.
    ///
    /// Groups of the pattern are filled in.
    #[must_use]
    pub fn turn(&self, prompt: &str, results: usize) -> Option<Turn> {
        let turn = self.turns.get(results)?;
        let groups: Vec<String> = self
            .regex()
            .and_then(|regex| {
                regex.captures(prompt).map(|captures| {
                    captures
                        .iter()
                        .map(|group| group.map_or_else(String::new, |it| it.as_str().to_owned()))
                        .collect()
                })
            })
            .unwrap_or_default();
        let fill = |text: &str| fill(text, &groups);
        let blocks = turn.blocks.iter().map(|block| filled(block, &fill)).collect();
        Some(Turn { expect: turn.expect.clone(), blocks })
    }

    fn regex(&self) -> Option<Regex> {
        self.pattern.as_deref().and_then(|pattern| Regex::new(pattern).ok())
    }
}

fn filled(block: &Block, fill: &impl Fn(&str) -> String) -> Block {
    match block {
        Block::Thinking { text, word_ms } => {
            Block::Thinking { text: fill(text), word_ms: *word_ms }
        }
        Block::Text { text, word_ms } => Block::Text { text: fill(text), word_ms: *word_ms },
        Block::Tool { tool, args } => {
            Block::Tool { tool: tool.clone(), args: filled_value(args, fill) }
        }
        Block::Gate { path } => Block::Gate { path: fill(path) },
        Block::Error { class, message } => Block::Error { class: *class, message: fill(message) },
        Block::Wait { .. } | Block::Usage(_) => block.clone(),
    }
}

fn filled_value(value: &Value, fill: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(fill(text)),
        Value::Array(items) => items.iter().map(|item| filled_value(item, fill)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), filled_value(value, fill)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

fn fill(text: &str, groups: &[String]) -> String {
    groups.iter().enumerate().fold(text.to_owned(), |filled, (number, group)| {
        filled.replace(&format!("${{{number}}}"), group)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_TURNS: &str = r#"
        name = "greet"
        title = "Greet"
        description = "Says hello."
        example_prompt = "greet Ana"
        pattern = "^greet (\\w+)"
        [[turn]]
        block = [{ type = "tool", tool = "bash", args = { command = "echo ${1}" } }]
        [[turn]]
        expect = [{ result = 0, contains = "Ana" }]
        block = [{ type = "text", text = "Hello ${1}" }]
    "#;

    #[test]
    fn groups_of_the_pattern_are_filled_in() -> Result<(), ScenarioError> {
        let scenario = Scenario::from_toml(TWO_TURNS)?;
        assert!(scenario.fits("greet Ana") && !scenario.fits("hello"));
        let turn = scenario.turn("greet Ana", 0).expect("first turn");
        let args = serde_json::json!({ "command": "echo Ana" });
        assert_eq!(turn.blocks, [Block::Tool { tool: "bash".into(), args }]);
        assert!(scenario.turn("greet Ana", 2).is_none());
        Ok(())
    }

    #[test]
    fn broken_scenarios_say_what_is_wrong() {
        let no_name = TWO_TURNS.replace("\"greet\"", "\"Greet!\"");
        let error = Scenario::from_toml(&no_name).expect_err("refused").to_string();
        assert!(error.contains("lower-case"), "{error}");
        assert!(Scenario::from_toml("name = 1").is_err());
    }
}
