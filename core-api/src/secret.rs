//! A wrapper that keeps credentials out of logs, debug output and error texts.

use serde::{Deserialize, Serialize, Serializer};
use std::cell::Cell;
use std::fmt;
use zeroize::Zeroize;

/// What stands where a credential was.
const REDACTED: &str = "[redacted]";

thread_local! {
    /// Whether this thread writes something for an audit rather than for the one it is meant for.
    static IS_REDACTING: Cell<bool> = const { Cell::new(false) };
}

/// A credential. `Debug` and `Display` show `[redacted]`; only [`Secret::expose`] gives the value. Its
/// memory is overwritten when it is dropped.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_redacting = IS_REDACTING.with(Cell::get);
        serializer.serialize_str(if is_redacting { REDACTED } else { &self.0 })
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Puts the flag back, also when writing panics.
struct Redacting(bool);

impl Drop for Redacting {
    fn drop(&mut self) {
        IS_REDACTING.with(|it| it.set(self.0));
    }
}

/// Writes a value as JSON with `[redacted]` in the place of each [`Secret`], however deep it lies.
///
/// # Errors
/// When the value has no form in JSON.
pub fn to_redacted_json<T: Serialize + ?Sized>(value: &T) -> Result<String, serde_json::Error> {
    let _before = Redacting(IS_REDACTING.with(|it| it.replace(true)));
    serde_json::to_string(value)
}

impl Secret {
    /// Wraps a credential.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// Returns the credential; call it only where the value leaves for its one purpose.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_never_prints_itself() {
        let secret = Secret::new("sk-very-private");
        assert_eq!(format!("{secret:?} {secret}"), "[redacted] [redacted]");
    }

    #[derive(Serialize)]
    struct Deep {
        keys: Vec<Option<Secret>>,
        name: &'static str,
    }

    #[test]
    fn a_secret_is_written_for_whom_it_is_meant_and_for_nobody_else() {
        let deep = Deep { keys: vec![Some(Secret::new("sk-very-private"))], name: "it" };
        let redacted = to_redacted_json(&deep).unwrap();
        assert_eq!(redacted, r#"{"keys":["[redacted]"],"name":"it"}"#);
        let whole = serde_json::to_string(&deep).unwrap();
        assert!(whole.contains("sk-very-private"), "the flag is put back: {whole}");
        assert_eq!(serde_json::from_str::<Secret>("\"x\"").unwrap().expose(), "x");
    }
}
