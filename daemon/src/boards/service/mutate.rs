//! A client's mutation of a board: a list of operations, all or nothing, applied once.

use super::marks::{self, Around, Stop, gone};
use super::objects;
use crate::auth::policy::Action;
use crate::boards::model::{Placed, Refused, kind_name, kind_of, properties, refused};
use crate::boards::{service, store};
use crate::context::{Ctx, Tx};
use crate::error::Error;
use crate::grants::service::Held;
use crate::{comments, docs, events};
use grove_core_api::event::{Op, Topic};
use grove_core_api::realtime::NackCode;
use grove_core_api::rest::boards::ObjectKind;
use grove_core_api::{
    BoardId, BoardObjectId, CommentId, DocId, ErrorCode, UnixMillis, UserId, limits,
};
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
    let held = allowed(ctx, board).await?;
    if ops.is_empty() || ops.len() > limits::MUTATION_OPS {
        let most = limits::MUTATION_OPS;
        return refused(NackCode::Invalid, format!("a mutation has 1 to {most} operations"));
    }
    if mid.is_empty() || mid.len() > limits::MUTATION_ID_BYTES {
        return refused(NackCode::Invalid, "`mid` has 1 to 64 bytes");
    }
    let rewritten: Vec<DocId> = ops.iter().filter_map(rewritten).collect();
    let applied = ctx
        .write(move |tx| {
            let (mid, ops) = (mid.clone(), ops.clone());
            Box::pin(async move {
                match apply(tx, held, mid, ops).await {
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

/// What the caller may change on the board: its comments at least.
async fn allowed(ctx: &Ctx, board: BoardId) -> Result<Held, Refused> {
    match ctx.on_board(Action::Comment, board).await {
        Ok(held) => Ok(held),
        Err(error) if error.code() == ErrorCode::Forbidden => {
            refused(NackCode::Forbidden, error.detail())
        }
        Err(error) => Err(uncarry(error)),
    }
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

async fn apply(tx: &Tx<'_>, held: Held, mid: String, ops: Vec<Op>) -> Result<i64, Stop> {
    let board = held.board;
    let topic = Topic::Board(board);
    if let Some(seq) = events::store::by_mid(tx.connection(), topic, &mid).await? {
        return Ok(seq);
    }
    service::load(tx.connection(), board).await?;
    let (objects, stored, comments) = (BTreeMap::new(), Vec::new(), Vec::new());
    let mut change = Change { tx, board, held, objects, comments, stored };
    for op in ops {
        change.step(op).await?;
    }
    let Change { objects, comments, stored, .. } = change;
    if objects.values().any(|it| it.before.is_none() && it.now.is_some()) {
        objects::check_room(tx, board).await?;
    }
    let seq = tx.emit_as(topic, "board.mutated", Some(mid), stored).await?;
    for touched in objects.into_values() {
        save(tx, touched, seq).await?;
    }
    for (id, changed, is_put) in comments {
        comments::service::note(tx, id, changed, seq, is_put).await?;
    }
    Ok(seq)
}

/// A mutation on its way.
struct Change<'t, 'c> {
    tx: &'t Tx<'c>,
    board: BoardId,
    held: Held,
    objects: BTreeMap<BoardObjectId, Touched>,
    /// Comments with the properties that were set, and whether they are new.
    comments: Vec<(CommentId, Vec<String>, bool)>,
    stored: Vec<Op>,
}

/// An object before the mutation and after its operations so far.
struct Touched {
    before: Option<Placed>,
    now: Option<Placed>,
    /// Whether an operation put it on the board.
    is_put: bool,
    set: Vec<String>,
}

impl Around for BTreeMap<BoardObjectId, Touched> {
    fn touched(&self, id: BoardObjectId) -> Option<Option<&Placed>> {
        self.get(&id).map(|it| it.now.as_ref())
    }
}

impl Change<'_, '_> {
    async fn step(&mut self, op: Op) -> Result<(), Stop> {
        let id: BoardObjectId = op
            .id()
            .parse()
            .or_else(|_invalid| refused(NackCode::Invalid, "an object's id is a UUID"))?;
        if self.is_comment(id, &op).await? {
            return self.on_comment(CommentId(id.0), op).await;
        }
        if !self.held.is_enough(Action::EditBoards) {
            let message = "you may comment here, and not change what lies on the board";
            return Ok(refused(NackCode::Forbidden, message)?);
        }
        self.load(id).await?;
        match op {
            Op::Put { kind, v, .. } => self.put(id, &kind, &v).await,
            Op::Set { k, v, if_seq, .. } => self.set(id, k, v, if_seq).await,
            Op::Del { if_seq, .. } => self.del(id, if_seq).await,
        }
    }

    async fn is_comment(&self, id: BoardObjectId, op: &Op) -> Result<bool, Error> {
        if let Op::Put { kind, .. } = op {
            return Ok(kind == comments::service::KIND);
        }
        let id = CommentId(id.0);
        Ok(comments::service::of_board(self.tx, self.board, id).await?.is_some())
    }

    /// Comments have rules of their own; each operation is stored at once.
    async fn on_comment(&mut self, id: CommentId, op: Op) -> Result<(), Stop> {
        let (tx, board) = (self.tx, self.board);
        let is_put = matches!(op, Op::Put { .. });
        let told = match op {
            Op::Put { v, .. } => {
                self.load(BoardObjectId(id.0)).await?;
                let is_there = self.touched(BoardObjectId(id.0))?.now.is_some()
                    || comments::service::of_board(tx, board, id).await?.is_some();
                if is_there {
                    return Ok(refused(NackCode::Exists, format!("`{id}` is there already"))?);
                }
                let author = marks::author(tx, board, BoardObjectId(id.0)).await?;
                vec![comments::service::put(tx, id, &v, (board, author)).await?]
            }
            Op::Set { k, v, if_seq, .. } => {
                comments::service::set(tx, (board, id), (&k, v), if_seq).await?
            }
            Op::Del { if_seq, .. } => comments::service::del(tx, (self.held, id), if_seq).await?,
        };
        self.comments.push((id, comments::service::names(&told), is_put));
        self.stored.extend(told);
        Ok(())
    }

    async fn load(&mut self, id: BoardObjectId) -> Result<(), Error> {
        if let Entry::Vacant(entry) = self.objects.entry(id) {
            let now = store::object(self.tx.connection(), id).await?;
            entry.insert(Touched { before: now.clone(), now, is_put: false, set: Vec::new() });
        }
        Ok(())
    }

    fn touched(&mut self, id: BoardObjectId) -> Result<&mut Touched, Refused> {
        self.objects.get_mut(&id).ok_or_else(|| gone(id))
    }

    /// The object, when it lies on this board and people see it.
    async fn present(&mut self, id: BoardObjectId) -> Result<&mut Touched, Stop> {
        let is_card =
            |it: &Touched| it.now.as_ref().is_some_and(|it| it.kind == ObjectKind::Session);
        let is_hidden = is_card(self.touched(id)?) && marks::visible(self.tx, id).await?.is_none();
        let board = self.board;
        let touched = self.touched(id)?;
        if is_hidden || touched.now.as_ref().is_none_or(|it| it.board_id != board) {
            return Err(gone(id).into());
        }
        Ok(touched)
    }

    async fn put(
        &mut self,
        id: BoardObjectId,
        kind: &str,
        v: &Map<String, Value>,
    ) -> Result<(), Stop> {
        if self.touched(id)?.now.is_some() {
            return Ok(refused(NackCode::Exists, format!("`{id}` is there already"))?);
        }
        let kind = match kind_of(kind) {
            None | Some(ObjectKind::Session) => {
                let message =
                    "put a `note`, `text`, `zone`, `edge`, `image`, `document` or `comment`";
                return Ok(refused(NackCode::Invalid, message)?);
            }
            Some(kind) => kind,
        };
        let (created_by, created_at_ms) = self.author(id).await?;
        let mut placed = Placed::fresh(id, self.board, kind, created_by, self.tx.now).with(v)?;
        placed.created_at_ms = created_at_ms;
        marks::check_ends(self.tx, &placed, &self.objects).await?;
        marks::check_image(self.tx, &mut placed).await?;
        marks::order(self.tx, &mut placed).await?;
        let v = properties(&placed.mark())?;
        let touched = self.touched(id)?;
        touched.is_put = true;
        touched.set.clear();
        touched.now = Some(placed);
        self.stored.push(Op::Put { id: id.to_string(), kind: kind_name(kind).to_owned(), v });
        Ok(())
    }

    /// Who counts as the author of a put.
    async fn author(&mut self, id: BoardObjectId) -> Result<(UserId, UnixMillis), Stop> {
        if let Some(before) = &self.touched(id)?.before {
            // Removed by this very mutation.
            return Ok((before.created_by, before.created_at_ms));
        }
        marks::author(self.tx, self.board, id).await
    }

    async fn set(
        &mut self,
        id: BoardObjectId,
        k: String,
        v: Value,
        if_seq: Option<i64>,
    ) -> Result<(), Stop> {
        let now = self.tx.now;
        let touched = self.present(id).await?;
        let Some(placed) = &mut touched.now else { return Err(gone(id).into()) };
        if if_seq.is_some_and(|wanted| wanted != placed.changed_at(&k)) {
            return Ok(refused(NackCode::Conflict, format!("`{k}` was changed meanwhile"))?);
        }
        placed.set(&k, &v)?;
        placed.updated_at_ms = now;
        touched.set.push(k.clone());
        if matches!(k.as_str(), "from" | "to") {
            let placed = placed.clone();
            marks::check_ends(self.tx, &placed, &self.objects).await?;
        }
        self.stored.push(Op::Set { id: id.to_string(), k, v, if_seq: None });
        Ok(())
    }

    async fn del(&mut self, id: BoardObjectId, if_seq: Option<i64>) -> Result<(), Stop> {
        let touched = self.present(id).await?;
        let Some(placed) = &touched.now else { return Err(gone(id).into()) };
        if placed.kind == ObjectKind::Session {
            let why = "a session's card goes with its session";
            return Ok(refused(NackCode::Invalid, why)?);
        }
        placed.check_lock(None)?;
        let is_changed = !touched.set.is_empty() || touched.is_put;
        if if_seq.is_some_and(|wanted| is_changed || placed.newest_change() > wanted) {
            return Ok(refused(NackCode::Conflict, "it was changed meanwhile")?);
        }
        touched.now = None;
        self.stored.push(Op::del(id));
        for edge in store::edges_at(self.tx.connection(), self.board, id).await? {
            self.load(edge.id).await?;
        }
        for (edge, touched) in &mut self.objects {
            let ends = touched.now.as_ref().and_then(|it| it.ends);
            if ends.is_some_and(|ends| ends.contains(&id)) {
                touched.now = None;
                self.stored.push(Op::del(edge));
            }
        }
        Ok(())
    }
}

async fn save(tx: &Tx<'_>, touched: Touched, seq: i64) -> Result<(), Error> {
    let Touched { before, now, is_put, set } = touched;
    match (before, now) {
        (before, Some(mut placed)) => {
            let is_rewritten = is_put || set.iter().any(|property| property == "text");
            if before.is_some() && is_rewritten {
                docs::service::replaced(tx, placed.id.into(), &placed.data.text).await?;
            }
            if is_put {
                placed.note_put(seq);
            }
            placed.note(set, seq);
            if before.is_none() {
                store::insert_object(tx.connection(), &placed).await
            } else {
                store::update_object(tx.connection(), &placed).await
            }
        }
        (Some(before), None) => marks::remove(tx, &before).await,
        (None, None) => Ok(()),
    }
}
