//! `grove board new`.

use crate::client::Api;
use crate::error::CliError;
use crate::output::Output;
use grove_core_api::rest::boards::{Board, CreateBoard};

pub(super) async fn run(api: &Api, name: String, output: &Output) -> Result<(), CliError> {
    let answer =
        api.post::<Board>("/boards", &CreateBoard { name, ..CreateBoard::default() }).await?;
    output.answer(&answer, |board| format!("Made board {} ({})", board.name, board.id.short()))
}
