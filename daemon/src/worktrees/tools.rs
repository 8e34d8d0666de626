//! `grove_worktrees_*`.

use super::service;
use crate::context::Ctx;
use crate::error::Error;
use crate::lookup::id_ref;
use crate::mcp::{Mcp, ToolError};
use crate::sessions;
use grove_core_api::mcp::{IdParams, ListParams, WorktreesCreateParams, WorktreesUpdateParams};
use grove_core_api::rest::worktrees::{CreateWorktree, PatchWorktree, Worktree};
use grove_core_api::{Page, PageQuery, WorktreeId};
use rmcp::handler::server::wrapper::{Json, Parameters};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, tool, tool_router};

#[tool_router(router = worktree_tools, vis = "pub(crate)")]
impl Mcp {
    /// Shows one worktree.
    #[tool(name = "grove_worktrees_get", annotations(read_only_hint = true))]
    async fn worktrees_get(
        &self,
        Parameters(params): Parameters<IdParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Worktree>, ErrorData> {
        let ctx = Self::caller(&context)?;
        let id = named(&ctx, &params.id).await.map_err(ToolError::from)?;
        Ok(Json(service::get(&ctx, id).await.map_err(ToolError::from)?))
    }

    /// Lists worktrees, newest first.
    #[tool(name = "grove_worktrees_list", annotations(read_only_hint = true))]
    async fn worktrees_list(
        &self,
        Parameters(params): Parameters<ListParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Page<Worktree>>, ErrorData> {
        let ctx = Self::caller(&context)?;
        let query = PageQuery { limit: params.limit, cursor: params.cursor };
        Ok(Json(service::list(&ctx, None, false, &query).await.map_err(ToolError::from)?))
    }

    /// Makes a worktree of a repository on a new branch.
    #[tool(name = "grove_worktrees_create")]
    async fn worktrees_create(
        &self,
        Parameters(params): Parameters<WorktreesCreateParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Worktree>, ErrorData> {
        let ctx = Self::caller(&context)?;
        let body = CreateWorktree {
            repo_id: params.repo_id,
            board_id: None,
            name: params.worktree_name,
            branch: None,
            base_ref: params.base_ref,
            issue_url: params.issue_url,
        };
        Ok(Json(service::create(&ctx, body).await.map_err(ToolError::from)?))
    }

    /// Sets issue, pull request or notes of a worktree, by default of your own.
    #[tool(name = "grove_worktrees_update")]
    async fn worktrees_update(
        &self,
        Parameters(params): Parameters<WorktreesUpdateParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<Json<Worktree>, ErrorData> {
        let ctx = Self::caller(&context)?;
        let id = match &params.id {
            Some(id) => named(&ctx, id).await,
            None => own(&ctx).await,
        };
        let patch = PatchWorktree {
            issue_url: params.issue_url,
            pull_request_url: params.pull_request_url,
            notes: params.notes,
        };
        let id = id.map_err(ToolError::from)?;
        Ok(Json(service::patch(&ctx, id, patch).await.map_err(ToolError::from)?))
    }
}

async fn named(ctx: &Ctx, text: &str) -> Result<WorktreeId, Error> {
    service::find(ctx, &id_ref(text)?).await
}

async fn own(ctx: &Ctx) -> Result<WorktreeId, Error> {
    Ok(sessions::service::current(ctx).await?.worktree_id)
}
