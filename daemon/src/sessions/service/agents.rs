//! Where agents are on their boards, from what was committed: never guessed, never animated.
//!
//! An agent at work is at its card; when it has changed something on the board through its tools, it is
//! at what it changed, until its card tells of the next thing that it does. Deliberately not here: who
//! sees it, which is the rooms' affair.

use crate::app::App;
use crate::boards;
use crate::context::Ctx;
use crate::error::Error;
use crate::realtime::{AgentAt, UserIdentity};
use crate::repos;
use crate::sessions::model::deeds;
use crate::sessions::store::{self, Filter};
use crate::users;
use grove_core_api::event::{Event, Topic};
use grove_core_api::rest::sessions::{RunState, Session};
use grove_core_api::{BoardId, BoardObjectId, SessionId, limits};
use std::sync::Arc;

/// What agents did that a published event tells of.
#[derive(Debug, Default)]
pub(crate) struct Deeds(Vec<(BoardId, SessionId, BoardObjectId)>);

impl Deeds {
    /// Takes a committed event.
    pub(crate) fn note(&mut self, topic: Topic, event: &Event) {
        if let Topic::Board(board) = topic {
            self.0.extend(deeds(event).into_iter().map(|(agent, object)| (board, agent, object)));
        }
    }

    /// Whether no agent did anything.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Shows the agents where they are now; call it after the events are published.
    pub(crate) async fn show(self, app: &Arc<App>) {
        for (board, session, object) in self.0 {
            if !app.hub.misses_agent(board, session, &object.to_string()) {
                continue;
            }
            if let Err(error) = show(app, board, session, object).await {
                // People see it with the next thing that it does.
                tracing::debug!(session.id = %session, %error, "agent of {session} not shown");
            }
        }
    }
}

async fn show(
    app: &App,
    board: BoardId,
    session: SessionId,
    object: BoardObjectId,
) -> Result<(), Error> {
    let Some(found) = at_work(app, board, session).await? else { return Ok(()) };
    if let Some(agent) = agent(app, &found, object).await? {
        app.hub.show_agent(board, agent);
        // It may have ended in between: then the event that says so came too early to be of use.
        if at_work(app, board, session).await?.is_none() {
            app.hub.hide_agent(board, session);
        }
    }
    Ok(())
}

/// The session, if its agent works on that board.
async fn at_work(app: &App, board: BoardId, id: SessionId) -> Result<Option<Session>, Error> {
    let found = store::get(app.db.read(), id).await?.map(|record| record.session);
    Ok(found.filter(|it| it.state.is_working() && it.board_id == board))
}

async fn agent(
    app: &App,
    session: &Session,
    object: BoardObjectId,
) -> Result<Option<AgentAt>, Error> {
    let connection = app.db.read();
    let pos = boards::service::objects::place(connection, session.board_id, object).await?;
    let Some(pos) = pos else { return Ok(None) };
    let person = users::service::load(connection, session.created_by).await?;
    let who = UserIdentity {
        user: person.id,
        name: session.title.clone(),
        emoji: String::new(),
        slot: u8::try_from(person.slot).unwrap_or(0),
    };
    Ok(Some(AgentAt { session: session.id, who, object: object.to_string(), pos }))
}

/// The agents of this daemon that work on a board, each at its card; a bounded number.
pub(crate) async fn on_board(app: &Arc<App>, board: BoardId) -> Result<Vec<AgentAt>, Error> {
    let ctx = Ctx::system(app, app.owner());
    let mut found = Vec::new();
    for state in RunState::ALL.into_iter().filter(|it| it.is_working()) {
        let filter = Filter { board: Some(board), state: Some(state), ..Filter::default() };
        let most = u64::try_from(limits::BOARD_AGENTS).unwrap_or(u64::MAX);
        for session in store::list(ctx.read(), filter, Some(most)).await? {
            let is_here = repos::service::here(&ctx, session.repo_id).await.is_ok();
            if is_here && found.len() < limits::BOARD_AGENTS {
                found.extend(agent(app, &session, session.id.into()).await?);
            }
        }
    }
    Ok(found)
}
