//! `grove_sessions_*`.

use super::service;
use crate::lookup::id_ref;
use crate::mcp::{Mcp, ToolError};
use grove_core_api::Page;
use grove_core_api::mcp::{IdParams, SessionsListParams, SessionsSpawnParams};
use grove_core_api::rest::sessions::{Session, SessionQuery, SpawnSession};
use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, tool, tool_router};

#[tool_router(router = session_tools, vis = "pub(crate)")]
impl Mcp {
    /// Lists sessions, newest first, perhaps only those in a state or on a board.
    #[tool(name = "grove_sessions_list", annotations(read_only_hint = true))]
    async fn sessions_list(
        &self,
        Parameters(params): Parameters<SessionsListParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Page<Session>>, ErrorData> {
        let ctx = Self::caller(&context)?;
        let query = SessionQuery {
            board_id: params.board_id,
            state: params.status,
            parent_id: None,
            include_archived: None,
            limit: params.limit,
            cursor: params.cursor,
        };
        Ok(Json(service::list(&ctx, &query).await.map_err(ToolError::from)?))
    }

    /// Shows one session.
    #[tool(name = "grove_sessions_get", annotations(read_only_hint = true))]
    async fn sessions_get(
        &self,
        Parameters(params): Parameters<IdParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Session>, ErrorData> {
        let ctx = Self::caller(&context)?;
        let id = id_ref(&params.id).map_err(ToolError::from)?;
        let id = service::find(&ctx, &id).await.map_err(ToolError::from)?;
        Ok(Json(service::get(&ctx, id).await.map_err(ToolError::from)?))
    }

    /// Shows the session that you run in.
    #[tool(name = "grove_sessions_get_current", annotations(read_only_hint = true))]
    async fn sessions_get_current(
        &self,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Session>, ErrorData> {
        let ctx = Self::caller(&context)?;
        Ok(Json(service::current(&ctx).await.map_err(ToolError::from)?))
    }

    /// Makes a child session with its own prompt and worktree, starting at your present state.
    #[tool(name = "grove_sessions_spawn")]
    async fn sessions_spawn(
        &self,
        Parameters(params): Parameters<SessionsSpawnParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Session>, ErrorData> {
        let ctx = Self::caller(&context)?;
        let parent = match &params.parent_id {
            Some(id) => {
                let id = id_ref(id).map_err(ToolError::from)?;
                service::find(&ctx, &id).await.map_err(ToolError::from)?
            }
            None => service::current(&ctx).await.map_err(ToolError::from)?.id,
        };
        let body = SpawnSession {
            prompt: params.prompt,
            title: params.title,
            agent: params.agent,
            model: params.model,
        };
        Ok(Json(service::spawn(&ctx, parent, body).await.map_err(ToolError::from)?))
    }
}
