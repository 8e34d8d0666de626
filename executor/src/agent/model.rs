//! What every model is: it takes a conversation and streams an answer.

use super::conversation::Conversation;
use super::output::Pieces;
use grove_core_api::agent::{ErrorClass, Usage};
use serde_json::Value;

/// A tool on offer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolSpec {
    /// Its name.
    pub(crate) name: String,
    /// What it does, for the model.
    pub(crate) description: String,
    /// JSON Schema of its arguments.
    pub(crate) schema: Value,
}

/// A tool call of the model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolCall {
    /// The model's own id of the call.
    pub(crate) id: String,
    /// The tool.
    pub(crate) tool: String,
    /// The arguments.
    pub(crate) input: Value,
}

/// A whole answer.
#[derive(Clone, Debug, Default)]
pub(crate) struct ModelAnswer {
    /// All words for the person.
    pub(crate) text: String,
    /// The tools to call, in order.
    pub(crate) calls: Vec<ToolCall>,
    /// What it took.
    pub(crate) usage: Usage,
    /// Name of the model that answered.
    pub(crate) model: String,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModelError {
    /// What kind of failure.
    pub(crate) class: ErrorClass,
    /// For people.
    pub(crate) message: String,
}

impl ModelError {
    pub(crate) fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into() }
    }

    /// Whether another try may help.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self.class, ErrorClass::RateLimit | ErrorClass::Overloaded | ErrorClass::Network)
    }
}

/// A language model, or somebody who plays one.
#[async_trait::async_trait]
pub(crate) trait Model: Send {
    /// Answers; words go to `pieces` while they come. `None` when it has nothing more to say.
    ///
    /// # Cancel safety
    /// Cancel safe: dropping the future ends the stream.
    async fn answer(
        &mut self,
        conversation: &Conversation,
        pieces: &Pieces,
    ) -> Result<Option<ModelAnswer>, ModelError>;
}
