//! `grove_users_*`.

use super::service;
use crate::lookup::id_ref;
use crate::mcp::{Mcp, ToolError};
use grove_core_api::mcp::{IdParams, ListParams, UsersUpdateCurrentParams};
use grove_core_api::rest::users::{PatchUser, User};
use grove_core_api::{Page, PageQuery};
use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, tool, tool_router};

#[tool_router(router = user_tools, vis = "pub(crate)")]
impl Mcp {
    /// Lists the people of this Grove, newest first.
    #[tool(name = "grove_users_list", annotations(read_only_hint = true))]
    async fn users_list(
        &self,
        Parameters(params): Parameters<ListParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Page<User>>, ErrorData> {
        let ctx = Self::caller(&context)?;
        let query = PageQuery { limit: params.limit, cursor: params.cursor };
        Ok(Json(service::list(&ctx, &query).await.map_err(ToolError::from)?))
    }

    /// Shows one person.
    #[tool(name = "grove_users_get", annotations(read_only_hint = true))]
    async fn users_get(
        &self,
        Parameters(params): Parameters<IdParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<User>, ErrorData> {
        let ctx = Self::caller(&context)?;
        let id = id_ref(&params.id).map_err(ToolError::from)?;
        let id = service::find(&ctx, &id).await.map_err(ToolError::from)?;
        Ok(Json(service::get(&ctx, id).await.map_err(ToolError::from)?))
    }

    /// Shows the person that you work for.
    #[tool(name = "grove_users_get_current", annotations(read_only_hint = true))]
    async fn users_get_current(
        &self,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<User>, ErrorData> {
        let ctx = Self::caller(&context)?;
        Ok(Json(service::me(&ctx).await.map_err(ToolError::from)?))
    }

    /// Changes name or emoji of the person that you work for.
    #[tool(name = "grove_users_update_current")]
    async fn users_update_current(
        &self,
        Parameters(params): Parameters<UsersUpdateCurrentParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<User>, ErrorData> {
        let ctx = Self::caller(&context)?;
        let patch = PatchUser { name: params.name, emoji: params.emoji };
        Ok(Json(service::patch_me(&ctx, patch).await.map_err(ToolError::from)?))
    }
}
