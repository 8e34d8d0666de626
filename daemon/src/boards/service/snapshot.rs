//! The whole state of a board topic.

use crate::boards::model::{Placed, kind_name, properties};
use crate::boards::store;
use crate::error::Error;
use crate::{comments, sessions};
use grove_core_api::BoardId;
use grove_core_api::event::Object;
use grove_core_api::rest::boards::{ObjectKind, SessionCard};
use sea_orm::ConnectionTrait;
use std::collections::BTreeMap;

/// Reads every object of a board; run it in the transaction that reads the topic's head.
pub(crate) async fn snapshot(
    connection: &impl ConnectionTrait,
    board: BoardId,
) -> Result<BTreeMap<String, Object>, Error> {
    let mut cards = sessions::service::cards_on_board(connection, board).await?;
    let mut state: BTreeMap<_, _> =
        comments::service::on_board(connection, board).await?.into_iter().collect();
    for placed in store::objects(connection, board, None, None).await? {
        let v = if placed.kind == ObjectKind::Session {
            let Some(mut card) = cards.remove(&placed.id.0) else { continue };
            place(&mut card, &placed);
            properties(&card)?
        } else {
            properties(&placed.mark())?
        };
        let kind = kind_name(placed.kind).to_owned();
        state.insert(placed.id.to_string(), Object { kind, v });
    }
    Ok(state)
}

/// Fills in what of a card is the board's.
fn place(card: &mut SessionCard, placed: &Placed) {
    card.pos = placed.pos;
    card.ord.clone_from(&placed.ord);
    card.is_locked = placed.data.is_locked;
}
