//! The MCP server: the tools of all slices under one roof.

use super::guard::{self, Guard};
use crate::app::App;
use crate::context::Ctx;
use crate::error::Error;
use axum::Router;
use axum::http::request::Parts;
use axum::middleware::from_fn_with_state;
use grove_core_api::version;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::tool::ToolCallContext;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ErrorData, ServerHandler};
use std::sync::Arc;

const INSTRUCTIONS: &str = "Grove runs coding agents side by side, each session in its own git \
    worktree on a shared board. Ids may be shortened to their last eight digits. Start with \
    grove_sessions_get_current to learn who and where you are; grove_sessions_spawn gives a child \
    session its own prompt and worktree.";

/// The tools, without a caller: each call brings its own.
#[derive(Clone)]
pub(crate) struct Mcp {
    tools: ToolRouter<Self>,
}

impl Mcp {
    pub(crate) fn new() -> Self {
        let tools = Self::session_tools()
            + Self::worktree_tools()
            + Self::board_tools()
            + Self::task_tools()
            + Self::user_tools();
        Self { tools }
    }

    /// Who calls; put into the request by the guard.
    pub(crate) fn caller(context: &RequestContext<RoleServer>) -> Result<Ctx, ErrorData> {
        context
            .extensions
            .get::<Parts>()
            .and_then(|parts| parts.extensions.get::<Ctx>())
            .cloned()
            .ok_or_else(|| ErrorData::internal_error("the call has no caller", None))
    }
}

/// An error of a service as an MCP error: the problem document travels as its data.
pub(crate) struct ToolError(ErrorData);

impl From<Error> for ToolError {
    fn from(error: Error) -> Self {
        let problem = error.into_problem();
        let text = match &problem.hint {
            Some(hint) => format!("{} ({hint})", problem.detail),
            None => problem.detail.clone(),
        };
        let data = serde_json::to_value(&problem).ok();
        Self(match problem.status {
            404 => ErrorData::resource_not_found(text, data),
            status if status >= 500 => ErrorData::internal_error(text, data),
            _ => ErrorData::invalid_params(text, data),
        })
    }
}

impl From<ErrorData> for ToolError {
    fn from(error: ErrorData) -> Self {
        Self(error)
    }
}

impl From<ToolError> for ErrorData {
    fn from(error: ToolError) -> Self {
        error.0
    }
}

impl ServerHandler for Mcp {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("grove", version::GROVE))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.list_all()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.tools.get(name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.tools.call(ToolCallContext::new(self, request, context)).await
    }
}

/// `/mcp` with its guard.
pub(crate) fn router(app: &Arc<App>) -> Router<Arc<App>> {
    let server = Mcp::new();
    let config = StreamableHttpServerConfig::default().with_json_response(true);
    let service = StreamableHttpService::new(
        move || Ok(server.clone()),
        Arc::new(LocalSessionManager::default()),
        config,
    );
    let guard = Guard::new(Arc::clone(app));
    Router::new().route_service("/mcp", service).layer(from_fn_with_state(guard, guard::layer))
}
