//! Processes are started for real and looked at from inside, by shell scripts that answer on
//! descriptor 3.
//!
//! One thread: what runs between clone and exec needs it, so there is no test harness. Rows that need
//! root are skipped without it, loudly.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test without a harness: it ends at the first thing that is wrong"
)]

use grove_core_api::isolation::{ExecutorLimits, Layer, NetworkProfile};
use grove_sandbox::account::Identity;
use grove_sandbox::cgroup::Cgroups;
use grove_sandbox::{LayerSet, Plan, StartError, Started, start};
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::{Gid, Pid, Uid, geteuid};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

type Case = (&'static str, fn(&Bench));

struct Bench {
    root: PathBuf,
    groups: Cgroups,
}

impl Bench {
    fn plan(&self, script: &str) -> (Plan, File) {
        let (theirs, ours) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)
            .map(|(read, write)| (write, read))
            .expect("a pipe");
        let work = self.root.join("work");
        let plan = Plan {
            program: "/bin/sh".into(),
            arguments: vec!["-c".into(), format!("exec >&3 2>&3; {script}")],
            init_argument: None,
            environment: vec![("PATH".into(), "/usr/bin:/bin".into())],
            descriptors: vec![theirs],
            errors: None,
            identity: geteuid().is_root().then(|| Identity {
                name: "nobody".into(),
                uid: Uid::from_raw(65_500),
                gid: Gid::from_raw(65_500),
                groups: Vec::new(),
                home: "/".into(),
                shell: "/bin/sh".into(),
            }),
            directory: work.clone(),
            write: vec![work],
            read: Vec::new(),
            cover: vec![self.root.clone()],
            network: NetworkProfile::Shared,
            limits: ExecutorLimits { processes: Some(64), ..ExecutorLimits::default() },
            parent_death: Signal::SIGKILL,
            umask: 0o027,
            open_files: 256,
            layers: LayerSet::all(),
            required: LayerSet::none(),
        };
        (plan, File::from(ours))
    }

    /// Starts the plan and returns it with everything that it says.
    fn run(&self, plan: Plan, mut says: File) -> Result<(Started, String), StartError> {
        let started = start(&plan, &self.groups, "case")?;
        drop(plan);
        let mut text = String::new();
        says.read_to_string(&mut text).expect("text");
        waitpid(Pid::from_raw(started.pid), None).expect("reaped");
        Ok((started, text))
    }

    fn say(&self, script: &str) -> String {
        let (plan, says) = self.plan(script);
        self.run(plan, says).expect("starts").1
    }
}

fn holds(started: &Started, layer: Layer) -> bool {
    started.layers.iter().any(|state| state.layer == layer && state.is_on)
}

fn it_sees_only_what_was_granted(bench: &Bench) {
    let secret = bench.root.join("secret");
    fs::write(&secret, "words").expect("written");
    let script = format!(
        "cat {} 2>/dev/null; echo mine > here && cat here; ls {} 2>/dev/null",
        secret.display(),
        bench.root.display()
    );
    assert_eq!(bench.say(&script), "mine\n");
    assert_eq!(fs::read_to_string(bench.root.join("work/here")).expect("there"), "mine\n");
}

fn a_file_is_granted_without_what_lies_beside_it(bench: &Bench) {
    let home = bench.root.join("person");
    fs::create_dir(&home).expect("made");
    for name in ["settings", "key"] {
        fs::write(home.join(name), name).expect("written");
    }
    let (mut plan, says) =
        bench.plan(&format!("cd {} && cat settings && ! cat key", home.display()));
    plan.layers = LayerSet::all().without(Layer::Landlock);
    plan.read = vec![home.join("settings"), home.join("gone")];
    let (started, text) = bench.run(plan, says).expect("starts");
    assert!(holds(&started, Layer::Namespaces), "{:?}", started.layers);
    assert_eq!(text, "settingscat: key: No such file or directory\n");
}

fn every_layer_is_reported_and_holds(bench: &Bench) {
    let (plan, says) =
        bench.plan("grep -E '^(NoNewPrivs|Seccomp|CapEff|CapBnd):' /proc/self/status; id -u");
    let (started, text) = bench.run(plan, says).expect("starts");
    let fields: Vec<&str> = text.split_whitespace().collect();
    let none = "0000000000000000";
    assert_eq!(
        fields[..8],
        ["CapEff:", none, "CapBnd:", none, "NoNewPrivs:", "1", "Seccomp:", "2"]
    );
    for layer in LayerSet::all().without(Layer::Network).iter() {
        let is_root_only = matches!(layer, Layer::Account | Layer::Cgroup | Layer::Limits);
        if geteuid().is_root() || !is_root_only {
            assert!(holds(&started, layer), "{layer:?}: {:?}", started.layers);
        }
    }
    if geteuid().is_root() {
        assert_eq!(fields[8], "65500");
    }
}

fn only_its_own_processes_and_descriptors_are_there(bench: &Bench) {
    let text = bench.say("echo /proc/[0-9]*; ls /proc/self/fd | tr '\\n' ' '; ls /tmp | wc -l");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("/proc/1"));
    // 0, 1, 2 and the pipe at 3; `ls` itself opens 4.
    assert_eq!(lines.next(), Some("0 1 2 3 4 0"));
}

