//! The closed table: which request is permitted when, how often, and how large it may be.
//!
//! Pure. A request that has no row cannot exist: the match in [`Kind::of`] is exhaustive.

use grove_core_api::monitor::MonitorRequest;

/// Where the daemon stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Started, has not said that it listens.
    Starting,
    /// Listens.
    Serving,
    /// Was told to end.
    Stopping,
}

/// Kind of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ready,
    Spawn,
    Attach,
    Kill,
    List,
    Outcome,
    EnsureAccount,
    RetireAccount,
    MakeDirectory,
    RemoveDirectory,
    Shutdown,
}

/// A row of the table; it stands at the place of its kind.
struct Row {
    name: &'static str,
    states: &'static [State],
    is_once: bool,
    max_bytes: usize,
}

const UP: &[State] = &[State::Starting, State::Serving];
const ANY: &[State] = &[State::Starting, State::Serving, State::Stopping];

#[rustfmt::skip] // a table reads best as a table
const TABLE: [Row; 11] = [
    Row { name: "ready",            states: &[State::Starting], is_once: true,  max_bytes: 1_024 },
    Row { name: "spawn",            states: UP,                 is_once: false, max_bytes: 32_768 },
    Row { name: "attach",           states: UP,                 is_once: false, max_bytes: 512 },
    Row { name: "kill",             states: ANY,                is_once: false, max_bytes: 256 },
    Row { name: "list",             states: ANY,                is_once: false, max_bytes: 128 },
    Row { name: "outcome",          states: ANY,                is_once: false, max_bytes: 256 },
    Row { name: "ensure_account",   states: UP,                 is_once: false, max_bytes: 256 },
    Row { name: "retire_account",   states: &[State::Serving],  is_once: false, max_bytes: 256 },
    Row { name: "make_directory",   states: UP,                 is_once: false, max_bytes: 1_024 },
    Row { name: "remove_directory", states: UP,                 is_once: false, max_bytes: 1_024 },
    Row { name: "shutdown",         states: UP,                 is_once: true,  max_bytes: 128 },
];

impl Kind {
    pub(super) const fn of(request: &MonitorRequest) -> Self {
        match request {
            MonitorRequest::Ready { .. } => Self::Ready,
            MonitorRequest::Spawn { .. } => Self::Spawn,
            MonitorRequest::Attach { .. } => Self::Attach,
            MonitorRequest::Kill { .. } => Self::Kill,
            MonitorRequest::List => Self::List,
            MonitorRequest::Outcome { .. } => Self::Outcome,
            MonitorRequest::EnsureAccount { .. } => Self::EnsureAccount,
            MonitorRequest::RetireAccount { .. } => Self::RetireAccount,
            MonitorRequest::MakeDirectory { .. } => Self::MakeDirectory,
            MonitorRequest::RemoveDirectory { .. } => Self::RemoveDirectory,
            MonitorRequest::Shutdown => Self::Shutdown,
        }
    }

    const fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    pub(super) const fn name(self) -> &'static str {
        self.row().name
    }

    pub(super) const fn max_bytes(self) -> usize {
        self.row().max_bytes
    }
}

/// Which one-time requests one daemon has used up.
#[derive(Debug, Default)]
pub(super) struct Permits {
    used: [bool; TABLE.len()],
}

impl Permits {
    /// Says whether the request may be carried out now.
    pub(super) fn permits(&self, kind: Kind, state: State) -> bool {
        let row = kind.row();
        row.states.contains(&state) && !(row.is_once && self.used[kind as usize])
    }

    /// Notes that the request was carried out.
    pub(super) fn note(&mut self, kind: Kind) {
        self.used[kind as usize] = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [(Kind, &str); TABLE.len()] = [
        (Kind::Ready, "ready"),
        (Kind::Spawn, "spawn"),
        (Kind::Attach, "attach"),
        (Kind::Kill, "kill"),
        (Kind::List, "list"),
        (Kind::Outcome, "outcome"),
        (Kind::EnsureAccount, "ensure_account"),
        (Kind::RetireAccount, "retire_account"),
        (Kind::MakeDirectory, "make_directory"),
        (Kind::RemoveDirectory, "remove_directory"),
        (Kind::Shutdown, "shutdown"),
    ];

    #[test]
    fn each_row_stands_at_the_place_of_its_kind() {
        for (place, (kind, name)) in KINDS.into_iter().enumerate() {
            assert_eq!((kind as usize, kind.name()), (place, name));
        }
    }

    #[test]
    fn the_whole_table_as_it_is_meant() {
        use State::{Serving, Starting, Stopping};
        let mut permits = Permits::default();
        let allowed = |permits: &Permits, state| -> Vec<&str> {
            let permitted = KINDS.iter().filter(|(kind, _)| permits.permits(*kind, state));
            permitted.map(|(_, name)| *name).collect()
        };
        let names = |except: &[&str]| -> Vec<&str> {
            KINDS.iter().map(|(_, name)| *name).filter(|it| !except.contains(it)).collect()
        };
        assert_eq!(allowed(&permits, Starting), names(&["retire_account"]));
        assert_eq!(allowed(&permits, Serving), names(&["ready"]));
        assert_eq!(allowed(&permits, Stopping), ["kill", "list", "outcome"]);
        for (kind, _) in KINDS {
            permits.note(kind);
        }
        let once = ["ready", "shutdown"];
        assert_eq!(allowed(&permits, Starting), names(&[&once[..], &["retire_account"]].concat()));
        assert_eq!(allowed(&permits, Serving), names(&once));
    }
}
