//! Answers to requests for permission: stored first, then handed to the executor.

use super::{load, state};
use crate::auth::policy::Action;
use crate::context::Ctx;
use crate::error::Error;
use crate::{messages, tasks, validate};
use grove_core_api::ipc::method;
use grove_core_api::rest::messages::{Body, Message};
use grove_core_api::rest::sessions::AnswerPermission;
use grove_core_api::rest::tasks::TaskState;
use grove_core_api::{ErrorCode, IdRef, PermissionId, SessionId};

/// Finds a request of a session by its id or the end of it; a short one means a waiting request.
pub(crate) async fn find_permission(
    ctx: &Ctx,
    session: SessionId,
    id: &IdRef,
) -> Result<PermissionId, Error> {
    let short = match id {
        IdRef::Full(id) => return Ok(PermissionId(*id)),
        IdRef::Short(short) => short,
    };
    let waiting = messages::service::permissions(ctx.read(), session, true).await?;
    waiting
        .iter()
        .map(|pending| pending.id)
        .find(|id| id.0.simple().to_string().ends_with(short.as_str()))
        .ok_or_else(|| Error::not_found(PermissionId::NOUN, short))
}

/// Answers a request. The first answer counts; it is attributed and survives a crash.
pub(crate) async fn answer(
    ctx: &Ctx,
    session: SessionId,
    id: PermissionId,
    body: AnswerPermission,
) -> Result<Message, Error> {
    let held = ctx.on_session(Action::AnswerPermissions, session).await?;
    super::here(ctx, session).await?;
    let reason = body.reason.map(|reason| validate::note("reason", &reason)).transpose()?;
    let reason = reason.filter(|reason| !reason.trim().is_empty());
    let (decision, by) = (body.decision, ctx.actor.user);
    let told = reason.clone();
    let message = ctx
        .write(move |tx| {
            let reason = reason.clone();
            Box::pin(async move {
                let connection = tx.connection();
                let pending = messages::service::permission(connection, id)
                    .await?
                    .filter(|pending| pending.session == session)
                    .ok_or_else(|| Error::not_found(PermissionId::NOUN, id))?;
                if tasks::service::load(connection, pending.task).await?.created_by != by {
                    held.require(connection, Action::SteerOthers).await?;
                }
                let before = messages::service::get(connection, pending.message)
                    .await?
                    .ok_or_else(|| Error::internal("a request for permission has no message"))?;
                if !pending.is_pending {
                    let detail = "the request was answered or withdrawn already";
                    return Err(Error::new(ErrorCode::Conflict, detail));
                }
                let mut after = before.clone();
                after.updated_at_ms = tx.now;
                if let Body::Tool { permission: Some(permission), .. } = &mut after.body {
                    permission.decision = Some(decision);
                    permission.answered_by = Some(by);
                    permission.answer_reason = reason;
                }
                messages::service::settle_permission(connection, id).await?;
                messages::service::save(tx, &before, &after).await?;
                let before = load(connection, session).await?;
                let evidence = Some(("permission_answered", "a person answered the request"));
                state::settle(tx, &before, before.clone(), evidence).await?;
                Ok(after)
            })
        })
        .await?;
    let call = method::AnswerPermission { request_id: id, decision, reason: told };
    ctx.app.pool.tell_answer(session, call);
    Ok(message)
}

/// Answers of the running task that the executor may not have heard of because of a restart.
pub(crate) async fn unconfirmed_answers(
    ctx: &Ctx,
    session: SessionId,
) -> Result<Vec<method::AnswerPermission>, Error> {
    let running = tasks::service::first_in(ctx.read(), session, TaskState::Running).await?;
    let Some(task) = running else { return Ok(Vec::new()) };
    let mut answers = Vec::new();
    for answered in messages::service::permissions(ctx.read(), session, false).await? {
        if answered.task != task.id {
            continue;
        }
        let message = messages::service::get(ctx.read(), answered.message).await?;
        if let Some(Body::Tool { permission: Some(permission), .. }) = message.map(|it| it.body)
            && let Some(decision) = permission.decision
        {
            let reason = permission.answer_reason;
            answers.push(method::AnswerPermission { request_id: answered.id, decision, reason });
        }
    }
    Ok(answers)
}
