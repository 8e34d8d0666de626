//! Changes that do not come from somebody who has the document open: a note's text set over REST or
//! by a mutation, a note removed, a draft taken by its prompt.
//!
//! They run in the transaction of the change that they belong to; the copy in memory, and who has the
//! document open, hear of it after the commit by [`changed`].

use super::live::Open;
use super::open::load;
use super::{STANDARD, began_anew};
use crate::context::{Ctx, Tx};
use crate::docs::store::{self, Stored};
use crate::error::Error;
use base64::Engine as _;
use grove_core_api::rest::sessions::TakenDraft;
use grove_core_api::{DocId, ErrorCode, SessionId, limits};

/// Changes the document, if there is one, to a text that its note was given.
pub(crate) async fn replaced(tx: &Tx<'_>, id: DocId, text: &str) -> Result<(), Error> {
    let Some(mut stored) = store::load(tx.connection(), id).await? else { return Ok(()) };
    let Some(update) = stored.document.replace(text) else { return Ok(()) };
    let seq = append(tx, id, &stored, &update).await?;
    store::followed(tx.connection(), id, seq).await
}

/// Removes the document of a note that is removed.
pub(crate) async fn removed(tx: &Tx<'_>, id: DocId) -> Result<(), Error> {
    store::delete(tx.connection(), id).await?;
    Ok(())
}

/// Takes a prompt's text out of the session's draft: exactly the characters that its author saw.
///
/// # Errors
/// `Conflict` when some of them are not there any more: somebody else sent or deleted them.
pub(crate) async fn take(
    tx: &Tx<'_>,
    session: SessionId,
    draft: &TakenDraft,
    text: &str,
) -> Result<(), Error> {
    let id = DocId::from(session);
    let stored = store::load(tx.connection(), id).await?;
    let Some(mut stored) = stored.filter(|it| it.epoch == draft.epoch) else {
        return Err(began_anew());
    };
    let (limit, before) = (limits::PROMPT_BYTES, stored.document.state_vector());
    let update = decode("draft.update", &draft.update)?;
    let clear = decode("draft.clear", &draft.clear)?;
    let written = stored.document.apply(&update, limit)?;
    let length = stored.document.text_bytes();
    let cleared = stored.document.apply(&clear, limit)?;
    if length - stored.document.text_bytes().min(length) != text.len() {
        return Err(Error::new(ErrorCode::Conflict, "the draft has changed meanwhile")
            .hint("look at it, then send it again"));
    }
    if written.is_some() || cleared.is_some() {
        let news = stored.document.diff(&before)?;
        append(tx, id, &stored, &news).await?;
    }
    Ok(())
}

fn decode(field: &str, text: &str) -> Result<Vec<u8>, Error> {
    STANDARD.decode(text).map_err(|error| Error::field(field, "must be Base64").because(error))
}

async fn append(tx: &Tx<'_>, id: DocId, stored: &Stored, update: &[u8]) -> Result<i64, Error> {
    store::append(tx.connection(), (id, &stored.epoch), update, &tx.actor, tx.now)
        .await?
        .ok_or_else(began_anew)
}

/// Brings the copies in memory, and who has the documents open, up to what was committed: here and
/// at other daemons.
pub(crate) async fn changed(ctx: &Ctx, ids: impl IntoIterator<Item = DocId>) {
    for id in ids {
        heard(ctx, id).await;
        ctx.app.hub.tell_doc(id);
    }
}

/// The same for a document that another daemon changed: it knows already.
pub(crate) async fn heard(ctx: &Ctx, id: DocId) {
    if let Err(error) = catch_up(ctx, id).await {
        // The copy is gone then; whoever has the document open reads it anew.
        tracing::warn!(doc = %id, %error, "document {id} could not be read again");
        ctx.app.hub.end_doc(id);
    }
}

async fn catch_up(ctx: &Ctx, id: DocId) -> Result<(), Error> {
    let Some(place) = ctx.app.docs.held(id) else { return Ok(()) };
    let mut place = place.lock().await;
    let Some(mut open) = place.take() else { return Ok(()) };
    let head = store::head(ctx.read(), id).await?;
    if head.is_none_or(|(epoch, _)| epoch != open.stored.epoch) {
        ctx.app.hub.end_doc(id);
        return Ok(());
    }
    read_on(ctx, id, &mut open).await?;
    *place = Some(open);
    Ok(())
}

/// Merges what others stored after the copy was read, and tells who has the document open.
pub(super) async fn read_on(ctx: &Ctx, id: DocId, open: &mut Open) -> Result<(), Error> {
    let updates = store::after(ctx.read(), id, open.stored.seq).await?;
    let is_whole = updates.iter().zip(open.stored.seq + 1..).all(|(it, seq)| it.seq == seq);
    if !is_whole {
        // Somebody else put them into one state meanwhile.
        *open = ctx.write(move |tx| Box::pin(async move { load(tx, id).await })).await?;
        ctx.app.hub.publish_update(id, 0, &open.stored.document.encode());
        return Ok(());
    }
    for update in updates {
        open.stored.document.merge(&update.bytes)?;
        open.stored.seq = update.seq;
        open.stored.loose.updates += 1;
        open.stored.loose.bytes += update.bytes.len();
        ctx.app.hub.publish_update(id, 0, &update.bytes);
    }
    Ok(())
}
