//! MCP clients of two makers: rmcp, and the official Python package `mcp`.

use crate::process::{Output, program, run};
use crate::{Outcome, say, variable};
use anyhow::{Context, bail};
use grove_core_api::{ErrorCode, Problem};
use rmcp::ServiceExt;
use rmcp::model::{CallToolRequestParams, JsonObject};
use rmcp::service::{RoleClient, RunningService, ServiceError};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::Value;
use std::path::Path;
use std::sync::Once;

const PYTHON: &str = "GROVE_TEST_PYTHON";
const REQUIRE: &str = "GROVE_TEST_REQUIRE_PYTHON";

/// An initialized connection to `/mcp`.
#[derive(Debug)]
pub struct McpClient {
    service: RunningService<RoleClient, ()>,
}

impl McpClient {
    /// Connects with a bearer token.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn open(base: &str, token: &str) -> Outcome<Self> {
        let config = StreamableHttpClientTransportConfig::with_uri(format!("{base}/mcp"));
        let transport = StreamableHttpClientTransport::from_config(config.auth_header(token));
        Ok(Self { service: ().serve(transport).await? })
    }

    /// Names of the tools, sorted.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn tools(&self) -> Outcome<Vec<String>> {
        let tools = self.service.list_all_tools().await?;
        let mut names: Vec<String> = tools.iter().map(|tool| tool.name.to_string()).collect();
        names.sort();
        Ok(names)
    }

    /// Calls a tool; the inner result is the tool's answer or its refusal.
    ///
    /// # Errors
    /// When the call breaks off, or the answer has no structured content.
    pub async fn call(&self, tool: &str, arguments: Value) -> Outcome<Result<Value, Problem>> {
        let arguments: JsonObject = serde_json::from_value(arguments)?;
        let params = CallToolRequestParams::new(tool.to_owned()).with_arguments(arguments);
        match self.service.call_tool(params).await {
            Ok(result) if result.is_error == Some(true) => {
                bail!("{tool} answered an error as its result: {:?}", result.content)
            }
            Ok(result) => {
                Ok(Ok(result.structured_content.with_context(|| format!("{tool}: no content"))?))
            }
            Err(ServiceError::McpError(error)) => {
                let data = error.data.clone().with_context(|| format!("{tool}: {error:?}"))?;
                Ok(Err(serde_json::from_value(data)?))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Calls a tool that must answer.
    ///
    /// # Errors
    /// When it refuses.
    pub async fn answer(&self, tool: &str, arguments: Value) -> Outcome<Value> {
        match self.call(tool, arguments).await? {
            Ok(value) => Ok(value),
            Err(problem) => bail!("{tool} was refused: {problem:?}"),
        }
    }

    /// Calls a tool that must refuse with this code.
    ///
    /// # Errors
    /// When it answers, or refuses with another code.
    pub async fn refusal(&self, tool: &str, arguments: Value, code: ErrorCode) -> Outcome<Problem> {
        match self.call(tool, arguments).await? {
            Err(problem) if problem.code == code => Ok(problem),
            other => bail!("{tool}: expected {code:?}, got {other:?}"),
        }
    }

    /// Ends the connection.
    ///
    /// # Errors
    /// When its task failed.
    pub async fn end(self) -> Outcome {
        self.service.cancel().await?;
        Ok(())
    }
}

/// Runs a script with the Python of [`PYTHON`]; `None` when there is none and none is required.
///
/// # Errors
/// When Python is required but not named, or cannot be started.
pub fn python(script: &Path, arguments: &[&str]) -> Outcome<Option<Output>> {
    static SAID: Once = Once::new();
    let Some(interpreter) = variable(PYTHON) else {
        if variable(REQUIRE).is_some_and(|it| it == "1") {
            bail!("{REQUIRE}=1, but {PYTHON} is not set");
        }
        SAID.call_once(|| say(&format!("NOT TESTED: the Python MCP client; {PYTHON} is not set")));
        return Ok(None);
    };
    let mut command = program(interpreter);
    command.arg(script).args(arguments).env("NO_PROXY", "127.0.0.1");
    Ok(Some(run(&mut command)?))
}
