//! How people last looked at boards: one view per person and board, the last one written holds.

use crate::auth::policy::Action;
use crate::boards::model::check_view;
use crate::boards::{service, store};
use crate::context::Ctx;
use crate::error::Error;
use grove_core_api::BoardId;
use grove_core_api::rest::boards::BoardView;

/// The caller's view of a board; an empty one before the first.
pub(crate) async fn get(ctx: &Ctx, board: BoardId) -> Result<BoardView, Error> {
    ctx.on_board(Action::ReadBoard, board).await?;
    let stored = store::view(ctx.read(), ctx.actor.user, board).await?;
    Ok(stored.unwrap_or(BoardView { v: 1, ..BoardView::default() }))
}

/// Keeps the caller's view of a board.
pub(crate) async fn put(ctx: &Ctx, board: BoardId, view: BoardView) -> Result<BoardView, Error> {
    ctx.on_board(Action::KeepView, board).await?;
    check_view(&view)?;
    let user = ctx.actor.user;
    ctx.write(move |tx| {
        let view = view.clone();
        Box::pin(async move {
            service::load(tx.connection(), board).await?;
            store::put_view(tx.connection(), user, board, (&view, tx.now)).await?;
            Ok(view)
        })
    })
    .await
}
