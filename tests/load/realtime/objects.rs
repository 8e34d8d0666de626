//! Boards to measure on.

use anyhow::ensure;
use grove_core_api::BoardId;
use grove_core_api::event::Op;
use grove_tests::{Instance, Mutated, Outcome};
use serde_json::{Map, json};
use uuid::Uuid;

/// A board with objects on it.
#[derive(Clone, Debug)]
pub(crate) struct Filled {
    /// Its topic.
    pub(crate) topic: String,
    /// Its objects.
    pub(crate) objects: Vec<String>,
}

/// Makes a board with so many notes.
///
/// # Errors
/// When Grove refuses.
pub(crate) async fn board(grove: &Instance, name: &str, notes: usize) -> Outcome<Filled> {
    let board = grove.client()?.new_board(name).await?;
    fill(grove, board.id, notes).await
}

/// Puts notes on a board in one mutation.
///
/// # Errors
/// When Grove refuses.
pub(crate) async fn fill(grove: &Instance, board: BoardId, notes: usize) -> Outcome<Filled> {
    let topic = format!("board:{board}");
    let objects: Vec<String> = (0..notes).map(|_| Uuid::now_v7().to_string()).collect();
    let mut ops = Vec::new();
    for (number, id) in objects.iter().enumerate() {
        let v = Map::from_iter([
            ("pos".to_owned(), json!([number * 40, number * 30])),
            ("text".to_owned(), json!(format!("Note {number}"))),
        ]);
        ops.push(Op::Put { id: id.clone(), kind: "note".to_owned(), v });
    }
    let mut socket = grove.socket().await?;
    socket.subscribe(&topic).await?;
    let made = socket.mutate(&topic, "fill", ops).await?;
    ensure!(matches!(made, Mutated::Done(_)), "notes were refused: {made:?}");
    Ok(Filled { topic, objects })
}

/// The frame that sets one property of an object.
pub(crate) fn change(
    board: &Filled,
    object: usize,
    mid: &str,
    (key, value): (&str, &str),
) -> String {
    let (ch, id) = (&board.topic, board.objects.get(object).map_or("", String::as_str));
    let op = format!(r#"{{"op":"set","id":"{id}","k":"{key}","v":{value}}}"#);
    format!(r#"{{"t":"mut","ch":"{ch}","mid":"{mid}","ops":[{op}]}}"#)
}
