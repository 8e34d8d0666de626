//! From bytes to a request that may be trusted: shape, size, tokens and directories.
//!
//! The daemon parses what the network sends; the monitor trusts it no further than this file.

use super::permit::Kind;
use grove_core_api::isolation::Roots;
use grove_core_api::limits::EXECUTOR_ROOTS;
use grove_core_api::monitor::{MonitorRequest, Refusal};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::Mode;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

/// Hex digits of a one-time token.
const TOKEN_DIGITS: usize = 32;
/// Directories below the home that an executor's directory may be nested in.
const DEPTH: usize = 32;

/// Why a request is not carried out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused {
    /// For the program.
    pub(super) refusal: Refusal,
    /// For people.
    pub(super) detail: String,
}

impl Refused {
    pub(super) fn new(refusal: Refusal, detail: impl Into<String>) -> Self {
        Self { refusal, detail: detail.into() }
    }
}

/// Reads a request.
///
/// # Errors
/// `Malformed`; the detail never repeats the content, which may hold a token.
pub(super) fn decode(bytes: &[u8]) -> Result<MonitorRequest, Refused> {
    let request: MonitorRequest = serde_json::from_slice(bytes).map_err(|error| {
        let detail = format!("not a request (column {}, {:?})", error.column(), error.classify());
        Refused::new(Refusal::Malformed, detail)
    })?;
    let most = Kind::of(&request).max_bytes();
    if bytes.len() > most {
        let detail = format!("longer than the {most} bytes that such a request may have");
        return Err(Refused::new(Refusal::Malformed, detail));
    }
    Ok(request)
}

/// Checks a one-time token's shape.
///
/// # Errors
/// `Invalid`.
pub(super) fn check_token(token: &str) -> Result<(), Refused> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if token.len() == TOKEN_DIGITS && token.bytes().all(is_hex) {
        return Ok(());
    }
    Err(Refused::new(Refusal::Invalid, "the token must be 32 lower-case hex digits"))
}

/// Checks the URL that the daemon says it listens on.
///
/// # Errors
/// `Invalid`.
pub(super) fn check_url(url: &str) -> Result<(), Refused> {
    let is_http = url.starts_with("http://") || url.starts_with("https://");
    if is_http && url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Refused::new(Refusal::Invalid, "the URL must be http or https, without blanks"))
}

/// Opens an executor's directory by walking down from the home one name at a time, never through a
/// link, so that what was checked is what is used.
///
/// # Errors
/// `Invalid` when the path is relative, not canonical, not below the home, leads through a link or
/// does not exist; `System` for anything else.
pub(super) fn open_directory(home: &Path, directory: &str) -> Result<OwnedFd, Refused> {
    let invalid = |why: &str| Refused::new(Refusal::Invalid, format!("the directory {why}"));
    let path = Path::new(directory);
    if !path.is_absolute() {
        return Err(invalid("must be absolute"));
    }
    let is_odd = ["//", "/./", "\0"].iter().any(|it| directory.contains(it));
    if is_odd || directory.ends_with('/') || directory.ends_with("/.") {
        return Err(invalid("must be canonical"));
    }
    let below = path.strip_prefix(home).ok().filter(|below| !below.as_os_str().is_empty());
    let Some(below) = below else { return Err(invalid("must be below Grove's home")) };
    if below.components().count() > DEPTH {
        return Err(invalid("is nested too deep"));
    }
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut here = open(home, flags, Mode::empty()).map_err(|errno| refuse(errno, "the home"))?;
    for part in below.components() {
        let Component::Normal(name) = part else {
            return Err(invalid("must not contain `..`"));
        };
        here = openat(&here, name, flags, Mode::empty())
            .map_err(|errno| refuse(errno, &format!("the directory at `{}`", name.display())))?;
    }
    Ok(here)
}

/// Checks directories that an executor is granted. Below `home` when there is one, and then free of
/// links; on somebody's own machine the daemon is that somebody, and may name any place.
///
/// # Errors
/// `Invalid`, as [`open_directory`].
pub(super) fn check_roots(roots: &Roots, home: Option<&PathBuf>) -> Result<(), Refused> {
    if roots.write.len() + roots.read.len() > EXECUTOR_ROOTS {
        return Err(Refused::new(Refusal::Invalid, "too many directories"));
    }
    for root in roots.write.iter().chain(&roots.read) {
        match home {
            Some(home) => drop(open_directory(home, root)?),
            None if Path::new(root).is_absolute() && !root.contains('\0') => {}
            None => return Err(Refused::new(Refusal::Invalid, "a directory must be absolute")),
        }
    }
    Ok(())
}

