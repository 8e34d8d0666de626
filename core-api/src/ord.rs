//! Fractional keys: places in an order, between any two of which there is always another one.
//!
//! A key has an integer part, whose first letter says how long it is (`a0`, `b00` … upwards, `Zz`,
//! `Yzz` … downwards), and a fraction, in the 62 digits `0-9A-Za-z`. Keys compare byte by byte; the
//! common JavaScript library `fractional-indexing` makes and reads the same form. Deliberately not
//! here: keys between two others, which only those who arrange things need.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The first key of an empty list.
pub const FIRST: &str = "a0";

/// Length of the integer part that begins with this letter.
fn integer_len(head: u8) -> Option<usize> {
    match head {
        b'a'..=b'z' => Some(usize::from(head - b'a') + 2),
        b'A'..=b'Z' => Some(usize::from(b'Z' - head) + 2),
        _ => None,
    }
}

/// Returns whether the text is a key of at most `max_bytes`.
#[must_use]
pub fn is_key(text: &str, max_bytes: usize) -> bool {
    let bytes = text.as_bytes();
    let Some(len) = bytes.first().copied().and_then(integer_len) else { return false };
    bytes.len() >= len
        && bytes.len() <= max_bytes
        && bytes.iter().all(u8::is_ascii_alphanumeric)
        // A fraction that ends in the lowest digit would leave no room below it.
        && (bytes.len() == len || bytes.last() != Some(&b'0'))
        // The lowest integer of all has nothing below it.
        && !(bytes[0] == b'A' && bytes.len() == len && bytes[1..].iter().all(|it| *it == b'0'))
}

/// Returns a short key above all others, of which `newest` is the highest; an empty or strange one
/// counts as none.
#[must_use]
pub fn after(newest: &str) -> String {
    let Some(integer) = integer_part(newest) else { return FIRST.to_owned() };
    let mut next = integer.to_vec();
    for at in (1..next.len()).rev() {
        let digit = DIGITS.iter().position(|it| *it == next[at]).unwrap_or(0);
        if let Some(higher) = DIGITS.get(digit + 1) {
            next[at] = *higher;
            return String::from_utf8_lossy(&next).into_owned();
        }
        next[at] = DIGITS[0];
    }
    match next[0] {
        b'Z' => FIRST.to_owned(),
        // The highest integer of all: only a longer fraction is above it.
        b'z' => format!("{newest}V"),
        head @ b'a'..=b'y' => {
            let zeros = usize::from(head - b'a') + 2;
            format!("{}{}", char::from(head + 1), "0".repeat(zeros))
        }
        head => {
            let zeros = usize::from(b'Z' - head);
            format!("{}{}", char::from(head + 1), "0".repeat(zeros))
        }
    }
}

fn integer_part(key: &str) -> Option<&[u8]> {
    if !is_key(key, usize::MAX) {
        return None;
    }
    key.as_bytes().get(..integer_len(*key.as_bytes().first()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_javascript_library_are_keys_here_and_others_are_not() {
        for key in ["a0", "a0V", "a1", "Zz", "b00", "Xzzz", "a0zzzzzz1"] {
            assert!(is_key(key, 64), "{key}");
        }
        let lowest = format!("A{}", "0".repeat(26));
        for text in ["", "a", "0", "a00", "b0", "a0 ", "ä0", "a0V0", lowest.as_str()] {
            assert!(!is_key(text, 64), "{text}");
        }
        assert!(!is_key("a0V", 2), "too long");
    }

    #[test]
    fn the_next_key_is_above_and_stays_short() {
        for (newest, next) in [
            ("", "a0"),
            ("a0", "a1"),
            ("a0V", "a1"),
            ("a9", "aA"),
            ("az", "b00"),
            ("bzz", "c000"),
            ("Zz", "a0"),
            ("Yzz", "Z0"),
            ("Zy", "Zz"),
        ] {
            assert_eq!(after(newest), next, "{newest}");
        }
        let highest = format!("z{}", "z".repeat(26));
        assert!(after(&highest) > highest);
    }

    #[test]
    fn many_keys_in_a_row_rise_and_are_keys() {
        let mut newest = String::new();
        for _ in 0..10_000 {
            let next = after(&newest);
            assert!(next > newest && is_key(&next, 8), "{newest} {next}");
            newest = next;
        }
    }
}
