//! What an executor is handed with a task: model, conversation, tools, author.

use crate::app::App;
use crate::context::Ctx;
use crate::error::Error;
use crate::sessions::service::Start;
use crate::{auth, instance, messages, users, worktrees};
use grove_core_api::ipc::method::{GitAuthor, HistoryEntry, McpEndpoint, Prompt};
use grove_core_api::rest::messages::{Body, Message, Role};
use grove_core_api::{limits, rest::tasks::Task};
use std::sync::Arc;

/// Puts together everything for one task.
///
/// # Errors
/// When the model, the worktree or the conversation cannot be had; the task fails with it.
pub(super) async fn build(app: &Arc<App>, start: &Start) -> Result<Prompt, Error> {
    let Start { task, session } = start;
    let ctx = Ctx::system(app, task.created_by);
    let (model, approvals) = instance::service::model_source(app, session, &task.prompt)?;
    let worktree = worktrees::service::ready(ctx.read(), session.worktree_id).await?;
    let user = users::service::get(&ctx, task.created_by).await?;
    let token = auth::session_token::issue(app, task.created_by, session.id).await?;
    Ok(Prompt {
        task_id: task.id,
        session_id: session.id,
        directory: worktree.path,
        text: task.prompt.clone(),
        history: history(&ctx, task).await?,
        model,
        approvals,
        mcp: Some(McpEndpoint { url: app.url("/mcp"), token }),
        author: GitAuthor { email: format!("{}@grove.invalid", user.id.short()), name: user.name },
    })
}

/// The conversation before the task, oldest first, as much of it as fits.
async fn history(ctx: &Ctx, task: &Task) -> Result<Vec<HistoryEntry>, Error> {
    let own = messages::service::prompt_of(ctx.read(), task.id).await?;
    let mut before = own.map(|message| i64::from(message.index));
    let mut pages = Vec::new();
    let mut bytes = 0;
    loop {
        let page = messages::service::newest(ctx.read(), task.session_id, before, limits::PAGE_MAX)
            .await?;
        before = page.first().map(|message| i64::from(message.index));
        let is_last = page.len() < usize::try_from(limits::PAGE_MAX).unwrap_or(usize::MAX);
        let mut fitting = Vec::new();
        for message in page.into_iter().rev() {
            let Some((entry, size)) = entry(message) else { continue };
            bytes += size;
            if bytes > limits::HISTORY_BYTES {
                break;
            }
            fitting.push(entry);
        }
        pages.push(fitting);
        if is_last || bytes > limits::HISTORY_BYTES {
            break;
        }
    }
    let mut entries: Vec<HistoryEntry> = pages.into_iter().flatten().collect();
    entries.reverse();
    // A conversation begins with a person's words; what hangs on a prompt that was cut off goes too.
    let start = entries.iter().position(|it| matches!(it, HistoryEntry::User { .. }));
    Ok(entries.split_off(start.unwrap_or(entries.len())))
}

/// Thinking, errors and notices are not part of what the model said.
fn entry(message: Message) -> Option<(HistoryEntry, usize)> {
    let text = message.text;
    let size = text.len();
    match (message.role, message.body) {
        (_, Body::Prompt) => Some((HistoryEntry::User { text }, size)),
        (Role::Assistant, Body::Text) => Some((HistoryEntry::Assistant { text }, size)),
        (_, Body::Tool { call_id, tool, input, .. }) => {
            let size = size + input.to_string().len();
            Some((HistoryEntry::Tool { call_id, tool, input, output: text }, size))
        }
        _ => None,
    }
}
