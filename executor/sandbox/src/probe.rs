//! What this host can do for isolation: probes that try each thing out, in children where it cannot
//! be undone, instead of reading version numbers.
//!
//! For `grove doctor`. Synchronous; nothing is left behind, and a probe that hangs or dies is a row
//! that failed. Deliberately absent: the sandbox itself (this crate's other modules), how rows are
//! shown (the command line).

mod child;
mod groups;
mod host;
mod kernel;
mod sys;

pub use host::Host;

/// What one probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What was tried.
    pub name: &'static str,
    /// Whether it is as it should be.
    pub is_ok: bool,
    /// Whether it could be tried at all; some things only root can try.
    pub is_tried: bool,
    /// Whether strict isolation cannot do without.
    pub is_required: bool,
    /// What was found.
    pub found: String,
    /// What is missing without it; empty when all is well.
    pub effect: String,
    /// What to do about it; empty when all is well.
    pub fix: String,
}

impl Probe {
    /// Makes a row; effect and fix are kept for when it is needed.
    fn new(name: &'static str, found: Result<String, String>, effect: &str, fix: &str) -> Self {
        match found {
            Ok(found) => Self {
                name,
                is_ok: true,
                is_tried: true,
                is_required: false,
                found,
                effect: String::new(),
                fix: String::new(),
            },
            Err(found) => Self {
                name,
                is_ok: false,
                is_tried: true,
                is_required: false,
                found,
                effect: effect.to_owned(),
                fix: fix.to_owned(),
            },
        }
    }

    /// A row about what only root can try.
    fn only_root(name: &'static str) -> Self {
        let found = Err("needs root to probe".to_owned());
        let fix = "Run `grove doctor` as root to know.";
        Self { is_tried: false, ..Self::new(name, found, "unknown", fix) }
    }

    const fn required(mut self) -> Self {
        self.is_required = true;
        self
    }
}

/// Tries out what the kernel offers to confine a process.
#[must_use]
pub fn kernel() -> Vec<Probe> {
    kernel::all()
}

/// Whether executors started by this account would have mounts of their own, by what was tried.
#[must_use]
pub fn has_namespaces(kernel: &[Probe]) -> bool {
    let name = if is_root() { kernel::NAMESPACES } else { kernel::USER_NAMESPACES };
    kernel.iter().any(|row| row.is_ok && row.name == name)
}

/// Tries out control groups: killing a whole group, and limits.
#[must_use]
pub fn groups() -> Vec<Probe> {
    groups::all()
}

/// Looks at how the host is set up around Grove.
#[must_use]
pub fn host(host: &Host<'_>) -> Vec<Probe> {
    host::all(host)
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// The value of a kernel setting, such as `fs/protected_symlinks`; `None` when it is not there.
fn setting(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/sys/{path}")).ok()?;
    Some(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_is_missing_and_what_to_do_only_when_something_is() {
        let well = Probe::new("x", Ok("there".to_owned()), "no x", "get x");
        assert!(well.is_ok && well.is_tried && well.effect.is_empty() && well.fix.is_empty());
        let bad = Probe::new("x", Err("absent".to_owned()), "no x", "get x").required();
        assert!(!bad.is_ok && bad.is_required);
        assert_eq!((bad.effect.as_str(), bad.fix.as_str()), ("no x", "get x"));
        let unknown = Probe::only_root("x");
        assert!(!unknown.is_ok && !unknown.is_tried && unknown.found.contains("root"));
    }

    #[test]
    fn every_row_has_a_name_of_its_own() {
        let home = std::env::temp_dir();
        let mut rows = kernel();
        rows.extend(groups());
        rows.extend(host(&Host { home: &home, group: "grove-users", has_namespaces: false }));
        let mut names: Vec<_> = rows.iter().map(|row| row.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert!(count > 20 && names.len() == count, "{names:?}");
        for row in rows.iter().filter(|row| !row.is_ok) {
            assert!(
                !row.found.is_empty() && !row.effect.is_empty() && !row.fix.is_empty(),
                "{row:?}"
            );
        }
    }
}
