//! A model provider over the network: Anthropic, `OpenAI`-compatible servers, Ollama.

use super::conversation::{Conversation, Entry};
use super::keys::Keys;
use super::model::{Model, ModelAnswer, ModelError, ToolCall};
use super::output::{Piece, Pieces};
use futures_util::StreamExt;
use genai::adapter::AdapterKind;
use genai::chat::{
    ChatMessage, ChatOptions, ChatRequest, ChatStreamEvent, MessageContent, StreamEnd, Tool,
    ToolResponse,
};
use genai::resolver::{AuthData, Endpoint};
use genai::{Client, ModelIden, ServiceTarget};
use grove_core_api::agent::{ErrorClass, StreamKind, Usage};
use grove_core_api::ipc::method::{Dialect, ModelSource};
use grove_core_api::{Secret, limits};
use std::time::Duration;

/// Longest time to open a connection.
const CONNECT_MS: u64 = 10_000;
/// Local servers want no key, but the adapters want a value.
const NO_KEY: &str = "none";
/// Letters of a provider's error that people see.
const MESSAGE_CHARS: usize = 500;

/// One provider, one model, one task.
pub(super) struct Provider {
    client: Client,
    target: ServiceTarget,
    name: String,
    /// Absent for servers that want no key.
    keys: Option<(String, Keys)>,
    price_micro_usd: [i64; 4],
    /// The answers of this task as the provider gave them: they carry signatures that must come back.
    natives: Vec<MessageContent>,
}

impl Provider {
    /// Prepares the client.
    ///
    /// # Errors
    /// `internal` when it cannot be built or the source is no provider.
    pub(super) fn new(
        source: &ModelSource,
        proxy: Option<String>,
        keys: Keys,
    ) -> Result<Self, ModelError> {
        let internal = |problem: String| ModelError::new(ErrorClass::Internal, problem);
        let ModelSource::Provider {
            dialect,
            base_url,
            model,
            provider,
            needs_key,
            price_micro_usd,
        } = source
        else {
            return Err(internal("A rehearsal is no provider.".to_owned()));
        };
        let keys = needs_key.then(|| (provider.clone(), keys));
        let mut builder = reqwest::Client::builder();
        if let Some(proxy) = proxy {
            let proxy = reqwest::Proxy::all(proxy)
                .map_err(|error| internal(format!("The proxy cannot be used: {error}")))?;
            builder = builder.proxy(proxy);
        }
        let http = builder
            .connect_timeout(Duration::from_millis(CONNECT_MS))
            .read_timeout(Duration::from_millis(limits::MODEL_SILENCE_MS))
            // The credential must not follow a redirect to somewhere else.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| internal(format!("The HTTP client cannot be built: {error}")))?;
        let kind = match dialect {
            Dialect::Anthropic => AdapterKind::Anthropic,
            Dialect::Openai => AdapterKind::OpenAI,
            Dialect::Ollama => AdapterKind::Ollama,
        };
        let base_url =
            if base_url.ends_with('/') { base_url.clone() } else { format!("{base_url}/") };
        let target = ServiceTarget {
            endpoint: Endpoint::from_owned(base_url),
            auth: AuthData::from_single(NO_KEY),
            model: ModelIden::new(kind, model.clone()),
        };
        let client = Client::builder()
            .with_reqwest(http)
            .build()
            .map_err(|error| internal(format!("The client cannot be built: {error}")))?;
        Ok(Self {
            client,
            target,
            name: model.clone(),
            keys,
            price_micro_usd: price_micro_usd.unwrap_or_default(),
            natives: Vec::new(),
        })
    }

    fn request(&self, conversation: &Conversation) -> ChatRequest {
        let mut messages = Vec::new();
        let mut natives = self.natives.iter();
        for (place, entry) in conversation.entries.iter().enumerate() {
            match entry {
                Entry::User(text) => messages.push(ChatMessage::user(text.clone())),
                Entry::Assistant { text, calls } => {
                    let native = (place >= conversation.history).then(|| natives.next()).flatten();
                    let content = native.cloned().unwrap_or_else(|| plain(text, calls));
                    messages.push(ChatMessage::assistant(content));
                }
                Entry::Results(results) => {
                    let responses: Vec<ToolResponse> = results
                        .iter()
                        .map(|it| {
                            ToolResponse::new(it.call_id.clone(), it.output.clone())
                                .with_fn_name(it.tool.clone())
                        })
                        .collect();
                    messages
                        .push(ChatMessage::tool(MessageContent::from_tool_responses(responses)));
                }
            }
        }
        let tools = conversation.tools.iter().map(|tool| {
            Tool::new(tool.name.clone())
                .with_description(tool.description.clone())
                .with_schema(tool.schema.clone())
        });
        ChatRequest::new(messages)
            .with_system(conversation.system.clone())
            .with_tools(tools.collect::<Vec<_>>())
    }

