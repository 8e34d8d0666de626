//! The host that attacks run on: accounts, directories of a shared host, and victims that live.
//!
//! Made once per run and taken away at its end; what a killed run left behind is swept by the next
//! one. Nothing is below `/tmp`, which the sandbox hides.

use crate::host::{self, Owner};
use crate::rows::Who;
use crate::setup::{
    ARGUMENT_SECRET, ENVIRONMENT_SECRET, Executor, SETUP_FILE, Setup, Targets, VictimReady,
};
use anyhow::Context;
use grove_sandbox::account::{Identity, Rules, plain};
use grove_sandbox::cgroup::Cgroups;
use grove_tests::{Outcome, variable};
use nix::sys::stat::Mode as FileMode;
use nix::unistd::{Group, getuid, mkfifo};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Child;

/// How Grove is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Every person has an account; the monitor is root.
    Shared,
    /// Everything runs as the account that started it.
    Single,
}

impl Mode {
    /// First part of the names of its tests.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::Single => "single",
        }
    }
}

/// Accounts of a shared host.
pub(crate) struct People {
    pub(crate) rules: Rules,
    pub(crate) attacker: Identity,
    pub(crate) other: Identity,
    pub(crate) service: Identity,
}

/// The host that attacks run on.
pub(crate) struct Fixture {
    pub(crate) mode: Mode,
    /// Names of everything that it makes begin so.
    pub(crate) base: String,
    pub(crate) state: PathBuf,
    /// The attack program, where every account can reach it.
    pub(crate) program: PathBuf,
    pub(crate) people: Option<People>,
    pub(crate) groups: Cgroups,
    pub(crate) targets: Targets,
    victims: Vec<Child>,
}

impl Fixture {
    /// Makes everything.
    pub(crate) fn make(mode: Mode) -> Outcome<Self> {
        let base = format!("grovet_{}{}", std::process::id(), &mode.name()[1..2]);
        let state = state_parent()?.join(&base);
        host::directory(&state, 0o711, &Owner::Caller)?;
        let mut fixture = Self {
            mode,
            groups: Cgroups::detect(&base),
            program: state.join("libexec/attack"),
            people: None,
            targets: Targets::default(),
            victims: Vec::new(),
            base,
            state,
        };
        fixture.fill().inspect_err(|_| fixture.close())?;
        Ok(fixture)
    }

    fn fill(&mut self) -> Outcome {
        if self.mode == Mode::Shared {
            self.people = Some(self.make_people().context("make accounts")?);
        }
        self.targets = self.name_targets()?;
        self.make_files().context("make files")?;
        self.make_programs().context("make programs")?;
        self.start_victims().context("start victims")
    }

    fn make_people(&self) -> Outcome<People> {
        let group = format!("{}-all", self.base);
        host::tool("groupadd", &["--", &group])?;
        host::directory(&self.state.join("home"), 0o711, &Owner::Caller)?;
        let rules = Rules {
            prefix: format!("{}_", self.base),
            group,
            service: format!("{}_svc", self.base),
            homes: self.state.join("home"),
        };
        let name = |who: &str| format!("{}_{who}", self.base);
        // It makes the account and then refuses it, because it is the daemon's own.
        rules.ensure(&rules.service).err().context("the service account may run executors")?;
        // Not one of Grove's groups: like `docker`.
        let foreign = format!("{}-docker", self.base);
        host::tool("groupadd", &["--", &foreign])?;
        let (attacker, other) = (rules.ensure(&name("a"))?, rules.ensure(&name("b"))?);
        host::tool("usermod", &["--append", "--groups", &foreign, "--", &attacker.name])?;
        Ok(People {
            attacker: rules.resolve(&attacker.name)?,
            service: plain(&rules.service)?,
            other,
            rules,
        })
    }

    /// The account of somebody; absent where everything runs as one, and for root.
    pub(crate) fn identity(&self, who: Who) -> Option<&Identity> {
        let people = self.people.as_ref()?;
        match who {
            Who::Attacker => Some(&people.attacker),
            Who::Other => Some(&people.other),
            Who::Service => Some(&people.service),
            Who::Root => None,
        }
    }

    fn owner(&self, who: Who) -> Owner {
        self.identity(who).map_or(Owner::Caller, |it| Owner::Account(it.uid, it.gid))
    }

