//! What people may do with documents: reading and writing them.

mod follow;
mod live;
mod open;
mod other_ways;

pub(crate) use follow::run;
pub(crate) use live::Docs;
pub(crate) use open::may_read;
pub(crate) use other_ways::{changed, heard, removed, replaced, take};

use super::model::{Document, Refusal};
use super::store;
use crate::context::Ctx;
use crate::error::Error;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use grove_core_api::rest::docs::{Doc, DocKind};
use grove_core_api::{DocId, ErrorCode, IdRef, limits};
use live::Open;
use open::{Target, ensure, may_write};

/// Where a document stands.
pub(crate) struct Head {
    pub(crate) epoch: String,
    pub(crate) seq: i64,
    pub(crate) state_vector: Vec<u8>,
}

/// Why an update was not applied.
pub(crate) enum Refused {
    /// It builds on something that never came; this is the state vector.
    Lacks(Vec<u8>),
    /// Anything else.
    Error(Error),
}

impl<E: Into<Error>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

impl From<Refusal> for Error {
    fn from(why: Refusal) -> Self {
        let code = match why {
            Refusal::Malformed(_) | Refusal::Broken => ErrorCode::InvalidRequest,
            Refusal::Lacks => ErrorCode::Conflict,
            Refusal::Update | Refusal::Text(_) | Refusal::Document => ErrorCode::TooLarge,
        };
        Self::new(code, why.to_string())
    }
}

/// Finds the document of a board object or session.
pub(crate) async fn find(ctx: &Ctx, id: &IdRef) -> Result<DocId, Error> {
    open::find(ctx, id).await
}

/// Shows a document.
pub(crate) async fn get(ctx: &Ctx, id: DocId) -> Result<Doc, Error> {
    let Target { kind, board, session, .. } = may_read(ctx, id).await?;
    let place = ctx.app.docs.hold(id, |it| ctx.app.hub.is_doc_open(it))?;
    let mut place = place.lock().await;
    let open = ensure(ctx, id, &mut place).await?;
    let document = &open.stored.document;
    Ok(Doc {
        id,
        kind,
        board_id: board,
        session_id: session,
        text: document.text(),
        epoch: open.stored.epoch.clone(),
        seq: open.stored.seq,
        state: STANDARD.encode(document.encode()),
    })
}

/// Says where a document stands; makes it when it is used for the first time.
pub(crate) async fn head(ctx: &Ctx, id: DocId) -> Result<Head, Error> {
    may_read(ctx, id).await?;
    let place = ctx.app.docs.hold(id, |it| ctx.app.hub.is_doc_open(it))?;
    let mut place = place.lock().await;
    let stored = &ensure(ctx, id, &mut place).await?.stored;
    let state_vector = stored.document.state_vector();
    Ok(Head { epoch: stored.epoch.clone(), seq: stored.seq, state_vector })
}

/// What somebody with a state vector lacks.
pub(crate) async fn diff(
    ctx: &Ctx,
    id: DocId,
    epoch: &str,
    state_vector: &[u8],
) -> Result<Vec<u8>, Error> {
    may_read(ctx, id).await?;
    let place = ctx.app.docs.hold(id, |it| ctx.app.hub.is_doc_open(it))?;
    let mut place = place.lock().await;
    let stored = &ensure(ctx, id, &mut place).await?.stored;
    if stored.epoch != epoch {
        return Err(began_anew());
    }
    Ok(stored.document.diff(state_vector)?)
}

/// Applies somebody's update, stores it, then tells those who have the document open.
pub(crate) async fn update(
    ctx: &Ctx,
    id: DocId,
    (epoch, origin): (&str, u64),
    bytes: &[u8],
) -> Result<(), Refused> {
    let place = ctx.app.docs.hold(id, |it| ctx.app.hub.is_doc_open(it))?;
    let mut place = place.lock().await;
    let open = ensure(ctx, id, &mut place).await?;
    let whose = (open.kind, open.board);
    may_write(ctx, id, whose).await?;
    if open.stored.epoch != epoch {
        return Err(began_anew().into());
    }
    let applied = match apply(ctx, &mut place, bytes).await {
        Err(Refusal::Lacks) => {
            let open = ensure(ctx, id, &mut place).await?;
            return Err(Refused::Lacks(open.stored.document.state_vector()));
        }
        applied => applied.map_err(Error::from)?,
    };
    let Some(news) = applied else { return Ok(()) };
    // Until it is stored the copy in memory is ahead; when storing fails it is read again.
    let Some(mut open) = place.take() else { return Ok(()) };
    let seq = append(ctx, id, epoch, &news).await?.ok_or_else(began_anew)?;
    if seq == open.stored.seq + 1 {
        open.stored.seq = seq;
        open.stored.loose.updates += 1;
        open.stored.loose.bytes += news.len();
        ctx.app.hub.publish_update(id, origin, &news);
    } else {
        other_ways::read_on(ctx, id, &mut open).await?;
    }
    ctx.app.hub.tell_doc(id);
    if open.kind == DocKind::Note {
        ctx.app.docs.note_behind(id, ctx.actor);
    }
    compact(ctx, id, &mut open).await;
    *place = Some(open);
    Ok(())
}

/// Applies an update to the copy in memory; a large one apart from the threads that serve everybody.
async fn apply(
    ctx: &Ctx,
    place: &mut Option<Open>,
    bytes: &[u8],
) -> Result<Option<Vec<u8>>, Refusal> {
    let Some(mut open) = place.take() else { return Err(Refusal::Broken) };
    let limit = open.most_bytes;
    let applied = if bytes.len() <= limits::DOC_INLINE_BYTES {
        open.stored.document.apply(bytes, limit)
    } else {
        let bytes = bytes.to_vec();
        let apart = ctx.app.spawner.spawn_blocking(move || {
            let applied = open.stored.document.apply(&bytes, limit);
            (open, applied)
        });
        let Ok((back, applied)) = apart.await else { return Err(Refusal::Broken) };
        open = back;
        applied
    };
    if applied != Err(Refusal::Broken) {
        *place = Some(open);
    }
    applied
}

/// Stores an update and returns its number; `None` when the document is not of that epoch any more.
async fn append(ctx: &Ctx, id: DocId, epoch: &str, news: &[u8]) -> Result<Option<i64>, Error> {
    let (epoch, news) = (epoch.to_owned(), news.to_vec());
    ctx.write(move |tx| {
        let (epoch, news) = (epoch.clone(), news.clone());
        Box::pin(async move {
            store::append(tx.connection(), (id, &epoch), &news, &tx.actor, tx.now).await
        })
    })
    .await
}

/// Stores the whole state in place of many updates, now and then.
async fn compact(ctx: &Ctx, id: DocId, open: &mut Open) {
    let loose = open.stored.loose;
    if loose.updates < limits::DOC_COMPACT_UPDATES && loose.bytes < limits::DOC_COMPACT_BYTES {
        return;
    }
    let (seq, state) = (open.stored.seq, open.stored.document.encode());
    let epoch = open.stored.epoch.clone();
    let compacted = ctx.write(move |tx| {
        let (epoch, state) = (epoch.clone(), state.clone());
        Box::pin(async move { store::compact(tx.connection(), (id, &epoch), seq, &state).await })
    });
    match compacted.await {
        Ok(true) => open.stored.loose = store::Loose::default(),
        // Others wrote in between; the next update tries again.
        Ok(false) => {}
        Err(error) => tracing::warn!(doc = %id, %error, "document {id} was not compacted"),
    }
}

fn began_anew() -> Error {
    Error::new(ErrorCode::Gone, "the document is gone or began anew").hint("join it again")
}
