//! Pictures of a board: bytes on disk by their hash, a row per board that has them.

use crate::auth::policy::Action;
use crate::boards::model::picture;
use crate::boards::store;
use crate::clock;
use crate::context::Ctx;
use crate::error::Error;
use crate::events;
use bytes::Bytes;
use grove_core_api::event::Topic;
use grove_core_api::rest::boards::BoardImage;
use grove_core_api::{BoardId, ErrorCode, limits};
use sea_orm::ConnectionTrait;
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use tokio::fs;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

/// Keeps a picture for a board; the same picture again is the same answer, and has its grace anew.
///
/// The file is there before its row: after a crash there may be a file that no board has, which
/// nobody can read.
pub(crate) async fn add(ctx: &Ctx, board: BoardId, content: Bytes) -> Result<BoardImage, Error> {
    ctx.on_board(Action::EditBoards, board).await?;
    let (media_type, natural_size) =
        picture(&content).map_err(|why| Error::field("body", why.message))?;
    let image = BoardImage {
        id: hex::encode(Sha256::digest(&content)),
        media_type: media_type.to_owned(),
        size_bytes: i64::try_from(content.len()).unwrap_or(i64::MAX),
        natural_size,
    };
    let file = ctx.app.paths.file(&image.id);
    let _turn = ctx.app.pictures.lock().await;
    if store::image(ctx.read(), board, &image.id).await?.is_some() {
        let id = image.id.clone();
        ctx.write(move |tx| {
            let id = id.clone();
            Box::pin(async move { store::renew_image(tx.connection(), board, &id, tx.now).await })
        })
        .await?;
        return Ok(image);
    }
    keep(&file, &content).await.map_err(|error| {
        let code = if error.kind() == io::ErrorKind::StorageFull {
            ErrorCode::StorageFull
        } else {
            ErrorCode::Unavailable
        };
        Error::new(code, "the image could not be stored").because(error)
    })?;
    ctx.write(move |tx| {
        let image = image.clone();
        Box::pin(async move {
            if store::image(tx.connection(), board, &image.id).await?.is_none() {
                if store::count_images(tx.connection(), board).await? >= limits::BOARD_IMAGES {
                    let detail = format!("the board has {} images", limits::BOARD_IMAGES);
                    return Err(Error::new(ErrorCode::Conflict, detail));
                }
                let by = (tx.actor.user, tx.now);
                store::insert_image(tx.connection(), board, &image, by).await?;
            }
            Ok(image)
        })
    })
    .await
}

/// Writes a file under its name at once, or not at all.
async fn keep(file: &Path, content: &[u8]) -> io::Result<()> {
    let directory = file.parent().map(PathBuf::from).unwrap_or_default();
    fs::create_dir_all(&directory).await?;
    let draft = directory.join(format!(".{}", Uuid::now_v7().simple()));
    let written = async {
        let mut open = fs::File::create(&draft).await?;
        open.write_all(content).await?;
        open.sync_all().await?;
        fs::rename(&draft, file).await
    }
    .await;
    if written.is_err() {
        // What is left of the draft is nobody's file; the first failure is the one to tell.
        fs::remove_file(&draft).await.ok();
    }
    written
}

/// Removes pictures of the next boards that nothing shows any more: no object, and no kept moment.
///
/// A picture that was only just sent has its time to be put on the board.
pub(crate) async fn sweep(ctx: &Ctx, after: &mut Option<Uuid>) -> Result<(), Error> {
    let most = limits::IMAGE_SWEEP_BOARDS;
    let boards = store::ids_after(ctx.read(), *after, most).await?;
    let before_ms = clock::now() - limits::IMAGE_GRACE_MS;
    for board in &boards {
        for image in store::images_before(ctx.read(), *board, before_ms).await? {
            if !is_used(ctx.read(), *board, &image).await? {
                remove(ctx, *board, image).await?;
            }
        }
    }
    *after = events::service::next_after(boards.iter().map(|it| it.0), most);
    Ok(())
}

async fn is_used(
    connection: &impl ConnectionTrait,
    board: BoardId,
    image: &str,
) -> Result<bool, Error> {
    Ok(store::is_image_shown(connection, board, image).await?
        || events::service::mentions(connection, Topic::Board(board), image).await?)
}

async fn remove(ctx: &Ctx, board: BoardId, image: String) -> Result<(), Error> {
    // Nobody sends the same picture between the row's end and the file's.
    let _turn = ctx.app.pictures.lock().await;
    let name = image.clone();
    let is_gone = ctx.write(move |tx| {
        let name = name.clone();
        Box::pin(async move {
            if is_used(tx.connection(), board, &name).await? {
                return Ok(false);
            }
            Ok(!store::remove_image(tx.connection(), board, &name).await?)
        })
    });
    if is_gone.await? {
        match fs::remove_file(ctx.app.paths.file(&image)).await {
            Ok(()) => tracing::debug!(%image, "removed a picture that nothing shows"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(%image, %error, "a picture's file could not be removed"),
        }
    }
    Ok(())
}

/// Reads a picture of a board.
pub(crate) async fn get(
    ctx: &Ctx,
    board: BoardId,
    id: &str,
) -> Result<(BoardImage, Vec<u8>), Error> {
    let image = describe(ctx, board, id).await?;
    let content = fs::read(ctx.app.paths.file(&image.id)).await.map_err(|error| {
        Error::new(ErrorCode::Unavailable, "the image could not be read").because(error)
    })?;
    Ok((image, content))
}

/// What is known of a picture of a board.
pub(crate) async fn describe(ctx: &Ctx, board: BoardId, id: &str) -> Result<BoardImage, Error> {
    ctx.on_board(Action::ReadBoard, board).await?;
    store::image(ctx.read(), board, id)
        .await?
        .ok_or_else(|| Error::new(ErrorCode::NotFound, "there is no such image on this board"))
}
