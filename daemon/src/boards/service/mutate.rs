//! A client's mutation of a board: a list of operations, all or nothing, applied once.

use super::objects;
use crate::auth::policy::Action;
use crate::boards::model::{ObjectData, Placed, Refused, kind_of, properties, refused};
use crate::boards::{service, store};
use crate::context::{Ctx, Tx};
use crate::error::Error;
use crate::{docs, events};
use grove_core_api::event::{Op, Topic};
use grove_core_api::realtime::NackCode;
use grove_core_api::rest::boards::ObjectKind;
use grove_core_api::{BoardId, BoardObjectId, DocId, ErrorCode, limits};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Applies a mutation and returns the number of its event; sent again, it answers the same.
///
/// # Errors
/// Why it was refused; nothing of it is stored then.
pub(crate) async fn mutate(
    ctx: &Ctx,
    board: BoardId,
    mid: String,
    ops: Vec<Op>,
) -> Result<i64, Refused> {
    if ctx.authorize(Action::EditBoards).is_err() {
        return refused(NackCode::Forbidden, "you may not change this board");
    }
    if ops.is_empty() || ops.len() > limits::MUTATION_OPS {
        let most = limits::MUTATION_OPS;
        return refused(NackCode::Invalid, format!("a mutation has 1 to {most} operations"));
    }
    if mid.is_empty() || mid.len() > 64 {
        return refused(NackCode::Invalid, "`mid` has 1 to 64 bytes");
    }
    let rewritten: Vec<DocId> = ops.iter().filter_map(rewritten).collect();
    let applied = ctx
        .write(move |tx| {
            let (mid, ops) = (mid.clone(), ops.clone());
            Box::pin(async move {
                match apply(tx, board, mid, ops).await {
                    Ok(seq) => Ok(seq),
                    Err(Stop::Refused(why)) => Err(carry(why)),
                    Err(Stop::Error(error)) => Err(error),
                }
            })
        })
        .await;
    if applied.is_ok() {
        docs::service::changed(ctx, rewritten).await;
    }
    applied.map_err(uncarry)
}

/// The document that an operation changes besides its object.
fn rewritten(op: &Op) -> Option<DocId> {
    let is_rewriting = match op {
        Op::Put { .. } => false,
        Op::Set { k, .. } => k == "text",
        Op::Del { .. } => true,
    };
    is_rewriting.then(|| op.id().parse().ok()).flatten()
}

enum Stop {
    Refused(Refused),
    Error(Error),
}

impl From<Refused> for Stop {
    fn from(why: Refused) -> Self {
        Self::Refused(why)
    }
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// A refusal has to undo the transaction, so it travels through it as the cause of an error.
fn carry(why: Refused) -> Error {
    Error::new(ErrorCode::Conflict, why.message.clone()).because(why)
}

fn uncarry(error: Error) -> Refused {
    if let Some(why) = error.cause::<Refused>() {
        return why.clone();
    }
    let message = error.detail().to_owned();
    let code = if error.code() == ErrorCode::NotFound {
        NackCode::Gone
    } else if error.code() == ErrorCode::Conflict {
        NackCode::Invalid
    } else {
        NackCode::Unavailable
    };
    drop(error.into_problem());
    Refused { code, message }
}

async fn apply(tx: &Tx<'_>, board: BoardId, mid: String, ops: Vec<Op>) -> Result<i64, Stop> {
    let topic = Topic::Board(board);
    if let Some(seq) = events::store::by_mid(tx.connection(), topic, &mid).await? {
        return Ok(seq);
    }
    service::load(tx.connection(), board).await?;
    let mut touched: BTreeMap<BoardObjectId, Change> = BTreeMap::new();
    let mut stored = Vec::with_capacity(ops.len());
    for op in ops {
        let id: BoardObjectId = op
            .id()
            .parse()
            .or_else(|_invalid| refused(NackCode::Invalid, "an object's id is a UUID"))?;
        let change = match touched.entry(id) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let now = store::object(tx.connection(), id).await?;
                entry.insert(Change { is_new: now.is_none(), now, set: Vec::new() })
            }
        };
        stored.push(step(tx, board, id, change, op)?);
    }
    if touched.values().any(|change| change.is_new && change.now.is_some()) {
        objects::check_room(tx, board).await?;
    }
    let seq = tx.emit_as(topic, "board.mutated", Some(mid), stored).await?;
    for (id, change) in touched {
        save(tx, id, change, seq).await?;
    }
    Ok(seq)
}

