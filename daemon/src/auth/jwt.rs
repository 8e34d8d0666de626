//! Access tokens: short-lived JWTs (RFC 7519, HS256) for programs.

use crate::error::Error;
use crate::paths::Paths;
use grove_core_api::{Secret, UserId, limits};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;

const ISSUER: &str = "grove";
const AUDIENCE: &str = "grove-api";

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: UserId,
    iat: i64,
    exp: i64,
    iss: String,
    aud: String,
}

/// Signs and checks access tokens.
pub(crate) struct Keys {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl Keys {
    /// Reads the instance's key, or makes one at the first start.
    ///
    /// # Errors
    /// When the file can be neither read nor made.
    pub(crate) fn open(paths: &Paths) -> io::Result<Self> {
        let path = paths.signing_key();
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let fresh = super::token::fresh_hex::<32>();
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        match made {
            Ok(mut file) => {
                file.write_all(fresh.expose().as_bytes())?;
                file.sync_all()?;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        let key = std::fs::read_to_string(&path)?;
        if key.trim().len() < 64 {
            let why = format!("{} is damaged: remove it, a new one is made", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        Ok(Self::new(key.trim().as_bytes()))
    }

    fn new(key: &[u8]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.leeway = 5;
        Self {
            encoding: EncodingKey::from_secret(key),
            decoding: DecodingKey::from_secret(key),
            validation,
        }
    }

    /// Signs a token for a user. `now_ms` is the present.
    pub(crate) fn issue(&self, user: UserId, now_ms: i64) -> Result<Secret, Error> {
        let iat = now_ms / 1_000;
        let claims = Claims {
            sub: user,
            iat,
            exp: iat + limits::ACCESS_TOKEN_SECS,
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding)
            .map(Secret::new)
            .map_err(|error| Error::internal("failed to sign an access token").because(error))
    }

    /// Whose token it is.
    ///
    /// # Errors
    /// `Unauthenticated` when it is forged, expired or for something else.
    pub(crate) fn user(&self, token: &str) -> Result<UserId, Error> {
        decode::<Claims>(token, &self.decoding, &self.validation)
            .map(|data| data.claims.sub)
            .map_err(|_reason| super::extract::unauthenticated())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use grove_core_api::ErrorCode;

    #[test]
    fn a_token_is_worth_something_only_here_and_now() -> Result<(), Error> {
        let (ours, theirs) = (Keys::new(&[1; 64]), Keys::new(&[2; 64]));
        let user: UserId = clock::fresh_id();
        let token = ours.issue(user, clock::now())?;
        assert_eq!(ours.user(token.expose())?, user);
        let refused = |keys: &Keys, token: &Secret| {
            keys.user(token.expose()).is_err_and(|it| it.code() == ErrorCode::Unauthenticated)
        };
        assert!(refused(&theirs, &token));
        assert!(refused(&ours, &ours.issue(user, clock::now() - 3_600_000)?));
        assert!(refused(&ours, &Secret::new("a.b.c")));
        Ok(())
    }
}
