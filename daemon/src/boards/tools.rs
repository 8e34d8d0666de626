//! `grove_boards_*`.

use super::service;
use crate::lookup::id_ref;
use crate::mcp::{Mcp, ToolError};
use grove_core_api::mcp::{IdParams, ListParams};
use grove_core_api::rest::boards::Board;
use grove_core_api::{Page, PageQuery};
use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, tool, tool_router};

#[tool_router(router = board_tools, vis = "pub(crate)")]
impl Mcp {
    /// Lists the boards that are not archived, newest first.
    #[tool(name = "grove_boards_list", annotations(read_only_hint = true))]
    async fn boards_list(
        &self,
        Parameters(params): Parameters<ListParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Page<Board>>, ErrorData> {
        let ctx = Self::caller(&context)?;
        let query = PageQuery { limit: params.limit, cursor: params.cursor };
        Ok(Json(service::list(&ctx, &query, false).await.map_err(ToolError::from)?))
    }

    /// Shows one board.
    #[tool(name = "grove_boards_get", annotations(read_only_hint = true))]
    async fn boards_get(
        &self,
        Parameters(params): Parameters<IdParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Board>, ErrorData> {
        let ctx = Self::caller(&context)?;
        let id = id_ref(&params.id).map_err(ToolError::from)?;
        let id = service::find(&ctx, &id).await.map_err(ToolError::from)?;
        Ok(Json(service::get(&ctx, id).await.map_err(ToolError::from)?))
    }
}
