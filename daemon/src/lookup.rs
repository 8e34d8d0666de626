//! From what a person typed to an id, and from a cursor to a place in a list.

use crate::error::Error;
use grove_core_api::isolation::UnixAccount;
use grove_core_api::{ErrorCode, IdRef, SHORT_ID_LEN};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

/// Candidates that an ambiguous short id lists at most.
const CANDIDATES: u64 = 10;

/// Reads what stands where an id is expected.
pub(crate) fn id_ref(text: &str) -> Result<IdRef, Error> {
    text.parse().map_err(|error: grove_core_api::InvalidIdRef| {
        Error::new(ErrorCode::InvalidRequest, format!("`{}` is {error}", shown(text)))
    })
}

fn shown(text: &str) -> String {
    text.chars().take(60).collect::<String>().escape_debug().to_string()
}

/// Finds the whole id among what the caller sees; a whole one is taken as it is.
///
/// # Errors
/// `NotFound` when nothing ends so, `AmbiguousId` with the candidates when several do.
pub(crate) async fn resolve<E: EntityTrait>(
    connection: &impl ConnectionTrait,
    noun: &str,
    id: &IdRef,
    columns: (E::Column, E::Column),
    seen: Condition,
) -> Result<Uuid, Error> {
    let short = match id {
        IdRef::Full(id) => return Ok(*id),
        IdRef::Short(short) => short,
    };
    let (id_column, short_column) = columns;
    let found: Vec<Uuid> = E::find()
        .select_only()
        .column(id_column)
        .filter(short_column.eq(&short[short.len() - SHORT_ID_LEN..]))
        .filter(seen)
        .limit(CANDIDATES)
        .into_tuple()
        .all(connection)
        .await?;
    let mut fitting: Vec<Uuid> =
        found.into_iter().filter(|it| it.simple().to_string().ends_with(short.as_str())).collect();
    match (fitting.len(), fitting.pop()) {
        (1, Some(id)) => Ok(id),
        (0, _) | (_, None) => Err(Error::not_found(noun, short)),
        (_, Some(last)) => {
            fitting.push(last);
            let candidates = fitting.iter().map(Uuid::to_string).collect();
            Err(Error::new(ErrorCode::AmbiguousId, format!("`{short}` fits more than one {noun}"))
                .hint("write more digits of the id")
                .candidates(candidates))
        }
    }
}

/// A Unix account as two columns hold it.
pub(crate) fn unix_account(
    name: Option<String>,
    uid: Option<i64>,
) -> Result<Option<UnixAccount>, Error> {
    let (Some(name), Some(uid)) = (name, uid) else { return Ok(None) };
    let uid = u32::try_from(uid)
        .map_err(|error| Error::internal("a Unix user id is out of range").because(error))?;
    Ok(Some(UnixAccount { name, uid }))
}

/// The id of the last item of the page before.
pub(crate) fn cursor(cursor: Option<&str>) -> Result<Option<Uuid>, Error> {
    cursor
        .map(|text| {
            Uuid::parse_str(text).map_err(|_invalid| {
                Error::field("cursor", "is not one that this list gave; leave it out to start anew")
            })
        })
        .transpose()
}

/// Cuts the one item too many that was read to learn whether there is a next page.
pub(crate) fn page<T>(
    mut items: Vec<T>,
    limit: u64,
    id: impl Fn(&T) -> Uuid,
) -> grove_core_api::Page<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next_cursor =
        has_more.then(|| items.last().map(|last| id(last).simple().to_string())).flatten();
    grove_core_api::Page { items, next_cursor }
}
