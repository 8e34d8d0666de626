//! From two versions of a resource to the operations that lead from one to the other.

use crate::error::Error;
use grove_core_api::event::Op;
use serde::Serialize;
use serde_json::{Map, Value};

/// A resource as the properties of a topic's object: its top-level fields without `id`.
pub(crate) fn properties(resource: &impl Serialize) -> Result<Map<String, Value>, Error> {
    let mut fields: Map<String, Value> = serde_json::from_value(serde_json::to_value(resource)?)?;
    fields.remove("id");
    Ok(fields)
}

/// Adds the resource to its topic.
pub(crate) fn put(id: impl ToString, kind: &str, resource: &impl Serialize) -> Result<Op, Error> {
    Ok(Op::Put { id: id.to_string(), kind: kind.to_owned(), v: properties(resource)? })
}

/// Sets each property that differs; `updated_at_ms` alone is no change.
pub(crate) fn set<T: Serialize>(
    id: impl ToString,
    before: &T,
    after: &T,
) -> Result<Vec<Op>, Error> {
    let before = properties(before)?;
    let id = id.to_string();
    let mut ops = Vec::new();
    let mut is_touched = false;
    for (k, v) in properties(after)? {
        if before.get(&k) == Some(&v) {
            continue;
        }
        is_touched |= k != "updated_at_ms";
        ops.push(Op::Set { id: id.clone(), k, v, if_seq: None });
    }
    Ok(if is_touched { ops } else { Vec::new() })
}