fn without_network_there_is_only_loopback(bench: &Bench) {
    let (mut plan, says) = bench.plan("cat /proc/net/dev | tail -n +3 | cut -d: -f1 | tr -d ' '");
    plan.network = NetworkProfile::None;
    let (started, text) = bench.run(plan, says).expect("starts");
    assert_eq!(text, "lo\n");
    assert!(holds(&started, Layer::Network));
}

fn a_link_in_a_granted_path_is_refused(bench: &Bench) {
    let link = bench.root.join("link");
    std::os::unix::fs::symlink("/etc", &link).expect("linked");
    let (mut plan, says) = bench.plan("echo here");
    plan.write.push(link.clone());
    plan.layers = LayerSet::all().without(Layer::Landlock);
    plan.required = LayerSet::strict();
    let error = bench.run(plan, says).expect_err("refused");
    // No layer is to blame: a start without namespaces would trust the link.
    assert!(matches!(error, StartError::Step(_)), "{error}");
    fs::remove_file(link).expect("removed");
}

fn a_program_or_directory_that_is_not_there_is_said(bench: &Bench) {
    let (mut plan, says) = bench.plan("echo here");
    plan.program = "/bin/none-such".into();
    assert!(matches!(bench.run(plan, says), Err(StartError::Step(_))));
    let (mut plan, says) = bench.plan("echo here");
    plan.directory = bench.root.join("absent");
    assert!(matches!(bench.run(plan, says), Err(StartError::Step(_))));
}

fn a_layer_that_fails_is_given_up_or_ends_the_start(bench: &Bench) {
    let (plan, says) = bench.plan("echo here");
    let without = Bench { root: bench.root.clone(), groups: Cgroups::none() };
    let (started, text) = without.run(plan, says).expect("starts");
    assert_eq!(text, "here\n");
    assert!(!holds(&started, Layer::Cgroup) && !holds(&started, Layer::Limits));
    let (mut plan, says) = bench.plan("echo here");
    plan.required = LayerSet::all();
    let error = without.run(plan, says).expect_err("refused");
    assert!(matches!(error, StartError::Layer { layer: Layer::Cgroup, .. }), "{error}");
}

fn a_group_is_killed_whatever_has_left_it(bench: &Bench) {
    let (plan, mut says) = bench.plan("setsid sleep 1000 & echo here; sleep 1000");
    let started = start(&plan, &bench.groups, "killed").expect("starts");
    drop(plan);
    let mut here = [0; 5];
    says.read_exact(&mut here).expect("says");
    let group = started.group.as_ref().expect("a group");
    let path = group.paths().next().expect("a path").to_owned();
    group.kill();
    waitpid(Pid::from_raw(started.pid), None).expect("reaped");
    // The pipe ends with the last process that holds it.
    assert_eq!(says.read_to_end(&mut Vec::new()).expect("ends"), 0);
    drop(started);
    assert!(!path.exists());
}

const CASES: [Case; 9] = [
    ("it sees only what was granted", it_sees_only_what_was_granted),
    ("a file without what lies beside it", a_file_is_granted_without_what_lies_beside_it),
    ("every layer is reported and holds", every_layer_is_reported_and_holds),
    ("only its own processes and descriptors", only_its_own_processes_and_descriptors_are_there),
    ("without network there is only loopback", without_network_there_is_only_loopback),
    ("a link in a granted path is refused", a_link_in_a_granted_path_is_refused),
    ("what is not there is said", a_program_or_directory_that_is_not_there_is_said),
    ("a failing layer is given up or ends it", a_layer_that_fails_is_given_up_or_ends_the_start),
    ("a group is killed whatever has left it", a_group_is_killed_whatever_has_left_it),
];

/// Cases that an unprivileged account cannot have: it owns no control group.
const NEEDS_ROOT: [&str; 1] = ["a group is killed whatever has left it"];

fn main() {
    let pid = std::process::id();
    // Not below a temporary directory: those are private in there.
    let home = PathBuf::from(std::env::var_os("HOME").expect("a home"));
    let base = if geteuid().is_root() { Path::new("/var/lib") } else { &home };
    let root = base.join(format!("grove-sandbox-{pid}"));
    fs::create_dir_all(root.join("work")).expect("a directory");
    let root = root.canonicalize().expect("there");
    if geteuid().is_root() {
        std::os::unix::fs::chown(root.join("work"), Some(65_500), Some(65_500)).expect("given");
    }
    let bench = Bench { root, groups: Cgroups::detect(&format!("test-{pid}")) };
    for (name, case) in CASES {
        if !geteuid().is_root() && NEEDS_ROOT.contains(&name) {
            eprintln!("SKIPPED, needs root: {name}");
            assert!(std::env::var_os("ISOLATION").is_none_or(|it| it != "require"), "{name}");
            continue;
        }
        case(&bench);
        println!("ok  {name}");
    }
    bench.groups.close();
    fs::remove_dir_all(&bench.root).expect("removed");
}
