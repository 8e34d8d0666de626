//! What an object needs from its board before it is stored: its ends, its picture, its place in the
//! order.

use crate::boards::model::{Placed, Refused, Removed, kind_name, refused};
use crate::boards::store;
use crate::context::Tx;
use crate::error::Error;
use crate::{docs, sessions};
use grove_core_api::event::Op;
use grove_core_api::realtime::NackCode;
use grove_core_api::rest::boards::ObjectKind;
use grove_core_api::rest::comments::Comment;
use grove_core_api::{
    BoardId, BoardObjectId, ErrorCode, SessionId, UnixMillis, UserId, limits, ord,
};

/// Why a change stops: for a reason that its author is told, or because something broke.
pub(crate) enum Stop {
    Refused(Refused),
    Error(Error),
}

impl From<Refused> for Stop {
    fn from(why: Refused) -> Self {
        Self::Refused(why)
    }
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

impl Stop {
    /// As an error of REST.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Error(error) => error,
            Self::Refused(why) => {
                let code = match why.code {
                    NackCode::Invalid => ErrorCode::InvalidRequest,
                    NackCode::Forbidden => ErrorCode::Forbidden,
                    NackCode::Gone => ErrorCode::Gone,
                    NackCode::Rate => ErrorCode::RateLimited,
                    NackCode::Unavailable => ErrorCode::Unavailable,
                    NackCode::Conflict | NackCode::Exists | NackCode::Locked => ErrorCode::Conflict,
                };
                Error::new(code, why.message)
            }
        }
    }
}

/// What lies at an id while a change is under way.
pub(crate) trait Around {
    /// The object as this change leaves it; `None` when the change has not touched it.
    fn touched(&self, id: BoardObjectId) -> Option<Option<&Placed>>;
}

/// Nothing else is changed together with this.
pub(crate) struct Alone;

impl Around for Alone {
    fn touched(&self, _id: BoardObjectId) -> Option<Option<&Placed>> {
        None
    }
}

/// Puts a new object above everything unless it says where it belongs.
pub(crate) async fn order(tx: &Tx<'_>, placed: &mut Placed) -> Result<(), Error> {
    if placed.ord.is_empty() {
        let highest = store::highest_ord(tx.connection(), placed.board_id).await?;
        placed.ord = ord::after(&highest);
        if placed.ord.len() > limits::ORD_BYTES {
            // Of equal ones the younger id lies above.
            placed.ord = highest;
        }
    }
    Ok(())
}

/// Fills in what is known of a picture's content; fails when it was never sent to the board.
pub(crate) async fn check_image(tx: &Tx<'_>, placed: &mut Placed) -> Result<(), Stop> {
    let Some(id) = placed.data.image.as_deref() else { return Ok(()) };
    match store::image(tx.connection(), placed.board_id, id).await? {
        Some(image) => {
            placed.data.natural_size = Some(image.natural_size);
            Ok(())
        }
        None => Ok(refused(NackCode::Invalid, "send the image to the board first")?),
    }
}

/// Fails unless both ends of an edge lie on its board.
pub(crate) async fn check_ends(
    tx: &Tx<'_>,
    placed: &Placed,
    around: &impl Around,
) -> Result<(), Stop> {
    let Some(ends) = placed.ends else { return Ok(()) };
    if ends[0] == ends[1] {
        return Ok(refused(NackCode::Invalid, "an edge has two different ends")?);
    }
    for end in ends {
        let stored;
        let found = match around.touched(end) {
            Some(touched) => touched,
            None => {
                stored = visible(tx, end).await?;
                stored.as_ref()
            }
        };
        let is_end =
            found.is_some_and(|it| it.board_id == placed.board_id && it.kind != ObjectKind::Edge);
        if !is_end {
            let message = format!("an edge's end `{end}` is not on this board");
            return Ok(refused(NackCode::Invalid, message)?);
        }
        let board = placed.board_id;
        let others = store::count_edges(tx.connection(), board, end, placed.id).await?;
        if others >= limits::OBJECT_EDGES {
            let message = format!("`{end}` has {} edges already", limits::OBJECT_EDGES);
            return Ok(refused(NackCode::Invalid, message)?);
        }
    }
    Ok(())
}

/// An object that people see on its board: not the card of an archived session.
pub(crate) async fn visible(tx: &Tx<'_>, id: BoardObjectId) -> Result<Option<Placed>, Error> {
    let Some(placed) = store::object(tx.connection(), id).await? else { return Ok(None) };
    if placed.kind == ObjectKind::Session
        && sessions::service::is_archived(tx.connection(), SessionId(id.0)).await?
    {
        return Ok(None);
    }
    Ok(Some(placed))
}

/// Removes the edges at an object that goes; returns the operations that say so.
pub(crate) async fn remove_edges(
    tx: &Tx<'_>,
    board: BoardId,
    end: BoardObjectId,
) -> Result<Vec<Op>, Error> {
    let mut ops = Vec::new();
    for edge in store::edges_at(tx.connection(), board, end).await? {
        remove(tx, &edge).await?;
        ops.push(Op::del(edge.id));
    }
    Ok(ops)
}

/// Removes an object's row and its document, and remembers by whom.
pub(crate) async fn remove(tx: &Tx<'_>, placed: &Placed) -> Result<(), Error> {
    docs::service::removed(tx, placed.id.into()).await?;
    store::delete_object(tx.connection(), placed.id).await?;
    let removed = Removed {
        board_id: placed.board_id,
        created_by: placed.created_by,
        created_at_ms: placed.created_at_ms,
        removed_by: tx.actor.user,
    };
    store::bury(tx.connection(), placed.id.0, kind_name(placed.kind), removed, tx.now).await
}

/// Remembers who removed a comment of a board.
pub(crate) async fn bury_comment(tx: &Tx<'_>, board: BoardId, it: &Comment) -> Result<(), Error> {
    let removed = Removed {
        board_id: board,
        created_by: it.created_by,
        created_at_ms: it.created_at_ms,
        removed_by: tx.actor.user,
    };
    store::bury(tx.connection(), it.id.0, "comment", removed, tx.now).await
}

/// Who counts as the author of a put: whoever sends it, or who first made what it brings back.
pub(crate) async fn author(
    tx: &Tx<'_>,
    board: BoardId,
    id: BoardObjectId,
) -> Result<(UserId, UnixMillis), Stop> {
    let me = tx.actor.user;
    match store::removed(tx.connection(), id).await? {
        None => Ok((me, tx.now)),
        Some(it) if it.board_id == board && [it.removed_by, it.created_by].contains(&me) => {
            Ok((it.created_by, it.created_at_ms))
        }
        Some(_) => Err(gone(id).into()),
    }
}

/// The refusal of what is not there any more.
pub(crate) fn gone(id: impl std::fmt::Display) -> Refused {
    Refused { code: NackCode::Gone, message: format!("`{id}` is gone") }
}
