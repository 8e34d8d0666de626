//! What the runner tells the attack program: targets, and how the stand-in executor starts it.

use serde::{Deserialize, Serialize};

/// File in the working directory that holds a [`Setup`].
pub(crate) const SETUP_FILE: &str = "setup.json";
/// Part of the command line of every victim: a secret that should not have been there.
pub(crate) const ARGUMENT_SECRET: &str = "--token=grovet-argument-secret";
/// Name and value of a secret in the environment of every victim.
pub(crate) const ENVIRONMENT_SECRET: (&str, &str) = ("VICTIM_TOKEN", "grovet-environment-secret");

/// Everything one run of an attack needs to know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Setup {
    /// How the stand-in executor starts the attack.
    pub(crate) executor: Executor,
    /// What is attacked.
    pub(crate) targets: Targets,
}

/// What the stand-in executor does before it starts the attack.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Executor {
    /// Whether the attack gets a second, narrower domain, as agents do.
    pub(crate) has_inner_domain: bool,
    /// Whether the executor may be traced by its own account, which real ones forbid.
    pub(crate) is_traceable: bool,
    /// Directories that the second domain may write.
    pub(crate) write: Vec<String>,
    /// Directories that the second domain may read.
    pub(crate) read: Vec<String>,
}

/// What is attacked. Paths are absolute and as the host sees them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Targets {
    /// Directory that stands for Grove's home.
    pub(crate) state: String,
    /// Another person's key: 0600 in a home of 0700.
    pub(crate) other_key: String,
    /// Another person's file that the mode lets everybody read.
    pub(crate) other_public: String,
    /// Another person's file that the mode lets everybody write.
    pub(crate) other_open_file: String,
    /// Another person's directory that the mode lets everybody write.
    pub(crate) other_open_directory: String,
    /// Another person's FIFO that the mode lets everybody write; somebody reads it.
    pub(crate) other_fifo: String,
    /// Another person's worktree.
    pub(crate) other_worktree: String,
    /// Another person's file in the shared `/tmp`, 0644.
    pub(crate) other_tmp: String,
    /// Another person's file in the shared `/dev/shm`, 0666.
    pub(crate) other_shm: String,
    /// Another person's terminal.
    pub(crate) other_pty: String,
    /// Device and inode of that terminal.
    pub(crate) other_pty_identity: String,
    /// Socket of another executor, 0600.
    pub(crate) other_socket: String,
    /// Socket that the mode lets everybody connect to, as that of a container engine.
    pub(crate) public_socket: String,
    /// Name of another person's abstract socket.
    pub(crate) abstract_socket: String,
    /// Key of another person's System V shared memory, 0666.
    pub(crate) shm_key: i32,
    /// Name of another person's POSIX message queue, 0666.
    pub(crate) queue: String,
    /// TCP port of a service on loopback.
    pub(crate) port: u16,
    /// Process of another person.
    pub(crate) other_pid: i32,
    /// Process of the service account.
    pub(crate) daemon_pid: i32,
    /// Process that stands for the monitor.
    pub(crate) monitor_pid: i32,
    /// Process of another session of the same person.
    pub(crate) same_pid: i32,
    /// Worktree of that session.
    pub(crate) same_worktree: String,
    /// The daemon's database.
    pub(crate) database: String,
    /// The owner's token.
    pub(crate) daemon_key: String,
    /// The run file of the monitor.
    pub(crate) run_file: String,
    /// An object of the mirror.
    pub(crate) mirror_file: String,
    /// File of root, 0600, on the same file system as the worktrees.
    pub(crate) root_secret: String,
    /// The attacker's own worktree.
    pub(crate) own_worktree: String,
    /// Directory of the attacker's own executor, not meant for agents.
    pub(crate) executor_state: String,
    /// Program that stands beside the executor.
    pub(crate) sibling_program: String,
    /// Copy of the attack program that is setuid root.
    pub(crate) setuid_program: String,
    /// Copy of the attack program that is setgid to another group.
    pub(crate) setgid_program: String,
    /// Copy of the attack program that carries a file capability.
    pub(crate) capable_program: String,
    /// Group that the attacker's account is in and that Grove does not pass on, like `docker`.
    pub(crate) foreign_group: u32,
    /// Device and inode of the host's `/tmp`.
    pub(crate) tmp_identity: String,
    /// Block device of the root file system; empty when the host shows none.
    pub(crate) disk: String,
}

/// What a victim says when everything that others might reach is there.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct VictimReady {
    /// TCP port that it listens on.
    pub(crate) port: u16,
    /// Its terminal.
    pub(crate) pty: String,
    /// Device and inode of that terminal.
    pub(crate) pty_identity: String,
}
