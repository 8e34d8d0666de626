//! Grove's own tools over MCP: connected once per task, offered under their own names.

use super::model::{ToolCall, ToolSpec};
use grove_core_api::ipc::method::McpEndpoint;
use grove_core_api::limits;
use rmcp::ServiceExt;
use rmcp::model::{CallToolRequestParams, ClientConfig, ContentBlock, Tool};
use rmcp::service::{RoleClient, RunningService};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::Value;
use std::time::Duration;

/// A connection with the tools that were found on it.
pub(crate) struct McpTools {
    service: RunningService<RoleClient, ClientConfig>,
    tools: Vec<Tool>,
}

impl McpTools {
    /// Connects and lists the tools.
    ///
    /// # Errors
    /// In words, for the log.
    pub(crate) async fn connect(endpoint: &McpEndpoint) -> Result<Self, String> {
        let time = Duration::from_millis(limits::MCP_CONNECT_MS);
        let connected = tokio::time::timeout(time, Self::open(endpoint)).await;
        connected.map_err(|_elapsed| "no answer in time".to_owned())?
    }

    async fn open(endpoint: &McpEndpoint) -> Result<Self, String> {
        let config = StreamableHttpClientTransportConfig::with_uri(endpoint.url.as_str())
            .auth_header(endpoint.token.expose());
        let transport = StreamableHttpClientTransport::from_config(config);
        let service =
            ClientConfig::default().serve(transport).await.map_err(|it| it.to_string())?;
        let mut tools = service.list_all_tools().await.map_err(|error| error.to_string())?;
        tools.truncate(limits::MCP_TOOLS);
        Ok(Self { service, tools })
    }

    /// The tools as the model sees them.
    pub(crate) fn specs(&self) -> impl Iterator<Item = ToolSpec> + '_ {
        self.tools.iter().map(|tool| ToolSpec {
            name: tool.name.to_string(),
            description: tool.description.as_deref().unwrap_or_default().to_owned(),
            schema: Value::Object(tool.input_schema.as_ref().clone()),
        })
    }

    /// Whether there is such a tool.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.tools.iter().any(|tool| tool.name == name)
    }

    /// Whether the tool says of itself that it changes nothing.
    pub(crate) fn is_read_only(&self, name: &str) -> bool {
        let tool = self.tools.iter().find(|tool| tool.name == name);
        tool.and_then(|tool| tool.annotations.as_ref())
            .and_then(|annotations| annotations.read_only_hint)
            .unwrap_or(false)
    }

    /// Calls a tool: whether it did what it was asked to, and what it said.
    pub(crate) async fn call(&self, call: &ToolCall) -> (bool, String) {
        let mut params = CallToolRequestParams::new(call.tool.clone());
        match &call.input {
            Value::Object(arguments) => params = params.with_arguments(arguments.clone()),
            Value::Null => {}
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                return (false, "The arguments must be an object.".to_owned());
            }
        }
        let time = Duration::from_millis(limits::MCP_CALL_MS);
        match tokio::time::timeout(time, self.service.call_tool(params)).await {
            Err(_elapsed) => (false, format!("No answer within {} s.", time.as_secs())),
            Ok(Err(error)) => (false, format!("The call failed: {error}")),
            Ok(Ok(result)) => {
                let texts = result.content.iter().map(text);
                let mut said = texts.collect::<Vec<_>>().join("\n");
                if said.is_empty()
                    && let Some(structured) = &result.structured_content
                {
                    said = structured.to_string();
                }
                (!result.is_error.unwrap_or(false), said)
            }
        }
    }

    /// Ends the connection.
    pub(crate) async fn close(mut self) {
        let time = Duration::from_millis(limits::IPC_CLOSE_MS);
        if let Err(error) = self.service.close_with_timeout(time).await {
            tracing::debug!(%error, "the connection to Grove's own tools did not end well");
        }
    }
}

fn text(block: &ContentBlock) -> String {
    if let ContentBlock::Text(text) = block {
        return text.text.clone();
    }
    "[content that is not text]".to_owned()
}
