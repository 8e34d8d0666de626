//! Stores a changed session: derives its state from the facts, and tells session and board.

use crate::boards;
use crate::boards::service::CardPlace;
use crate::context::Tx;
use crate::error::Error;
use crate::sessions::model::{Facts, Record, card, run_state};
use crate::sessions::store;
use crate::{messages, notices, patch_ops, tasks};
use grove_core_api::event::Topic;
use grove_core_api::rest::sessions::{Evidence, Session};
use grove_core_api::rest::tasks::TaskState;
use sea_orm::ConnectionTrait;

async fn facts(connection: &impl ConnectionTrait, record: &Record) -> Result<Facts, Error> {
    let id = record.session.id;
    let running = tasks::service::first_in(connection, id, TaskState::Running).await?;
    let queued = tasks::service::count_in(connection, id, TaskState::Queued).await?;
    let pending_permissions = messages::service::count_pending(connection, id).await?;
    let last = tasks::service::last_outcome(connection, id).await?;
    Ok(Facts {
        is_archived: record.session.archived_at_ms.is_some(),
        running: running.map(|task| task.started_at_ms.is_some()),
        queued,
        pending_permissions,
        is_stopping: record.is_stopping,
        has_failed_executor: record.health.has_failed(),
        last,
    })
}

/// Derives the state, stores the session and emits what changed of it and of its card.
///
/// `evidence` is the fact that changed, for "why?"; it is kept when the state changes.
pub(super) async fn settle(
    tx: &Tx<'_>,
    before: &Record,
    mut after: Record,
    evidence: Option<(&str, &str)>,
) -> Result<Session, Error> {
    let state = run_state(&facts(tx.connection(), &after).await?);
    if state != before.session.state
        && let Some((fact, detail)) = evidence
    {
        let (fact, detail) = (fact.to_owned(), detail.to_owned());
        after.session.evidence = Evidence { fact, detail, at_ms: tx.now };
    }
    after.session.state = state;
    store_and_tell(tx, before, after).await
}

/// Stores a session whose state is not touched, such as a new line or more usage.
pub(super) async fn store_and_tell(
    tx: &Tx<'_>,
    before: &Record,
    mut after: Record,
) -> Result<Session, Error> {
    after.session.updated_at_ms = tx.now;
    store::update(tx.connection(), &after).await?;
    let session = after.session;
    let ops = patch_ops::set(session.id, &before.session, &session)?;
    tx.emit(Topic::Session(session.id), "session.patched", ops).await?;
    tell_board(tx, &before.session, &session).await?;
    notices::service::session_changed(tx, &before.session, &session).await?;
    Ok(session)
}

async fn tell_board(tx: &Tx<'_>, before: &Session, after: &Session) -> Result<(), Error> {
    let topic = Topic::Board(after.board_id);
    let id = after.id;
    match (before.archived_at_ms.is_some(), after.archived_at_ms.is_some()) {
        (false, true) => {
            let gone = boards::service::objects::hide_card(tx, after.board_id, id).await?;
            tx.emit(topic, "session.archived", gone).await
        }
        (true, false) => {
            let place = boards::service::objects::card_place(tx, id).await?;
            let put = patch_ops::put(id, "session", &card(after, place))?;
            let seq = tx.emit_as(topic, "session.unarchived", None, vec![put]).await?;
            boards::service::objects::card_shown(tx, id, seq).await
        }
        (true, true) => Ok(()),
        (false, false) => {
            let [before, after] = [before, after].map(|it| card(it, CardPlace::default()));
            let ops = patch_ops::set(id, &before, &after)?;
            tx.emit(topic, "session.patched", ops).await
        }
    }
}
