//! What a document belongs to, who may use it, and its way from the database into memory.

use super::Document;
use super::live::Open;
use crate::auth::policy::Action;
use crate::boards;
use crate::context::{Ctx, Tx};
use crate::docs::store::{self, Loose, Stored};
use crate::error::Error;
use crate::sessions;
use grove_core_api::rest::docs::DocKind;
use grove_core_api::{BoardId, DocId, IdRef, SessionId, limits};
use sea_orm::ConnectionTrait;

/// What a document belongs to.
pub(crate) struct Target {
    pub(super) kind: DocKind,
    pub(super) board: Option<BoardId>,
    /// The board whose rights hold for it.
    pub(super) place: BoardId,
    pub(super) session: Option<SessionId>,
    /// The words that it begins with.
    pub(super) text: String,
    /// Bytes that the text may have.
    pub(super) most_bytes: usize,
}

/// Finds what an id, perhaps a short one, belongs to.
pub(super) async fn find(ctx: &Ctx, id: &IdRef) -> Result<DocId, Error> {
    match boards::service::objects::find(ctx, id).await {
        Ok(object) => Ok(object.into()),
        Err(_) => sessions::service::find(ctx, id).await.map(DocId::from),
    }
}

/// The board object with words, or the session, that a document belongs to.
pub(super) async fn target(connection: &impl ConnectionTrait, id: DocId) -> Result<Target, Error> {
    if let Some(words) = boards::service::objects::words(connection, id.0.into()).await? {
        let (kind, place) = (DocKind::Note, words.board);
        let (text, most_bytes) = (words.text, words.most_bytes);
        return Ok(Target { kind, board: Some(place), place, session: None, text, most_bytes });
    }
    let session = SessionId(id.0);
    match sessions::service::load(connection, session).await {
        Ok(record) => {
            let (kind, session, place) = (DocKind::Draft, Some(session), record.session.board_id);
            let (text, most_bytes) = (String::new(), limits::PROMPT_BYTES);
            Ok(Target { kind, board: None, place, session, text, most_bytes })
        }
        Err(_) => Err(Error::not_found(DocId::NOUN, id)),
    }
}

/// Who may read the board or session may read the document.
pub(crate) async fn may_read(ctx: &Ctx, id: DocId) -> Result<Target, Error> {
    let target = target(ctx.read(), id).await?;
    let unseen = || Error::not_found(DocId::NOUN, id);
    ctx.on_place(Action::ReadBoard, target.place, unseen).await?;
    Ok(target)
}

/// Who may change the board, or prompt the session, may write.
pub(super) async fn may_write(
    ctx: &Ctx,
    id: DocId,
    (kind, board): (DocKind, BoardId),
) -> Result<(), Error> {
    let action = match kind {
        DocKind::Note => Action::EditBoards,
        DocKind::Draft => Action::PromptSessions,
    };
    let unseen = || Error::not_found(DocId::NOUN, id);
    ctx.on_place(action, board, unseen).await.map(drop)
}

/// Loads the document unless it is in memory; makes it when there is none.
pub(super) async fn ensure<'p>(
    ctx: &Ctx,
    id: DocId,
    place: &'p mut Option<Open>,
) -> Result<&'p mut Open, Error> {
    if place.is_none() {
        let open = ctx.write(move |tx| Box::pin(async move { load(tx, id).await })).await?;
        return Ok(place.insert(open));
    }
    place.as_mut().ok_or_else(|| Error::internal("a document vanished from memory"))
}

/// Reads a document, or makes it from its note's words: in one transaction, so that two who come
/// first together do not make it twice.
pub(super) async fn load(tx: &Tx<'_>, id: DocId) -> Result<Open, Error> {
    let connection = tx.connection();
    let target = target(connection, id).await?;
    if let Some(stored) = store::load(connection, id).await? {
        return Ok(Open {
            kind: target.kind,
            board: target.place,
            most_bytes: target.most_bytes,
            stored,
        });
    }
    let document = Document::of_text(&target.text);
    let followed = (target.kind == DocKind::Note).then_some(0);
    let epoch = store::insert(connection, id, &document, followed, tx.now).await?;
    let stored = Stored { epoch, seq: 0, loose: Loose::default(), document };
    Ok(Open { kind: target.kind, board: target.place, most_bytes: target.most_bytes, stored })
}