    /// Working directory of somebody.
    pub(crate) fn directory(&self, who: Who) -> PathBuf {
        PathBuf::from(match who {
            Who::Attacker | Who::Root => self.targets.own_worktree.clone(),
            Who::Other => self.targets.other_worktree.clone(),
            Who::Service => format!("{}/db", self.targets.state),
        })
    }

    fn name_targets(&self) -> Outcome<Targets> {
        let at = |path: &str| self.state.join(path).display().to_string();
        let tmp = fs::metadata("/tmp")?;
        let foreign = Group::from_name(&format!("{}-docker", self.base))?;
        let sockets = host::socket_directory(&self.base, &self.state);
        let own_pid = i32::try_from(std::process::id())?;
        Ok(Targets {
            state: self.state.display().to_string(),
            other_key: at("home/other/.ssh/id"),
            other_public: at("public/readable"),
            other_open_file: at("public/writable"),
            other_open_directory: at("public/open"),
            other_fifo: at("public/fifo"),
            other_worktree: at("wt/b/repo/main"),
            other_tmp: format!("/tmp/{}.secret", self.base),
            other_shm: format!("/dev/shm/{}.secret", self.base),
            other_socket: sockets.join("private").display().to_string(),
            public_socket: sockets.join("public").display().to_string(),
            abstract_socket: format!("{}.abstract", self.base),
            shm_key: own_pid * 2 + i32::from(self.mode == Mode::Single),
            queue: self.base.clone(),
            monitor_pid: own_pid,
            same_worktree: at("wt/a/repo/second"),
            database: at("db/grove.db"),
            daemon_key: at("keys/owner.token"),
            run_file: at("run/grove.json"),
            mirror_file: at("mirror/repo.git/object"),
            root_secret: at("root-secret"),
            own_worktree: at("wt/a/repo/main"),
            executor_state: at("exec/a"),
            sibling_program: at("libexec/groved"),
            setuid_program: at("programs/setuid"),
            setgid_program: at("programs/setgid"),
            capable_program: at("programs/capable"),
            foreign_group: foreign.map_or(0, |group| group.gid.as_raw()),
            tmp_identity: format!("{}:{}", tmp.dev(), tmp.ino()),
            disk: host::disk().unwrap_or_default(),
            ..Targets::default()
        })
    }

    fn make_files(&self) -> Outcome {
        let targets = &self.targets;
        let (attacker, other, service) =
            (self.owner(Who::Attacker), self.owner(Who::Other), self.owner(Who::Service));
        let root = Owner::Caller;
        let at = |path: &str| self.state.join(path);
        for path in ["home", "wt", "wt/a", "wt/a/repo", "wt/b", "wt/b/repo", "exec"] {
            host::directory(&at(path), 0o711, &root)?;
        }
        let socket_directory = host::socket_directory(&self.base, &self.state);
        for (path, mode, owner) in [
            (at("home/other"), 0o700, &other),
            (at("home/other/.ssh"), 0o700, &other),
            (at("public"), 0o755, &other),
            (at("public/open"), 0o777, &other),
            (socket_directory, 0o755, &other),
            (at("wt/b/repo/main"), 0o700, &other),
            (at("wt/a/repo/main"), 0o700, &attacker),
            (at("wt/a/repo/second"), 0o700, &attacker),
            (at("exec/a"), 0o700, &attacker),
            (at("db"), 0o700, &service),
            (at("keys"), 0o700, &service),
            (at("mirror"), 0o755, &service),
            (at("mirror/repo.git"), 0o755, &service),
            (at("run"), 0o755, &root),
        ] {
            host::directory(&path, mode, owner)?;
        }
        for (path, mode, owner) in [
            (&targets.other_key, 0o600, &other),
            (&targets.other_public, 0o644, &other),
            (&targets.other_open_file, 0o666, &other),
            (&targets.database, 0o600, &service),
            (&targets.daemon_key, 0o600, &service),
            (&targets.mirror_file, 0o644, &service),
            (&targets.run_file, 0o644, &root),
            (&targets.root_secret, 0o600, &root),
            (&format!("{}/secret", targets.same_worktree), 0o600, &attacker),
            (&format!("{}/journal", targets.executor_state), 0o600, &attacker),
        ] {
            host::file(Path::new(path), "a secret of somebody\n", mode, owner)?;
        }
        mkfifo(targets.other_fifo.as_str(), FileMode::S_IRWXU)?;
        host::own(Path::new(&targets.other_fifo), 0o666, &other)
    }

