//! The way out of an executor that has no network of its own.
//!
//! With the profiles `proxy` and `none` there is only a loopback interface. What is served on it here
//! goes through tunnels to the daemon, which decides: `forward` leads to Grove itself, `proxy` is an
//! HTTP proxy for the agent and its tools. Deliberately absent: any rule about who may reach what.

mod forward;
mod link;
mod proxy;

pub(crate) use link::Link;

use grove_core_api::ipc::method::Prompt;
use grove_core_api::isolation::{Layer, NetworkProfile, SandboxReport};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

/// What tools of all kinds take a proxy's address from.
const PROXY_NAMES: [&str; 4] = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"];
/// What goes past the proxy.
const DIRECT: &str = "127.0.0.1,localhost";

/// How this executor reaches anything.
pub(crate) struct Network {
    profile: NetworkProfile,
    link: Arc<Link>,
    /// Where Grove itself is; absent when it is reached as everything else.
    grove: Option<SocketAddr>,
    proxy: Option<SocketAddr>,
}

impl Network {
    /// Listens, when the sandbox leaves only the loopback interface.
    ///
    /// A profile that the sandbox could not enforce changes nothing here: on the host's own loopback
    /// interface the proxy would serve everybody.
    ///
    /// # Errors
    /// When there is no loopback interface to listen on.
    pub(crate) async fn prepare(report: &SandboxReport, spawner: &TaskTracker) -> io::Result<Self> {
        let profile =
            if report.holds(Layer::Network) { report.network } else { NetworkProfile::Shared };
        if profile != report.network {
            tracing::warn!(profile = ?report.network, "the network profile is not enforced here");
        }
        let mut network = Self { profile, link: Arc::default(), grove: None, proxy: None };
        if profile != NetworkProfile::Shared {
            let (listener, address) = listen().await?;
            let work = forward::serve(listener, Arc::clone(&network.link), spawner.clone());
            spawner.spawn(work);
            network.grove = Some(address);
        }
        if profile == NetworkProfile::Proxy {
            let (listener, address) = listen().await?;
            let work = proxy::serve(listener, Arc::clone(&network.link), spawner.clone());
            spawner.spawn(work);
            network.proxy = Some(address);
        }
        Ok(network)
    }

    /// What tunnels go through.
    pub(crate) fn link(&self) -> &Link {
        &self.link
    }

    /// Whether nothing but Grove can be reached.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.profile == NetworkProfile::None
    }

    /// The proxy's URL, when there is one.
    pub(crate) fn proxy_url(&self) -> Option<String> {
        self.proxy.map(|address| format!("http://{address}"))
    }

    /// What the environment of tools says about the network.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let Some(url) = self.proxy_url() else { return Vec::new() };
        let mut environment: Vec<_> = PROXY_NAMES.map(|name| (name, url.clone())).into();
        environment.extend(["NO_PROXY", "no_proxy"].map(|name| (name, DIRECT.to_owned())));
        environment
    }

    /// Has the prompt name Grove by the address that leads to it from here.
    pub(crate) fn adapt(&self, prompt: &mut Prompt) {
        let (Some(address), Some(mcp)) = (self.grove, prompt.mcp.as_mut()) else { return };
        match relocated(&mcp.url, address) {
            Some(url) => mcp.url = url,
            None => tracing::warn!("the address of Grove's own tools cannot be read"),
        }
    }
}

async fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn relocated(url: &str, address: SocketAddr) -> Option<String> {
    let mut url = reqwest::Url::parse(url).ok()?;
    url.set_ip_host(address.ip()).ok()?;
    url.set_port(Some(address.port())).ok()?;
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use grove_core_api::isolation::LayerState;

    fn report(network: NetworkProfile, is_on: bool) -> SandboxReport {
        let layer = LayerState { layer: Layer::Network, is_on, detail: String::new() };
        SandboxReport { network, layers: vec![layer], ..SandboxReport::default() }
    }

    async fn network(profile: NetworkProfile, is_on: bool) -> Network {
        let report = report(profile, is_on);
        Network::prepare(&report, &TaskTracker::new()).await.expect("listens")
    }

    #[tokio::test]
    async fn the_profile_decides_what_is_served() {
        for (profile, is_on, has_grove, has_proxy) in [
            (NetworkProfile::Shared, false, false, false),
            (NetworkProfile::Proxy, true, true, true),
            (NetworkProfile::None, true, true, false),
            // On the host's own loopback interface it would be everybody's.
            (NetworkProfile::Proxy, false, false, false),
            (NetworkProfile::None, false, false, false),
        ] {
            let network = network(profile, is_on).await;
            let served = (network.grove.is_some(), network.proxy.is_some());
            assert_eq!(served, (has_grove, has_proxy), "{profile:?} {is_on}");
            assert_eq!(network.environment().is_empty(), !has_proxy);
            assert_eq!(network.is_cut_off(), profile == NetworkProfile::None && is_on);
        }
    }

    #[tokio::test]
    async fn tools_are_told_of_the_proxy_under_all_its_names() {
        let network = network(NetworkProfile::Proxy, true).await;
        let url = network.proxy_url().expect("a proxy");
        let environment = network.environment();
        for name in PROXY_NAMES {
            assert!(environment.contains(&(name, url.clone())), "{name}");
        }
        assert!(environment.contains(&("NO_PROXY", DIRECT.to_owned())));
    }

    #[test]
    fn only_host_and_port_of_grove_change() {
        let address = SocketAddr::from(([127, 0, 0, 1], 40_000));
        for url in ["http://127.0.0.1:4768/mcp", "http://[::1]:4768/mcp", "http://localhost/mcp"] {
            let moved = relocated(url, address);
            assert_eq!(moved.as_deref(), Some("http://127.0.0.1:40000/mcp"), "{url}");
        }
        assert_eq!(relocated("nonsense", address), None);
    }
}
