//! Pictures of a board: bytes on disk by their hash, a row per board that has them.

use crate::auth::policy::Action;
use crate::boards::model::picture;
use crate::boards::store;
use crate::context::Ctx;
use crate::error::Error;
use bytes::Bytes;
use grove_core_api::rest::boards::BoardImage;
use grove_core_api::{BoardId, ErrorCode, limits};
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use tokio::fs;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

/// Keeps a picture for a board; the same picture again is the same answer.
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
    if store::image(ctx.read(), board, &image.id).await?.is_some() {
        return Ok(image);
    }
    let file = ctx.app.paths.file(&image.id);
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
