//! The scripted model: plays a scenario, offline and repeatably.

use super::conversation::{Conversation, ToolResult};
use super::model::{Model, ModelAnswer, ModelError, ToolCall};
use super::output::{Piece, Pieces};
use grove_core_api::agent::{ErrorClass, StreamKind, Usage};
use grove_core_api::rehearsal::{Block, Expect, Scenario};
use std::path::Path;
use std::time::Duration;

/// Longest pause of a script, and longest time at a gate.
const PAUSE_MS: u64 = 60_000;
/// Time between two looks at a gate.
const GATE_MS: u64 = 10;
/// Letters that count as one token.
const TOKEN_LETTERS: usize = 4;

/// Plays one scenario.
pub(super) struct Rehearsal {
    scenario: Scenario,
}

impl Rehearsal {
    pub(super) fn new(scenario: Scenario) -> Self {
        Self { scenario }
    }
}

#[async_trait::async_trait]
impl Model for Rehearsal {
    async fn answer(
        &mut self,
        conversation: &Conversation,
        pieces: &Pieces,
    ) -> Result<Option<ModelAnswer>, ModelError> {
        let results = conversation.results();
        let prompt = conversation.prompt();
        let Some(turn) = self.scenario.turn(prompt, results.len()) else { return Ok(None) };
        check(&turn.expect, results.last().copied().unwrap_or_default())?;
        let mut answer = ModelAnswer { model: self.scenario.name.clone(), ..Default::default() };
        let mut usage = None;
        let mut letters = 0;
        for (number, block) in turn.blocks.iter().enumerate() {
            match block {
                Block::Thinking { text, word_ms } => {
                    letters += text.len();
                    speak(pieces, StreamKind::Thinking, text, *word_ms).await?;
                }
                Block::Text { text, word_ms } => {
                    letters += text.len();
                    answer.text.push_str(text);
                    speak(pieces, StreamKind::Text, text, *word_ms).await?;
                }
                Block::Tool { tool, args } => {
                    letters += tool.len() + args.to_string().len();
                    let id = format!("call_{}_{number}", results.len());
                    answer.calls.push(ToolCall { id, tool: tool.clone(), input: args.clone() });
                }
                Block::Wait { ms } => pause((*ms).min(PAUSE_MS)).await,
                Block::Gate { path } => gate(path).await?,
                Block::Error { class, message } => return Err(ModelError::new(*class, message)),
                Block::Usage(told) => usage = Some(*told),
            }
        }
        answer.usage = usage.unwrap_or_else(|| estimate(conversation, letters));
        Ok(Some(answer))
    }
}

fn estimate(conversation: &Conversation, letters: usize) -> Usage {
    let read = conversation.prompt().len()
        + conversation
            .results()
            .iter()
            .flat_map(|group| *group)
            .map(|it| it.output.len())
            .sum::<usize>();
    let tokens =
        |letters: usize| i64::try_from(letters.div_ceil(TOKEN_LETTERS)).unwrap_or(i64::MAX);
    Usage { input_tokens: tokens(read), output_tokens: tokens(letters), ..Usage::default() }
}

fn check(expected: &[Expect], results: &[ToolResult]) -> Result<(), ModelError> {
    for expect in expected {
        let output = results.get(expect.result).map_or("", |result| result.output.as_str());
        if !output.contains(&expect.contains) {
            let (number, wanted) = (expect.result, &expect.contains);
            let shown: String = output.chars().take(200).collect();
            let message =
                format!("The scenario expected `{wanted}` in result {number}, but it was: {shown}");
            return Err(ModelError::new(ErrorClass::Protocol, message));
        }
    }
    Ok(())
}

async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

async fn speak(
    pieces: &Pieces,
    kind: StreamKind,
    text: &str,
    word_ms: u64,
) -> Result<(), ModelError> {
    let words: Vec<&str> =
        if word_ms == 0 { vec![text] } else { text.split_inclusive(char::is_whitespace).collect() };
    for word in words {
        if pieces.send(Piece::Words(kind, word.to_owned())).await.is_err() {
            return Err(ModelError::new(ErrorClass::Internal, "Nobody listens to the script."));
        }
        if word_ms > 0 {
            pause(word_ms).await;
        }
    }
    Ok(())
}

async fn gate(path: &str) -> Result<(), ModelError> {
    for _ in 0..PAUSE_MS / GATE_MS {
        if Path::new(path).exists() {
            return Ok(());
        }
        pause(GATE_MS).await;
    }
    let message = format!("The scenario waited a minute for {path}, which nobody made.");
    Err(ModelError::new(ErrorClass::Protocol, message))
}
