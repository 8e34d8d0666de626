//! The list of hosts that executors may reach: pure.

use grove_core_api::limits;
use serde::Deserialize;
use std::fmt;
use std::net::IpAddr;

/// Ports of an entry that names none.
const DEFAULT_PORTS: [u16; 2] = [80, 443];

/// A host, in the one form in which hosts are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Host {
    /// A name: lower case, ASCII (international names as `xn--…`), no dot at the end.
    Name(String),
    /// An address; IPv4 ones that were written as IPv6 are IPv4.
    Address(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => write!(f, "{address}"),
        }
    }
}

/// Reads a host as URLs have it (WHATWG): `127.1` and `0x7f000001` are addresses, not names.
pub(crate) fn host(text: &str) -> Option<Host> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(Host::Address(address.to_canonical()));
    }
    match url::Host::parse(text).ok()? {
        url::Host::Domain(name) => {
            let name = name.strip_suffix('.').unwrap_or(&name);
            let is_name = !name.is_empty() && name.len() <= 253 && !name.contains("..");
            (is_name && !name.starts_with('.')).then(|| Host::Name(name.to_owned()))
        }
        url::Host::Ipv4(address) => Some(Host::Address(address.into())),
        url::Host::Ipv6(address) => Some(Host::Address(IpAddr::V6(address).to_canonical())),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Exactly(Host),
    /// Every name that ends like this, with a dot in front: `.npmjs.org`.
    Below(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    pattern: Pattern,
    port: Option<u16>,
}

impl Entry {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{text}` is no host for `[egress] allow`: {why}");
        if text.contains('/') {
            return Err(wrong("write the host alone, such as `crates.io` or `crates.io:443`"));
        }
        let (name, port) = split(text).ok_or_else(|| wrong("the port is no number from 1"))?;
        let pattern = if let Some(rest) = name.strip_prefix("*.") {
            match host(rest) {
                Some(Host::Name(name)) if !name.contains('*') => Pattern::Below(format!(".{name}")),
                _ => return Err(wrong("after `*.` comes a name")),
            }
        } else if name.contains('*') {
            return Err(wrong("`*` stands only in front, as `*.example.org`"));
        } else {
            let host = host(name).ok_or_else(|| wrong("it is no name and no address"))?;
            Pattern::Exactly(host)
        };
        Ok(Self { pattern, port })
    }

    fn fits(&self, host: &Host, port: u16) -> bool {
        let is_port = self.port.map_or(DEFAULT_PORTS.contains(&port), |it| it == port);
        is_port
            && match (&self.pattern, host) {
                (Pattern::Exactly(listed), host) => listed == host,
                (Pattern::Below(end), Host::Name(name)) => {
                    name.len() > end.len() && name.ends_with(end.as_str())
                }
                (Pattern::Below(_), Host::Address(_)) => false,
            }
    }
}

/// Splits a port off; IPv6 addresses with a port stand in brackets.
fn split(text: &str) -> Option<(&str, Option<u16>)> {
    let is_bare_address = text.parse::<IpAddr>().is_ok() || text.ends_with(']');
    let Some((name, port)) = text.rsplit_once(':').filter(|_| !is_bare_address) else {
        return Some((text, None));
    };
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port: u16 = port.parse().ok().filter(|port| is_number && *port > 0)?;
    Some((name, Some(port)))
}

/// Which hosts executors with the profile `proxy` may reach. Empty: none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct AllowList {
    entries: Vec<Entry>,
}

impl TryFrom<Vec<String>> for AllowList {
    type Error = String;

    fn try_from(texts: Vec<String>) -> Result<Self, String> {
        let most = limits::EGRESS_ENTRIES;
        if texts.len() > most {
            return Err(format!("`[egress] allow` has more than {most} entries"));
        }
        let entries = texts.iter().map(|text| Entry::parse(text)).collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }
}

impl AllowList {
    /// Whether a host is listed.
    pub(crate) fn permits(&self, host: &Host, port: u16) -> bool {
        self.entries.iter().any(|entry| entry.fits(host, port))
    }

    /// Whether the address itself is listed, as it must be when it is not of the public internet.
    pub(crate) fn permits_address(&self, address: IpAddr, port: u16) -> bool {
        self.permits(&Host::Address(address.to_canonical()), port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(texts: &[&str]) -> AllowList {
        let texts: Vec<_> = texts.iter().map(|it| (*it).to_owned()).collect();
        AllowList::try_from(texts).expect("a list")
    }

    fn permits(entry: &str, name: &str, port: u16) -> bool {
        host(name).is_some_and(|host| list(&[entry]).permits(&host, port))
    }

    #[test]
    fn names_are_compared_in_one_form() {
        for (entry, name) in [
            ("api.anthropic.com", "api.anthropic.com"),
            ("API.Anthropic.com", "api.anthropic.COM."),
            ("api.anthropic.com.", "api.anthropic.com"),
            ("bücher.example", "BÜCHER.example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "bücher.example."),
            ("*.npmjs.org", "registry.npmjs.org"),
            ("*.npmjs.org", "a.b.NPMJS.org."),
            ("10.0.0.5", "10.0.0.5"),
            ("10.0.0.5", "::ffff:10.0.0.5"),
            ("10.0.0.5", "0x0a000005"),
            ("[2001:db8::5]", "2001:DB8:0::5"),
            ("2001:db8::5", "[2001:db8::5]"),
        ] {
            assert!(permits(entry, name, 443), "{entry} {name}");
        }
    }

    #[test]
    fn what_only_looks_alike_is_not_permitted() {
        for (entry, name) in [
            ("api.anthropic.com", "evil-api.anthropic.com"),
            ("api.anthropic.com", "api.anthropic.com.evil.example"),
            ("api.anthropic.com", "anthropic.com"),
            ("anthropic.com", "api.anthropic.com"),
            ("*.npmjs.org", "npmjs.org"),
            ("*.npmjs.org", ".npmjs.org"),
            ("*.npmjs.org", "evilnpmjs.org"),
            ("*.npmjs.org", "npmjs.org.evil.example"),
            ("*.0.0.5", "10.0.0.5"),
            ("10.0.0.5", "10.0.0.50"),
            ("api.anthropic.com", "api.anthropic.com@evil.example"),
            ("api.anthropic.com", "api.anthropic.com/evil.example"),
            ("api.anthropic.com", "api.anthropic.com\0.evil.example"),
            ("api.anthropic.com", ""),
            ("api.anthropic.com", "аpi.anthropic.com"),
        ] {
            let is_permitted = AllowList::try_from(vec![entry.to_owned()])
                .is_ok_and(|list| host(name).is_some_and(|host| list.permits(&host, 443)));
            assert!(!is_permitted, "{entry} {name}");
        }
    }

    #[test]
    fn ports_are_those_of_the_entry_or_of_the_web() {
        assert!(permits("crates.io", "crates.io", 80) && permits("crates.io", "crates.io", 443));
        assert!(!permits("crates.io", "crates.io", 22));
        assert!(permits("crates.io:443", "crates.io", 443));
        assert!(!permits("crates.io:443", "crates.io", 80));
        assert!(permits("*.crates.io:8443", "static.crates.io", 8443));
        assert!(permits("[::1]:8080", "::1", 8080) && !permits("[::1]:8080", "::1", 80));
        assert!(permits("127.0.0.1:11434", "127.0.0.1", 11_434));
        assert!(!permits("127.0.0.1:11434", "127.0.0.1", 4_768));
        assert!(!AllowList::default().permits(&Host::Name("crates.io".into()), 443));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, why) in [
            ("https://crates.io", "write the host alone"),
            ("crates.io:0", "the port is no number"),
            ("crates.io:https", "the port is no number"),
            ("crates.io:70000", "the port is no number"),
            ("crates.io:+443", "the port is no number"),
            ("*", "stands only in front"),
            ("*.", "after `*.` comes a name"),
            ("*.*.org", "after `*.` comes a name"),
            ("*.10.0.0.1", "after `*.` comes a name"),
            ("a.*.org", "stands only in front"),
            ("", "no name and no address"),
            ("a b", "no name and no address"),
            ("[::1", "no name and no address"),
            ("::1:x", "the port is no number"),
        ] {
            let refused = AllowList::try_from(vec![text.to_owned()]).expect_err(text);
            assert!(refused.contains(why) && refused.contains(text), "{text}: {refused}");
        }
        let many = vec!["a.example".to_owned(); limits::EGRESS_ENTRIES + 1];
        assert!(AllowList::try_from(many).is_err());
    }

    proptest! {
        #[test]
        fn hosts_are_read_alike_when_read_again(text in "\\PC{0,40}") {
            if let Some(first) = host(&text) {
                prop_assert_eq!(host(&first.to_string()), Some(first));
            }
        }

        #[test]
        fn an_entry_permits_what_it_names_and_nothing_below(name in "[a-z]{1,8}(\\.[a-z]{2,6}){1,3}") {
            prop_assert!(permits(&name, &name, 443));
            let below = format!("x.{name}");
            prop_assert!(!permits(&name, &below, 443));
            let all = format!("*.{name}");
            prop_assert!(permits(&all, &below, 443));
        }
    }
}
