//! libSQL's engine under the name that sqlx links against (ADR-0004).
#![allow(ambiguous_glob_reexports, clashing_extern_declarations)]

pub use libsql_ffi::*;
use std::os::raw::{c_char, c_int, c_uchar};

unsafe extern "C" {
    /// The one signature that differs: sqlx passes signed flags.
    pub fn sqlite3_deserialize(
        db: *mut sqlite3,
        schema: *const c_char,
        data: *mut c_uchar,
        size: sqlite3_int64,
        capacity: sqlite3_int64,
        flags: c_int,
    ) -> c_int;
}