    fn usage(&self, usage: Option<&genai::chat::Usage>) -> Usage {
        let Some(usage) = usage else { return Usage::default() };
        let details = usage.prompt_tokens_details.as_ref();
        let count = |value: Option<i32>| i64::from(value.unwrap_or(0).max(0));
        let cache_read_tokens = count(details.and_then(|it| it.cached_tokens));
        let cache_write_tokens = count(details.and_then(|it| it.cache_creation_tokens));
        let all_input = count(usage.prompt_tokens);
        let input_tokens = (all_input - cache_read_tokens - cache_write_tokens).max(0);
        let output_tokens = count(usage.completion_tokens);
        let counts = [input_tokens, output_tokens, cache_read_tokens, cache_write_tokens];
        let cost: i64 = counts
            .iter()
            .zip(self.price_micro_usd)
            .map(|(tokens, price)| tokens.saturating_mul(price))
            .fold(0, i64::saturating_add);
        Usage {
            input_tokens,
            output_tokens,
            cache_read_tokens,
            cache_write_tokens,
            cost_micro_usd: cost / 1_000_000,
        }
    }

    /// The key for one call, when the server wants one.
    async fn key(&mut self) -> Result<Option<Secret>, ModelError> {
        match &mut self.keys {
            Some((provider, keys)) => keys.get(provider).await.map(Some),
            None => Ok(None),
        }
    }

    fn finish(&mut self, end: Option<StreamEnd>, text: String) -> Result<ModelAnswer, ModelError> {
        let Some(end) = end else {
            let message = "The provider's answer broke off.";
            return Err(ModelError::new(ErrorClass::Network, message));
        };
        let usage = self.usage(end.captured_usage.as_ref());
        let content =
            end.captured_content.unwrap_or_else(|| MessageContent::from_text(text.clone()));
        let calls: Vec<ToolCall> = content
            .tool_calls()
            .into_iter()
            .map(|call| ToolCall {
                id: call.call_id.clone(),
                tool: call.fn_name.clone(),
                input: call.fn_arguments.clone(),
            })
            .collect();
        let size: usize = calls.iter().map(|call| call.input.to_string().len()).sum();
        if size > limits::ANSWER_BYTES {
            return Err(too_long());
        }
        self.natives.push(content);
        Ok(ModelAnswer { text, calls, usage, model: self.name.clone() })
    }
}

fn plain(text: &str, calls: &[ToolCall]) -> MessageContent {
    let calls = calls.iter().map(|call| genai::chat::ToolCall {
        call_id: call.id.clone(),
        fn_name: call.tool.clone(),
        fn_arguments: call.input.clone(),
        thought_signatures: None,
    });
    let mut content = MessageContent::from_tool_calls(calls.collect());
    if !text.is_empty() {
        content.insert(0, text.to_owned());
    }
    content
}

fn too_long() -> ModelError {
    let limit = limits::ANSWER_BYTES / 1024;
    let message = format!("The model's answer is longer than {limit} KiB.");
    ModelError::new(ErrorClass::Protocol, message)
}

