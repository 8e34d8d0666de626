//! Names to addresses.

use async_trait::async_trait;
use std::io;
use std::net::IpAddr;

/// Finds the addresses of a name.
#[async_trait]
pub(super) trait Resolver: Send + Sync {
    /// The addresses, in the order in which to try them.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// Asks as every program of this host does.
pub(super) struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|it| it.ip()).collect())
    }
}
