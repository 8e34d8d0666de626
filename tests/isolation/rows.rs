//! The table of attacks: what closes each, and how its positive control succeeds.
//!
//! The attack program and the runner share it. `attack --list` prints it for the documentation.

use Control::{As, Connected, Executor, ForeignGroup, Plain, RootWith, Without};
use grove_core_api::isolation::Layer::{
    self, Cgroup, Landlock, Limits, Namespaces, Network, Seccomp,
};

/// One attack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// Its name, which is also that of its test.
    pub(crate) name: &'static str,
    /// What closes it first; others usually would as well.
    pub(crate) layer: &'static str,
    /// How it is made to succeed.
    pub(crate) control: Control,
    /// What the attacker does.
    pub(crate) description: &'static str,
}

/// Whose account a process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// The person whose agent attacks.
    Attacker,
    /// Another person.
    Other,
    /// The service account.
    Service,
    /// Root, with every capability.
    Root,
}

/// The weakened profile in which an attack must succeed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Control {
    /// As that account, with no other layer.
    As(Who),
    /// The full profile without these layers.
    Without(&'static [Layer]),
    /// As root with these layers alone.
    RootWith(&'static [Layer]),
    /// An executor that may be traced, no inner domain, and the full profile without these layers.
    Executor(&'static [Layer]),
    /// As the attacker, but as an ordinary child of the runner: with its descriptors, streams,
    /// environment and limits.
    Plain,
    /// The full profile, and one more group of the account.
    ForeignGroup,
    /// The full profile, but with the host's network.
    Connected,
}

impl Control {
    /// In words, for the table.
    pub(crate) fn words(self) -> String {
        let but_for = |layers: &[Layer]| {
            let names: Vec<_> = layers.iter().map(|layer| layer.name()).collect();
            names.join(", ")
        };
        match self {
            As(Who::Attacker) => "the attacker, account only".to_owned(),
            As(Who::Other) => "the other person".to_owned(),
            As(Who::Service) => "the service account".to_owned(),
            As(Who::Root) => "root".to_owned(),
            Without(layers) => format!("without {}", but_for(layers)),
            RootWith(layers) => format!("root with {}", but_for(layers)),
            Executor(&[]) => "no inner domain".to_owned(),
            Executor(layers) => format!("traceable executor, without {}", but_for(layers)),
            Plain => "an ordinary child".to_owned(),
            ForeignGroup => "with all groups of the account".to_owned(),
            Connected => format!("without {}", but_for(&[Network])),
        }
    }
}

/// Layers that decide which files open.
const FILES: &[Layer] = &[Landlock, Namespaces];
/// Layers that decide what is there at all.
const VIEW: &[Layer] = &[Landlock, Namespaces, Seccomp];
/// Layers that decide who is traced.
const TRACING: &[Layer] = &[Landlock, Seccomp];

const fn row(
    name: &'static str,
    layer: &'static str,
    control: Control,
    description: &'static str,
) -> Row {
    Row { name, layer, control, description }
}

/// Every attack.
pub(crate) const ROWS: &[Row] = &[
    // Files.
    row(
        "other_home_key",
        "account",
        As(Who::Other),
        "reads another person's key (0600 in a home of 0700)",
    ),
    row(
        "other_public_file",
        "landlock",
        Without(FILES),
        "reads another person's file that its mode lets everybody read",
    ),
    row(
        "other_by_symlink",
        "landlock",
        Without(FILES),
        "reads it through a link in the own worktree",
    ),
    row("other_by_parent", "landlock", Without(FILES), "reads it through ../../.."),
    row("other_worktree_list", "account", As(Who::Other), "lists another person's worktree"),
    row("other_worktree_write", "account", As(Who::Other), "writes into another person's worktree"),
    row(
        "other_open_directory",
        "landlock",
        Without(FILES),
        "makes a file in another person's directory of mode 0777",
    ),
    row(
        "other_file_truncate",
        "landlock",
        Without(FILES),
        "truncates another person's file of mode 0666",
    ),
    row(
        "other_fifo_write",
        "landlock",
        Without(FILES),
        "writes into another person's FIFO of mode 0666",
    ),
    row("other_tmp_read", "landlock", Without(FILES), "reads what another person left in /tmp"),
    row("other_shm_write", "landlock", Without(FILES), "writes another person's file in /dev/shm"),
    row(
        "tmp_symlink_plant",
        "landlock",
        Without(FILES),
        "plants a link in the /tmp that everybody uses",
    ),
    row(
        "other_file_stat",
        "namespaces",
        Without(VIEW),
        "sees size and time of another person's file",
    ),
    row(
        "other_file_watch",
        "namespaces",
        Without(VIEW),
        "is told when another person's file is opened",
    ),
    row("daemon_database_read", "account", As(Who::Service), "reads the daemon's database"),
    row("daemon_database_replace", "account", As(Who::Service), "replaces the daemon's database"),
    row("daemon_key_read", "account", As(Who::Service), "reads the owner's token"),
    row("run_file_write", "account", As(Who::Root), "writes the monitor's run file"),
    row("mirror_write", "account", As(Who::Service), "writes an object of the shared mirror"),
    row("people_list", "account", As(Who::Root), "lists the accounts that have worktrees"),
    row("own_parent_write", "account", As(Who::Root), "makes a file beside the own worktree"),
    row(
        "own_worktree_swap",
        "account",
        As(Who::Root),
        "renames the own worktree, to put something else there",
    ),
    row(
        "executor_state_read",
        "inner landlock",
        Executor(&[]),
        "reads the state of the own executor",
    ),
    row("hard_link", "account", As(Who::Root), "links root's file into the own worktree"),
    row("shadow_read", "account", As(Who::Root), "reads /etc/shadow"),
    row("program_write", "account", As(Who::Root), "writes a program that runs as others"),
    row("program_plant", "account", As(Who::Root), "makes a file beside those programs"),
    row(
        "etc_write",
        "account",
        As(Who::Root),
        "makes a file in /etc (ld.so.preload, cron.d, profile.d)",
    ),
    row("spool_write", "account", As(Who::Root), "makes a file in /var/spool (crontabs, at)"),
    row("usr_write", "account", As(Who::Root), "makes a file in /usr/bin"),
    row(
        "core_pattern",
        "account",
        As(Who::Root),
        "sets what the kernel runs when a program crashes",
    ),
    row("sysctl_write", "account", As(Who::Root), "sets a parameter of the kernel"),
    row("sysfs_write", "account", As(Who::Root), "writes a file of /sys"),
    row("disk_read", "account", As(Who::Root), "reads the raw disk"),
    row("kernel_messages", "capabilities", As(Who::Root), "reads the kernel's messages"),
    row("device_make", "capabilities", As(Who::Root), "makes a block device in the own worktree"),
    row("own_file_give_away", "capabilities", As(Who::Root), "gives a file to somebody else"),
    row(
        "open_by_handle",
        "capabilities",
        As(Who::Root),
        "opens files by handle, past every directory",
    ),
    row("proc_root", "account", As(Who::Root), "reads root's file through /proc/PID/root"),
    row(
        "proc_cwd",
        "account",
        As(Who::Other),
        "lists another person's worktree through /proc/PID/cwd",
    ),
    row("proc_fds", "account", As(Who::Other), "lists what another person's process has open"),
    row("ptys_seen", "namespaces", Without(VIEW), "sees another person's terminal"),
    row("pty_open", "account", As(Who::Other), "opens another person's terminal"),
    // Processes.
    row("other_ptrace", "account", As(Who::Other), "traces another person's process"),
    row("other_memory", "account", As(Who::Other), "opens the memory of another person's process"),
    row("other_vm_read", "account", As(Who::Other), "reads that memory with process_vm_readv"),
    row(
        "other_pidfd_getfd",
        "account",
        As(Who::Other),
        "takes a descriptor out of another person's process",
    ),
    row(
        "other_environ",
        "account",
        As(Who::Other),
        "reads a token in the environment of another person's process",
    ),
    row(
        "other_command_line",
        "namespaces",
        Without(VIEW),
        "reads a token in the command line of another person's process",
    ),
    row("other_processes_seen", "namespaces", Without(VIEW), "sees other people's processes"),
    row("other_signal", "account", As(Who::Other), "signals another person's process"),
    row("daemon_signal", "account", As(Who::Service), "signals the daemon"),
    row("daemon_ptrace", "account", As(Who::Service), "traces the daemon"),
    row("daemon_environ", "account", As(Who::Service), "reads the daemon's environment"),
    row("monitor_signal", "account", As(Who::Root), "signals the monitor"),
    row(
        "kill_everything",
        "landlock",
        As(Who::Attacker),
        "reaches processes outside its session with kill(-1)",
    ),
    row("executor_ptrace", "seccomp", Executor(TRACING), "traces the own executor"),
    row("executor_memory", "dumpable", Executor(TRACING), "opens the memory of the own executor"),
    row(
        "executor_environ",
        "dumpable",
        Executor(TRACING),
        "reads the environment of the own executor",
    ),
    row("executor_fds", "dumpable", Executor(TRACING), "lists the descriptors of the own executor"),
    row(
        "executor_pidfd_getfd",
        "seccomp",
        Executor(TRACING),
        "takes the connection to the daemon from the own executor",
    ),
    row("executor_vm_read", "seccomp", Executor(TRACING), "reads the memory of the own executor"),
    row("executor_vm_write", "seccomp", Executor(TRACING), "writes the memory of the own executor"),
    row("executor_signal", "inner landlock", Executor(&[]), "signals the own executor"),
    row(
        "same_environ",
        "landlock",
        As(Who::Attacker),
        "reads a token of another session of the same person",
    ),
    row("same_memory", "landlock", As(Who::Attacker), "opens the memory of another session"),
    row("same_vm_write", "seccomp", As(Who::Attacker), "writes the memory of another session"),
    row(
        "same_cwd",
        "landlock",
        As(Who::Attacker),
        "lists the working directory of another session through /proc",
    ),
    row("same_ptrace", "seccomp", As(Who::Attacker), "traces another session"),
    row("same_signal", "landlock", As(Who::Attacker), "signals another session"),
    row("same_pidfd_getfd", "seccomp", As(Who::Attacker), "takes a descriptor of another session"),
    row("same_worktree", "landlock", As(Who::Attacker), "reads the worktree of another session"),
    row(
        "same_worktree_write",
        "landlock",
        As(Who::Attacker),
        "writes the worktree of another session",
    ),
    row(
        "same_limits",
        "namespaces",
        As(Who::Attacker),
        "changes the resource limits of another session",
    ),
    row(
        "same_priority",
        "namespaces",
        As(Who::Attacker),
        "changes the priority of another session",
    ),
    // Sockets.
    row(
        "socket_private",
        "account",
        As(Who::Other),
        "connects to another executor's socket of mode 0600",
    ),
    row(
        "socket_public",
        "namespaces",
        Without(VIEW),
        "connects to a socket of mode 0666 in /run, as a container engine's",
    ),
    row(
        "socket_abstract",
        "landlock",
        Without(&[Landlock]),
        "connects to another person's abstract socket",
    ),
    row("tcp_loopback", "network", Connected, "connects to a service on loopback"),
    row("host_sockets_list", "network", Connected, "lists the TCP sockets of the host"),
    row("host_abstract_list", "network", Connected, "lists the abstract sockets of the host"),
    row("packet_socket", "capabilities", As(Who::Root), "listens to the wire (AF_PACKET)"),
    row("raw_socket", "capabilities", As(Who::Root), "forges packets (raw IP)"),
    row("vsock", "seccomp", Without(&[Seccomp]), "talks to the hypervisor (AF_VSOCK)"),
    row(
        "rare_socket_families",
        "seccomp",
        Without(&[Seccomp]),
        "opens a socket of a family that agents have no use for",
    ),
    row("address_add", "capabilities", As(Who::Root), "adds an address to the host"),
    row("netlink_change", "capabilities", As(Who::Root), "changes the network over netlink"),
    row(
        "shared_memory",
        "namespaces",
        Without(VIEW),
        "reads another person's System V shared memory of mode 0666",
    ),
    row(
        "message_queue",
        "namespaces",
        Without(VIEW),
        "opens another person's POSIX message queue of mode 0666",
    ),
    // Kernel.
    row(
        "unshare_user",
        "seccomp",
        Without(&[Seccomp]),
        "makes a user namespace to have every capability",
    ),
    row("clone_user", "seccomp", Without(&[Seccomp]), "the same with clone"),
    row(
        "clone3_user",
        "seccomp",
        Without(&[Seccomp]),
        "the same with clone3, whose flags no filter sees",
    ),
    row("mount", "capabilities", RootWith(&[Namespaces]), "mounts"),
    row("new_mount", "capabilities", RootWith(&[Namespaces]), "mounts with the newer calls"),
    row("open_tree", "capabilities", RootWith(&[Namespaces]), "copies a mount"),
    row(
        "open_tree_attr",
        "capabilities",
        RootWith(&[Namespaces]),
        "copies a mount with the newest call",
    ),
    row("unmount_cover", "capabilities", RootWith(&[Namespaces]), "takes the private /tmp away"),
    row("remount", "capabilities", RootWith(&[Namespaces]), "makes / writable again"),
    row("chroot", "capabilities", As(Who::Root), "changes its root"),
    row("enter_namespace", "capabilities", As(Who::Root), "enters a mount namespace"),
    row("io_uring", "seccomp", Without(&[Seccomp]), "makes a ring whose calls no filter sees"),
    row("keyring", "seccomp", Without(&[Seccomp]), "has a keyring of the kernel"),
    row("key_add", "seccomp", Without(&[Seccomp]), "leaves a key in the kernel"),
    row("bpf", "capabilities", As(Who::Root), "makes a BPF map"),
    row("perf", "seccomp", Without(&[Seccomp]), "counts events of the processor"),
    row("userfaultfd", "seccomp", Without(&[Seccomp]), "handles page faults"),
    row("fanotify", "seccomp", Without(&[Seccomp]), "watches file systems"),
    row("fanotify_all", "capabilities", As(Who::Root), "decides what others may open"),
    row("load_module", "capabilities", As(Who::Root), "loads a module into the kernel"),
    row("reboot", "capabilities", As(Who::Root), "reboots"),
    row("swap_on", "capabilities", As(Who::Root), "adds swap"),
    row("set_clock", "capabilities", As(Who::Root), "sets the clock"),
    row("set_host_name", "capabilities", As(Who::Root), "renames the host"),
    row("tiocsti", "seccomp", Without(&[Seccomp]), "types into a terminal"),
    row(
        "tiocsti_high_bits",
        "seccomp",
        Without(&[Seccomp]),
        "the same with more bits than the kernel looks at",
    ),
    row(
        "vsock_high_bits",
        "seccomp",
        Without(&[Seccomp]),
        "AF_VSOCK with more bits than the kernel looks at",
    ),
    row(
        "compat_table",
        "seccomp",
        Without(&[Seccomp]),
        "makes a system call through the table of 32-bit programs",
    ),
    row("other_table", "seccomp", Without(&[Seccomp]), "makes a system call through the x32 table"),
    // Privilege.
    row("regain_root", "account", As(Who::Root), "becomes root again"),
    row("regain_group", "account", As(Who::Root), "joins the group of root"),
    row("other_user", "account", As(Who::Root), "becomes somebody else"),
    row(
        "foreign_groups",
        "account",
        ForeignGroup,
        "has a group that Grove did not give (docker, sudo)",
    ),
    row(
        "capabilities_left",
        "capabilities",
        As(Who::Attacker),
        "has a capability, or could be given one",
    ),
    row("setuid_program", "no_new_privs", As(Who::Attacker), "runs a setuid-root program"),
    row("setgid_program", "no_new_privs", As(Who::Attacker), "runs a setgid program"),
    row(
        "capable_program",
        "no_new_privs",
        As(Who::Attacker),
        "runs a program with a file capability",
    ),
    row("inherited_fds", "descriptors", Plain, "has a descriptor of the monitor"),
    row("inherited_streams", "descriptors", Plain, "has a standard stream of the monitor"),
    row("inherited_environment", "environment", Plain, "has a secret of the monitor's environment"),
    row("core_dump", "rlimits", Plain, "leaves a core file with secrets"),
    row(
        "slice_shorten",
        "inner seccomp",
        Executor(&[]),
        "asks the scheduler to be run before everybody else",
    ),
    row(
        "cgroup_raise",
        "cgroup",
        RootWith(&[Cgroup, Limits]),
        "raises the limits of the own control group",
    ),
    row("cgroup_leave", "cgroup", RootWith(&[Cgroup, Limits]), "leaves the own control group"),
    row(
        "cgroup_child",
        "cgroup",
        RootWith(&[Cgroup, Limits]),
        "makes a control group below the own",
    ),
    row("cgroup_thaw", "cgroup", RootWith(&[Cgroup, Limits]), "thaws the own control group"),
];
