//! Time and fresh ids: the only place that asks the operating system for either.

use grove_core_api::UnixMillis;
use std::time::{Duration, UNIX_EPOCH};
use uuid::Uuid;

/// Milliseconds since 1970.
#[must_use]
pub(crate) fn now() -> UnixMillis {
    #[expect(clippy::disallowed_methods, reason = "this is the home of the system clock")]
    let elapsed = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    UnixMillis::try_from(elapsed.as_millis()).unwrap_or(UnixMillis::MAX)
}

/// A new `UUIDv7`.
#[must_use]
pub(crate) fn fresh_id<T: From<Uuid>>() -> T {
    Uuid::now_v7().into()
}
