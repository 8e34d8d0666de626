//! Random tokens and their hashes.

use grove_core_api::Secret;
use sha2::{Digest, Sha256};

/// A token of `N` random bytes from the operating system, in hex.
pub(crate) fn fresh_hex<const N: usize>() -> Secret {
    let mut bytes = [0_u8; N];
    rand::RngCore::fill_bytes(&mut rand::rng(), &mut bytes);
    Secret::new(hex::encode(bytes))
}

/// What is stored of a token: a leaked database gives no access.
pub(crate) fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}
