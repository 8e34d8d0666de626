//! A note's `text` follows its document: a little later, under the name of who wrote.

use crate::boards;
use crate::context::Ctx;
use crate::docs::store;
use crate::error::Error;
use grove_core_api::{DocId, ErrorCode, limits};

/// Documents that are looked up at the start because a crash left their notes behind.
const AT_START: u64 = 10_000;

/// Keeps notes and memory in order until Grove ends; then every note follows at once.
pub(crate) async fn run(ctx: Ctx) {
    match store::behind(ctx.read(), AT_START).await {
        Ok(behind) => behind.into_iter().for_each(|id| ctx.app.docs.note_behind(id, ctx.actor)),
        Err(error) => tracing::warn!(%error, "notes that are behind could not be looked up"),
    }
    let mut idle = tokio::time::interval(std::time::Duration::from_millis(limits::DOC_IDLE_MS / 2));
    loop {
        let is_ending = tokio::select! {
            () = ctx.app.docs.until_due() => false,
            _ = idle.tick() => {
                ctx.app.docs.drop_idle(|it| ctx.app.hub.is_doc_open(it));
                false
            }
            () = ctx.app.shutdown.cancelled() => true,
        };
        for (id, actor) in ctx.app.docs.take_due(is_ending) {
            if let Err(error) = follow(&Ctx::new(&ctx.app, actor), id).await {
                tracing::warn!(doc = %id, %error, "the text of note {id} does not follow yet");
                if error.code() == ErrorCode::Unavailable && !is_ending {
                    ctx.app.docs.note_behind(id, actor);
                }
            }
        }
        if is_ending {
            return;
        }
    }
}

/// Sets the note's text to that of its document.
async fn follow(ctx: &Ctx, id: DocId) -> Result<(), Error> {
    let place = ctx.app.docs.hold(id, |it| ctx.app.hub.is_doc_open(it))?;
    let (seq, text) = {
        let mut place = place.lock().await;
        let open = super::ensure(ctx, id, &mut place).await?;
        (open.stored.seq, open.stored.document.text())
    };
    ctx.write(move |tx| {
        let text = text.clone();
        Box::pin(async move {
            // Whoever wrote in between brings the note after it.
            let head = store::head(tx.connection(), id).await?;
            if head.is_none_or(|(_, newest)| newest != seq) {
                return Ok(());
            }
            boards::service::objects::follow_text(tx, id.0.into(), text).await?;
            store::followed(tx.connection(), id, seq).await
        })
    })
    .await
}
