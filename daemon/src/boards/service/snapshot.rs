//! The whole state of a board topic.

use crate::boards::model::{kind_name, properties};
use crate::boards::store;
use crate::error::Error;
use crate::sessions;
use grove_core_api::BoardId;
use grove_core_api::event::Object;
use grove_core_api::rest::boards::ObjectKind;
use sea_orm::ConnectionTrait;
use std::collections::BTreeMap;

/// Reads every object of a board; run it in the transaction that reads the topic's head.
pub(crate) async fn snapshot(
    connection: &impl ConnectionTrait,
    board: BoardId,
) -> Result<BTreeMap<String, Object>, Error> {
    let mut cards = sessions::service::cards_on_board(connection, board).await?;
    let mut state = BTreeMap::new();
    for placed in store::objects(connection, board, None, None).await? {
        let v = if placed.kind == ObjectKind::Session {
            let Some(mut card) = cards.remove(&placed.id.0) else { continue };
            card.pos = placed.pos;
            properties(&card)?
        } else {
            properties(&placed.mark())?
        };
        let kind = kind_name(placed.kind).to_owned();
        state.insert(placed.id.to_string(), Object { kind, v });
    }
    Ok(state)
}
