//! Bundles on their way from the keeper of an account to the keeper of the mirrors.
//!
//! Neither sees the other's files: the daemon asks one for a piece and gives it to the other, and
//! holds no more than that one piece. What comes is an account's word: sizes are counted here, objects
//! are checked where they arrive.

use super::{local_time, remote_time};
use crate::clock;
use crate::context::Ctx;
use crate::error::Error;
use crate::executor_pool::Keeper;
use crate::paths::text;
use grove_core_api::ipc::bundle::{
    DropBundle, ImportBundle, ImportKind, ReadBundle, RefValue, WriteBundle,
};
use grove_core_api::ipc::method::RepoFacts;
use grove_core_api::isolation::UnixAccount;
use grove_core_api::{ErrorCode, limits};
use uuid::Uuid;

/// One bundle on its way.
pub(crate) struct Relay {
    /// Keeper of the account that packs it.
    pub(crate) from: Keeper,
    to: Keeper,
    outgoing: String,
    incoming: String,
}

/// What is to become of the mirror.
pub(crate) struct Target {
    /// Its directory.
    pub(crate) mirror: String,
    pub(crate) kind: ImportKind,
    pub(crate) refs: Vec<RefValue>,
    /// Branch that a new mirror's `HEAD` names.
    pub(crate) default_branch: String,
}

impl Relay {
    /// Makes a way from an account (absent: the daemon's own) to the mirrors.
    pub(crate) async fn new(ctx: &Ctx, account: Option<&UnixAccount>) -> Result<Self, Error> {
        let id: Uuid = clock::fresh_id();
        let name = format!("{}.bundle", id.simple());
        Ok(Self {
            from: ctx.app.pool.keeper(account).await?,
            to: ctx.app.pool.keeper(None).await?,
            outgoing: text(&ctx.app.paths.outgoing(account).join(&name)),
            incoming: text(&ctx.app.paths.incoming().join(&name)),
        })
    }

    /// File in which the account's keeper packs.
    pub(crate) fn outgoing(&self) -> String {
        self.outgoing.clone()
    }

    /// Carries the bundle over, piece by piece, and has it taken into the mirror.
    pub(crate) async fn deliver(&self, bytes: u64, target: Target) -> Result<RepoFacts, Error> {
        self.carry(bytes).await?;
        let call = ImportBundle {
            bundle: (bytes > 0).then(|| self.incoming.clone()),
            mirror: target.mirror,
            kind: target.kind,
            refs: target.refs,
            default_branch: target.default_branch,
        };
        self.to.call(call, remote_time()).await
    }

    async fn carry(&self, bytes: u64) -> Result<(), Error> {
        if bytes > limits::BUNDLE_BYTES {
            let most = limits::BUNDLE_BYTES / (1024 * 1024 * 1024);
            let detail = format!("the repository has more than {most} GiB");
            return Err(Error::new(ErrorCode::TooLarge, detail));
        }
        let most = u64::try_from(limits::BUNDLE_PIECE_BYTES).unwrap_or(u64::MAX);
        let mut offset = 0;
        while offset < bytes {
            let read = ReadBundle { bundle: self.outgoing.clone(), offset };
            let piece = self.from.call(read, local_time()).await?;
            let size = decoded_bytes(&piece.data);
            let end = offset + size;
            let is_whole = piece.is_last == (end == bytes);
            if size == 0 || size > most || end > bytes || !is_whole {
                return Err(Error::internal("a bundle is not what its keeper said"));
            }
            let write = WriteBundle { bundle: self.incoming.clone(), offset, data: piece.data };
            self.to.call(write, local_time()).await?;
            offset = end;
        }
        Ok(())
    }

    /// Removes the bundle on both sides. What is left is removed when a keeper starts.
    pub(crate) async fn drop_both(&self) {
        for (keeper, bundle) in [(&self.from, &self.outgoing), (&self.to, &self.incoming)] {
            let call = DropBundle { bundle: bundle.clone() };
            if let Err(error) = keeper.call(call, local_time()).await {
                tracing::warn!(%error, "failed to remove a bundle");
            }
        }
    }
}

/// How many bytes a text in base64 stands for; whoever decodes it finds out whether it is one.
fn decoded_bytes(base64: &str) -> u64 {
    let padding = base64.bytes().rev().take(2).take_while(|it| *it == b'=').count();
    let bytes = (base64.len() / 4 * 3).saturating_sub(padding);
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_bytes_not_of_the_text() {
        for (text, bytes) in [("", 0), ("TQ==", 1), ("TWE=", 2), ("TWFu", 3), ("TWFuTQ==", 4)] {
            assert_eq!(decoded_bytes(text), bytes, "{text}");
        }
    }
}