fn refuse(errno: Errno, what: &str) -> Refused {
    if errno == Errno::ENOENT {
        return Refused::new(Refusal::Invalid, format!("{what} does not exist"));
    }
    // With O_DIRECTORY, a link reports ENOTDIR rather than ELOOP.
    if matches!(errno, Errno::ENOTDIR | Errno::ELOOP) {
        return Refused::new(Refusal::Invalid, format!("{what} is a link or no directory"));
    }
    Refused::new(Refusal::System, format!("{what} cannot be opened: {errno}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn refusal_of(home: &Path, directory: &str) -> Option<Refusal> {
        open_directory(home, directory).err().map(|refused| refused.refusal)
    }

    #[test]
    fn only_real_directories_below_the_home_are_opened() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("wt/ana/shop")).unwrap();
        fs::write(root.join("wt/file"), "").unwrap();
        symlink("/", root.join("wt/out")).unwrap();
        symlink("ana", root.join("wt/inside")).unwrap();
        let at = |text: &str| format!("{}/{text}", root.display());
        assert!(open_directory(&root, &at("wt/ana/shop")).is_ok());
        let refused = [
            at("wt/ana/../ana"),
            at("wt/ana/.."),
            at("wt//ana"),
            at("wt/./ana"),
            at("wt/ana/"),
            at("wt/ana/."),
            at("wt/out"),
            at("wt/out/etc"),
            at("wt/inside"),
            at("wt/inside/shop"),
            at("wt/file"),
            at("wt/none"),
            at(""),
            root.display().to_string(),
            "/etc".to_owned(),
            "wt/ana".to_owned(),
            String::new(),
            format!("{}x/wt", root.display()),
            at("wt/ana\0"),
            at(&"d/".repeat(40)),
        ];
        for directory in refused {
            assert_eq!(refusal_of(&root, &directory), Some(Refusal::Invalid), "{directory:?}");
        }
    }

    #[test]
    fn a_token_is_thirty_two_lower_case_hex_digits() {
        assert_eq!(check_token("0123456789abcdef0123456789abcdef"), Ok(()));
        for token in
            ["", "0123", "0123456789ABCDEF0123456789abcdef", &"g".repeat(32), &"0".repeat(33)]
        {
            assert_eq!(check_token(token).unwrap_err().refusal, Refusal::Invalid, "{token}");
        }
    }

    #[test]
    fn what_is_not_a_request_is_refused_without_repeating_it() {
        let secret = r#"{"request":"attach","id":"x","token":"deadbeefdeadbeefdeadbeefdeadbeef"}"#;
        let long = format!(r#"{{"request":"list"{}}}"#, " ".repeat(200));
        for text in [
            "",
            "{}",
            "null",
            r#"{"request":"exec","program":"/bin/sh"}"#,
            secret,
            &long,
            r#"{"request":"kill","id":"01920000-0000-7000-8000-0000deadbeef","x":1}"#,
        ] {
            let refused = decode(text.as_bytes()).unwrap_err();
            assert_eq!(refused.refusal, Refusal::Malformed, "{text}");
            assert!(!refused.detail.contains("deadbeef"), "{}", refused.detail);
        }
        assert_eq!(decode(br#"{"request":"list"}"#), Ok(MonitorRequest::List));
    }

    /// Longest piece of a datagram that a refusal may share with it by chance.
    const CHANCE: usize = 12;

    fn echoes(detail: &str, datagram: &[u8]) -> bool {
        datagram.windows(CHANCE).any(|piece| {
            std::str::from_utf8(piece)
                .is_ok_and(|piece| detail.contains(piece) && !OWN_WORDS.contains(piece))
        })
    }

    /// What refusals say by themselves.
    const OWN_WORDS: &str = "not a request (column , Syntax) Data) Eof) longer than the bytes that \
                             such a request may have";

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2_000))]

        #[test]
        fn arbitrary_datagrams_never_panic_and_are_never_echoed(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600),
        ) {
            if let Err(refused) = decode(&bytes) {
                proptest::prop_assert_eq!(refused.refusal, Refusal::Malformed);
                proptest::prop_assert!(!echoes(&refused.detail, &bytes), "{}", refused.detail);
            }
        }

        #[test]
        fn datagrams_that_are_nearly_right_are_never_echoed(
            kind in "spawn|attach|kill|list|ready|shutdown|outcome|ensure_account|[a-z_]{0,16}",
            member in "id|token|url|name|account|launch|[a-z]{1,12}",
            value in "\"[ -~]{0,60}\"|[0-9]{1,40}|null|\\[\\]|\\{\\}",
            secret in "[0-9a-f]{32}",
        ) {
            let text = format!(r#"{{"request":"{kind}","{member}":{value},"token":"{secret}"}}"#);
            if let Err(refused) = decode(text.as_bytes()) {
                proptest::prop_assert_eq!(refused.refusal, Refusal::Malformed);
                proptest::prop_assert!(!refused.detail.contains(&secret), "{}", refused.detail);
                proptest::prop_assert!(
                    !echoes(&refused.detail, text.as_bytes()), "{}", refused.detail
                );
            }
        }
    }

    #[test]
    fn a_url_without_blanks_is_accepted() {
        assert_eq!(check_url("http://127.0.0.1:4768"), Ok(()));
        for url in ["", "file:///etc", "http://a b", "http://a\nready"] {
            assert!(check_url(url).is_err(), "{url:?}");
        }
    }
}