    fn make_programs(&self) -> Outcome {
        let source = variable("GROVET_ATTACK")
            .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_attack")), PathBuf::from);
        let targets = &self.targets;
        host::directory(&self.state.join("libexec"), 0o755, &Owner::Caller)?;
        host::directory(&self.state.join("programs"), 0o755, &Owner::Caller)?;
        let copy = |to: &Path, mode: u32, owner: &Owner| -> Outcome {
            fs::copy(&source, to)
                .with_context(|| format!("{} to {}", source.display(), to.display()))?;
            host::own(to, mode, owner)
        };
        copy(&self.program, 0o755, &Owner::Caller)?;
        host::file(Path::new(&targets.sibling_program), "program\n", 0o755, &Owner::Caller)?;
        copy(Path::new(&targets.setuid_program), 0o4755, &Owner::Caller)?;
        let group = Owner::Group(self.identity(Who::Service).map(|it| it.gid));
        copy(Path::new(&targets.setgid_program), 0o2755, &group)?;
        copy(Path::new(&targets.capable_program), 0o755, &Owner::Caller)?;
        if getuid().is_root() {
            host::run(&self.program, &["capable", &targets.capable_program])?;
        }
        Ok(())
    }

    fn start_victims(&mut self) -> Outcome {
        let ready = self.start_victim(Who::Other, "other")?;
        let VictimReady { port, pty, pty_identity } = ready.0;
        let (daemon, same) = (
            self.start_victim(Who::Service, "daemon")?.1,
            self.start_victim(Who::Attacker, "same")?.1,
        );
        let other_pid = ready.1;
        let targets = &mut self.targets;
        (targets.port, targets.other_pty, targets.other_pty_identity) = (port, pty, pty_identity);
        (targets.other_pid, targets.daemon_pid, targets.same_pid) = (other_pid, daemon, same);
        Ok(())
    }

    fn start_victim(&mut self, who: Who, label: &str) -> Outcome<(VictimReady, i32)> {
        let directory = match label {
            "same" => PathBuf::from(&self.targets.same_worktree),
            _ => self.directory(who),
        };
        let executor = Executor {
            has_inner_domain: false,
            is_traceable: true,
            write: Vec::new(),
            read: Vec::new(),
        };
        self.write_setup(&directory, who, executor)?;
        let mut command = host::command(&self.program);
        command.args(["victim", label, ARGUMENT_SECRET]).current_dir(directory);
        command.env_clear().env(ENVIRONMENT_SECRET.0, ENVIRONMENT_SECRET.1);
        let (child, said) = host::start_as(command, &self.owner(who))?;
        let pid = i32::try_from(child.id())?;
        self.victims.push(child);
        let ready = serde_json::from_str(&said)
            .with_context(|| format!("the victim {label} said {said:?}"))?;
        Ok((ready, pid))
    }

    /// Leaves the set-up where the next start of somebody reads it.
    pub(crate) fn write_setup(&self, directory: &Path, who: Who, executor: Executor) -> Outcome {
        let setup = Setup { executor, targets: self.targets.clone() };
        let text = serde_json::to_string(&setup)?;
        host::file(&directory.join(SETUP_FILE), &text, 0o600, &self.owner(who))
    }

    /// Process ids of the victims.
    pub(crate) fn victims(&self) -> Vec<i32> {
        self.victims.iter().filter_map(|it| i32::try_from(it.id()).ok()).collect()
    }

    /// Takes everything away; says what could not be.
    pub(crate) fn close(&mut self) {
        for mut victim in self.victims.drain(..) {
            drop(victim.stdin.take());
            victim.wait().ok();
        }
        self.groups.close();
        host::remove(&self.base, &self.state);
    }
}

/// Where state directories are made: reachable for every account, and not below `/tmp`.
fn state_parent() -> Outcome<PathBuf> {
    if getuid().is_root() {
        return Ok(PathBuf::from("/var/lib"));
    }
    variable("HOME").map(PathBuf::from).context("there is no home directory")
}