/// An object on its way through a mutation.
struct Change {
    is_new: bool,
    now: Option<Placed>,
    set: Vec<String>,
}

fn step(
    tx: &Tx<'_>,
    board: BoardId,
    id: BoardObjectId,
    change: &mut Change,
    op: Op,
) -> Result<Op, Stop> {
    match op {
        Op::Put { kind, v, .. } => {
            if change.now.is_some() {
                return Ok(refused(NackCode::Exists, format!("`{id}` is there already"))?);
            }
            let placed = put(tx, board, id, &kind, &v)?;
            let v = properties(&placed.mark())?;
            change.set = v.keys().cloned().collect();
            change.now = Some(placed);
            Ok(Op::Put { id: id.to_string(), kind, v })
        }
        Op::Set { k, v, if_seq, .. } => {
            let placed = present(board, id, change)?;
            let last = placed.data.seqs.get(&k).copied().unwrap_or(0);
            if if_seq.is_some_and(|wanted| wanted != last) {
                return Ok(refused(NackCode::Conflict, format!("`{k}` was changed meanwhile"))?);
            }
            placed.set(&k, &v)?;
            placed.updated_at_ms = tx.now;
            change.set.push(k.clone());
            Ok(Op::Set { id: id.to_string(), k, v, if_seq: None })
        }
        Op::Del { .. } => {
            if present(board, id, change)?.kind == ObjectKind::Session {
                let why = "a session's card goes with its session";
                return Ok(refused(NackCode::Invalid, why)?);
            }
            change.now = None;
            Ok(Op::Del { id: id.to_string() })
        }
    }
}

fn present(board: BoardId, id: BoardObjectId, change: &mut Change) -> Result<&mut Placed, Refused> {
    change
        .now
        .as_mut()
        .filter(|placed| placed.board_id == board)
        .ok_or_else(|| Refused { code: NackCode::Gone, message: format!("`{id}` is gone") })
}

fn put(
    tx: &Tx<'_>,
    board: BoardId,
    id: BoardObjectId,
    kind: &str,
    v: &Map<String, Value>,
) -> Result<Placed, Refused> {
    let kind = match kind_of(kind) {
        None | Some(ObjectKind::Session) => {
            return refused(NackCode::Invalid, "put a `note`, `text` or `zone`");
        }
        Some(kind) => kind,
    };
    let mut placed = Placed {
        id,
        board_id: board,
        kind,
        pos: [0.0, 0.0],
        data: ObjectData { v: 1, ..ObjectData::default() },
        created_by: tx.actor.user,
        created_at_ms: tx.now,
        updated_at_ms: tx.now,
    };
    if !v.contains_key("pos") {
        return refused(NackCode::Invalid, "`pos` is missing");
    }
    for (property, value) in v {
        // The author is whoever sends the mutation, whatever it says.
        if property != "created_by" {
            placed.set(property, value)?;
        }
    }
    Ok(placed)
}

async fn save(tx: &Tx<'_>, id: BoardObjectId, change: Change, seq: i64) -> Result<(), Error> {
    match change.now {
        Some(mut placed) => {
            if !change.is_new && change.set.iter().any(|property| property == "text") {
                docs::service::replaced(tx, id.into(), &placed.data.text).await?;
            }
            placed.data.seqs.extend(change.set.into_iter().map(|property| (property, seq)));
            if change.is_new {
                store::insert_object(tx.connection(), &placed).await
            } else {
                store::update_object(tx.connection(), &placed).await
            }
        }
        None if change.is_new => Ok(()),
        None => {
            docs::service::removed(tx, id.into()).await?;
            store::delete_object(tx.connection(), id).await
        }
    }
}
