//! `grove board share`, `grove board unshare`, `grove board visibility`.

use crate::args::{Right, Visibility};
use crate::client::{self, Api};
use crate::error::CliError;
use crate::output::Output;
use grove_core_api::rest::boards::{Board, PatchBoard};
use grove_core_api::rest::grants::{BoardGrant, BoardVisibility, PutBoardGrant};

pub(super) async fn share(
    api: &Api,
    (board, who): (&str, &str),
    right: Right,
    output: &Output,
) -> Result<(), CliError> {
    let board = client::board_id(api, board).await?;
    let subject = client::subject(api, who).await?;
    let body = PutBoardGrant { right: right.into() };
    let answer = api.put::<BoardGrant>(&format!("/boards/{board}/grants/{subject}"), &body).await?;
    output.answer(&answer, |it| format!("{} has `{}` now", it.subject_name, it.right.name()))
}

pub(super) async fn unshare(
    api: &Api,
    (board, who): (&str, &str),
    output: &Output,
) -> Result<(), CliError> {
    let board = client::board_id(api, board).await?;
    let subject = client::subject(api, who).await?;
    api.remove(&format!("/boards/{board}/grants/{subject}")).await?;
    let said = serde_json::json!({ "unshared": who });
    output.value(&said, |_| format!("Took the grant of {who} away"))
}

pub(super) async fn visibility(
    api: &Api,
    board: &str,
    visibility: Visibility,
    right: Option<Right>,
    output: &Output,
) -> Result<(), CliError> {
    let board = client::board_id(api, board).await?;
    let body = PatchBoard {
        visibility: Some(visibility.into()),
        members_right: right.map(Into::into),
        ..PatchBoard::default()
    };
    let answer = api.patch::<Board>(&format!("/boards/{board}"), &body).await?;
    output.answer(&answer, |board| match board.visibility {
        BoardVisibility::Private => format!("{} is private", board.name),
        BoardVisibility::Members => {
            format!("Everybody has `{}` on {}", board.members_right.name(), board.name)
        }
    })
}
