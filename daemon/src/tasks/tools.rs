//! `grove_tasks_*`.

use super::service;
use crate::lookup::id_ref;
use crate::mcp::{Mcp, ToolError};
use crate::sessions;
use grove_core_api::Page;
use grove_core_api::mcp::{IdParams, TasksListParams};
use grove_core_api::rest::tasks::{Task, TaskQuery};
use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, tool, tool_router};

#[tool_router(router = task_tools, vis = "pub(crate)")]
impl Mcp {
    /// Lists tasks, newest first; a task is one prompt's turn in a session.
    #[tool(name = "grove_tasks_list", annotations(read_only_hint = true))]
    async fn tasks_list(
        &self,
        Parameters(params): Parameters<TasksListParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Page<Task>>, ErrorData> {
        let ctx = Self::caller(&context)?;
        let session_id = match &params.session_id {
            Some(id) => {
                let id = id_ref(id).map_err(ToolError::from)?;
                Some(sessions::service::find(&ctx, &id).await.map_err(ToolError::from)?)
            }
            None => None,
        };
        let query =
            TaskQuery { session_id, state: None, limit: params.limit, cursor: params.cursor };
        Ok(Json(service::list(&ctx, &query).await.map_err(ToolError::from)?))
    }

    /// Shows one task.
    #[tool(name = "grove_tasks_get", annotations(read_only_hint = true))]
    async fn tasks_get(
        &self,
        Parameters(params): Parameters<IdParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Task>, ErrorData> {
        let ctx = Self::caller(&context)?;
        let id = id_ref(&params.id).map_err(ToolError::from)?;
        let id = service::find(&ctx, &id).await.map_err(ToolError::from)?;
        Ok(Json(service::get(&ctx, id).await.map_err(ToolError::from)?))
    }
}
