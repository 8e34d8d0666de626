//! Checks of what people write; each failure says which field, and what would be right.

use crate::error::Error;
use grove_core_api::{ErrorCode, limits};

/// A name or title: trimmed, 1 to 200 characters, no control characters.
pub(crate) fn title(field: &str, text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::field(field, "must not be empty"));
    }
    if text.chars().count() > limits::TITLE_CHARS {
        let most = limits::TITLE_CHARS;
        return Err(Error::field(field, format!("must have at most {most} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::field(field, "must not hold line breaks or other control characters"));
    }
    Ok(text.to_owned())
}

/// One emoji: at most 16 bytes without white space or ASCII letters.
pub(crate) fn emoji(text: &str) -> Result<String, Error> {
    let is_ok = !text.is_empty()
        && text.len() <= 32
        && text.chars().count() <= 8
        && !text.chars().any(|it| it.is_control() || it.is_whitespace() || it.is_ascii_graphic());
    if is_ok { Ok(text.to_owned()) } else { Err(Error::field("emoji", "must be one emoji")) }
}

/// A prompt: not blank, at most 256 KiB, no NUL.
pub(crate) fn prompt(field: &str, text: &str) -> Result<String, Error> {
    if text.trim().is_empty() {
        return Err(Error::field(field, "must not be empty"));
    }
    if text.len() > limits::PROMPT_BYTES {
        let most = limits::PROMPT_BYTES / 1024;
        return Err(Error::field(field, format!("must have at most {most} KiB")));
    }
    no_nul(field, text)
}

/// Longer words, perhaps none.
pub(crate) fn note(field: &str, text: &str) -> Result<String, Error> {
    if text.len() > limits::NOTE_BYTES {
        let most = limits::NOTE_BYTES / 1024;
        return Err(Error::field(field, format!("must have at most {most} KiB")));
    }
    no_nul(field, text)
}

/// PostgreSQL stores no NUL in text, and none is meant.
fn no_nul(field: &str, text: &str) -> Result<String, Error> {
    if text.contains('\0') {
        return Err(Error::field(field, "must not hold a NUL character"));
    }
    Ok(text.to_owned())
}

/// A name that becomes a directory: letters, digits, `.`, `_`, `-`; at most 100 characters.
pub(crate) fn slug(field: &str, text: &str) -> Result<String, Error> {
    let is_ok = !text.is_empty()
        && text.len() <= 100
        && !text.starts_with(['.', '-'])
        && !text.ends_with(".lock")
        && !text.contains("..")
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"._-".contains(&it));
    if is_ok {
        return Ok(text.to_owned());
    }
    Err(Error::field(
        field,
        "may hold letters, digits, `.`, `_` and `-` (at most 100), and starts with none of `.` `-`",
    ))
}

/// A branch name that git accepts (the rules of git-check-ref-format(1), told apart here so that
/// the person learns which one is broken before anything is made).
pub(crate) fn branch(name: &str) -> Result<String, Error> {
    let problem = if name.is_empty() || name.len() > limits::BRANCH_BYTES {
        Some("has 1 to 200 bytes")
    } else if name.starts_with('-') {
        Some("does not start with `-`")
    } else if name.contains("..") {
        Some("does not hold `..`")
    } else if name.bytes().any(|it| it <= b' ' || it == 0x7f || b"~^:?*[\\".contains(&it)) {
        Some("holds no white space, control characters or any of `~ ^ : ? * [ \\`")
    } else if name.contains("@{") || name == "@" {
        Some("is not `@` and does not hold `@{`")
    } else if name
        .split('/')
        .any(|it| it.is_empty() || it.starts_with('.') || it.ends_with(".lock"))
        || name.ends_with('.')
    {
        Some("has parts that are not empty, do not start or end with `.` nor end with `.lock`")
    } else {
        None
    };
    match problem {
        None => Ok(name.to_owned()),
        Some(rule) => {
            let detail = format!("`{}` is no branch name: one {rule}", name.escape_debug());
            Err(Error::new(ErrorCode::InvalidBranchName, detail)
                .hint("try something like `fix/login-form`"))
        }
    }
}

/// A web address, or an empty text to clear the field.
pub(crate) fn url(field: &str, text: &str) -> Result<Option<String>, Error> {
    if text.is_empty() {
        return Ok(None);
    }
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    if is_web && text.len() <= 2_048 && !text.chars().any(|it| it.is_control() || it == ' ') {
        return Ok(Some(text.to_owned()));
    }
    Err(Error::field(field, "must be a web address (https:// or http://) of at most 2,048 bytes"))
}

/// Items on a page: 1 to 200.
pub(crate) fn limit(limit: Option<i64>) -> Result<u64, Error> {
    match limit {
        None => Ok(limits::PAGE_DEFAULT),
        Some(limit) => u64::try_from(limit)
            .ok()
            .filter(|limit| (1..=limits::PAGE_MAX).contains(limit))
            .ok_or_else(|| {
                Error::field("limit", format!("must be from 1 to {}", limits::PAGE_MAX))
            }),
    }
}

/// A place on the board.
pub(crate) fn place(field: &str, pos: [f64; 2]) -> Result<[f64; 2], Error> {
    if pos.iter().all(|it| it.is_finite() && it.abs() <= limits::BOARD_EXTENT_UNITS) {
        return Ok(pos);
    }
    Err(Error::field(field, "must be two numbers from -1,000,000 to 1,000,000"))
}

/// Turns words into a directory or branch part: lower-case letters, digits and single `-`.
#[must_use]
pub(crate) fn slugify(text: &str) -> String {
    let mut slug = String::new();
    for letter in text.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= 40 {
            break;
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn branch_names_that_git_refuses_are_refused_before() {
        for name in ["", "-x", "a..b", "a b", "a~", "@", "a/", "/a", "a//b", ".a", "a.lock", "a\n"]
        {
            assert_eq!(branch(name).map_err(|it| it.code()), Err(ErrorCode::InvalidBranchName));
        }
        assert!(branch("feature/ünï-1.2").is_ok());
    }

    #[test]
    fn titles_are_trimmed_and_bounded() {
        assert_eq!(title("name", "  Ana ").ok().as_deref(), Some("Ana"));
        assert!(title("name", &"x".repeat(10_240)).is_err());
        assert!(title("name", "a\u{7}b").is_err());
    }

    proptest! {
        #[test]
        fn a_slug_of_anything_is_empty_or_a_valid_slug(text in ".*") {
            let made = slugify(&text);
            prop_assert!(made.is_empty() || slug("name", &made).is_ok(), "{made}");
            prop_assert!(made.is_empty() || branch(&format!("grove/{made}")).is_ok(), "{made}");
        }
    }
}