#[async_trait::async_trait]
impl Model for Provider {
    async fn answer(
        &mut self,
        conversation: &Conversation,
        pieces: &Pieces,
    ) -> Result<Option<ModelAnswer>, ModelError> {
        let options = ChatOptions::default()
            .with_capture_usage(true)
            .with_capture_content(true)
            .with_capture_tool_calls(true)
            .with_capture_reasoning_content(true);
        let request = self.request(conversation);
        // Held until this call is over: it has to be taken out of what the provider says.
        let key = self.key().await?;
        let failed = |error: genai::Error| failure(&error, key.as_ref());
        let mut target = self.target.clone();
        if let Some(key) = &key {
            target.auth = AuthData::from_single(key.expose());
        }
        let opened = self.client.exec_chat_stream(target, request, Some(&options)).await;
        let mut stream = opened.map_err(failed)?.stream;
        let (mut text, mut size, mut end) = (String::new(), 0, None);
        while let Some(event) = stream.next().await {
            let (kind, words) = match event.map_err(failed)? {
                ChatStreamEvent::Chunk(chunk) => {
                    text.push_str(&chunk.content);
                    (StreamKind::Text, chunk.content)
                }
                ChatStreamEvent::ReasoningChunk(chunk) => (StreamKind::Thinking, chunk.content),
                ChatStreamEvent::End(last) => {
                    end = Some(last);
                    continue;
                }
                ChatStreamEvent::Start
                | ChatStreamEvent::ThoughtSignatureChunk(_)
                | ChatStreamEvent::ToolCallChunk(_)
                | ChatStreamEvent::Heartbeat => continue,
            };
            size += words.len();
            if size > limits::ANSWER_BYTES {
                return Err(too_long());
            }
            if pieces.send(Piece::Words(kind, words)).await.is_err() {
                return Err(ModelError::new(ErrorClass::Internal, "Nobody listens to the model."));
            }
        }
        drop(stream);
        self.finish(end, text).map(Some)
    }
}

/// What people see of a failure; never the key.
fn failure(error: &genai::Error, key: Option<&Secret>) -> ModelError {
    let text = error.to_string();
    let class = classify(error, &text.to_ascii_lowercase());
    let mut message = readable(&text);
    if let Some(key) = key.map(Secret::expose).filter(|key| !key.is_empty()) {
        message = message.replace(key, "[redacted]");
    }
    ModelError::new(class, message)
}

/// Says what kind of failure it is: by HTTP status, else by the provider's own words.
fn classify(error: &genai::Error, text: &str) -> ErrorClass {
    let says = |needles: &[&str]| needles.iter().any(|needle| text.contains(needle));
    let is_context = says(&[
        "context_length",
        "context length",
        "context window",
        "prompt is too long",
        "maximum context",
    ]);
    let is_quota = says(&["insufficient_quota", "credit balance", "billing"]);
    match status(error) {
        Some(401 | 403) => ErrorClass::Auth,
        Some(402) => ErrorClass::Quota,
        Some(_) if is_context => ErrorClass::Context,
        Some(400 | 429) if is_quota => ErrorClass::Quota,
        Some(429) => ErrorClass::RateLimit,
        Some(500..) => ErrorClass::Overloaded,
        Some(_) => ErrorClass::Protocol,
        None if is_context => ErrorClass::Context,
        None if says(&["overloaded"]) => ErrorClass::Overloaded,
        None if says(&["rate_limit"]) => ErrorClass::RateLimit,
        None if is_network(error) => ErrorClass::Network,
        None => ErrorClass::Protocol,
    }
}

/// The HTTP status; an error in a stream wraps the one that tells it.
fn status(error: &genai::Error) -> Option<u16> {
    if let genai::Error::WebStream { error, .. } = error
        && let Some(inner) = error.downcast_ref::<genai::Error>()
    {
        return inner.status().map(|status| status.as_u16());
    }
    error.status().map(|status| status.as_u16())
}

fn is_network(error: &genai::Error) -> bool {
    if let genai::Error::WebModelCall { webc_error, .. }
    | genai::Error::WebAdapterCall { webc_error, .. } = error
    {
        return matches!(webc_error, genai::webc::Error::Reqwest(_));
    }
    matches!(error, genai::Error::WebStream { .. })
}

/// Finds the provider's own message in a long error text.
fn readable(text: &str) -> String {
    let body =
        text.find('{').and_then(|start| text.rfind('}').and_then(|end| text.get(start..=end)));
    let json = body.and_then(|body| serde_json::from_str::<serde_json::Value>(body).ok());
    let own = json.as_ref().and_then(|json| {
        let message = json.pointer("/error/message").or_else(|| json.pointer("/message"));
        message.or_else(|| json.get("error")).and_then(serde_json::Value::as_str)
    });
    let said = own.unwrap_or(text).split_whitespace().collect::<Vec<_>>().join(" ");
    said.chars().take(MESSAGE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_the_providers_own_message() {
        let text =
            "Web call failed. Body: {\"error\":{\"type\":\"x\",\"message\":\"Slow\\ndown\"}}";
        assert_eq!(readable(text), "Slow down");
        assert_eq!(readable("plain  words"), "plain words");
    }
}
