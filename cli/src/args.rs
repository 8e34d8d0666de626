//! Everything that can be typed; the comments are the help texts.

mod sharing;

pub(crate) use sharing::{Board, Group, Right, Role, User, Visibility};

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use grove_core_api::isolation::{IsolationMode, NetworkProfile};
use grove_core_api::rest::audit::AuditKind;
use grove_core_api::{ExecutorId, PermissionId, SessionId};
use std::path::PathBuf;

/// A shared board for a team and its coding agents.
#[derive(Debug, Parser)]
#[command(name = "grove", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) globals: Globals,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Globals {
    /// URL of the instance, instead of the one that runs in Grove's home [env: `GROVE_URL`]
    #[arg(long, global = true, value_name = "URL", help_heading = "Global options")]
    pub(crate) url: Option<String>,
    /// Grove's home [env: `GROVE_HOME`] [default: ~/.grove]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub(crate) home: Option<PathBuf>,
    /// Act as if started in this directory
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub(crate) cwd: Option<PathBuf>,
    /// Print JSON: the API's answer on standard output, errors as problem documents on standard error
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start Grove on this machine and open it in the browser
    Up(Up),
    /// End Grove on this machine
    Down,
    /// Show whether Grove runs and whether all is well
    Status,
    /// Open the board in the browser
    Open,
    /// Repositories
    #[command(subcommand)]
    Repo(Repo),
    /// Boards
    #[command(subcommand)]
    Board(Board),
    /// Worktrees
    #[command(subcommand)]
    Worktree(Worktree),
    /// Agent sessions
    #[command(subcommand)]
    Session(Box<Session>),
    /// Follow a board or a session live, until Ctrl-C; a restart of Grove is bridged
    Watch(Watch),
    /// Groups of people, who are given rights together
    #[command(subcommand)]
    Group(Group),
    /// People
    #[command(subcommand)]
    User(User),
    /// Agents and their models
    #[command(subcommand)]
    Agent(Agent),
    /// Executors: the processes that agents run in
    #[command(subcommand)]
    Executor(Executor),
    /// Administration of the instance
    #[command(subcommand)]
    Admin(Admin),
    /// The audit: who asked whom for what
    #[command(subcommand)]
    Audit(Audit),
    /// Try out whether this machine has what Grove needs
    Doctor(Doctor),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Settings of the command line
    #[command(subcommand)]
    Config(ConfigCommand),
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// How much isolation is wanted: with `strict` the rows that it requires must pass; by default
    /// that of the running instance, else `best-effort`
    #[arg(long, value_name = "MODE")]
    pub(crate) isolation: Option<Isolation>,
    /// The group of the accounts that executors may run as
    #[arg(long, value_name = "GROUP", default_value = "grove-users")]
    pub(crate) account_group: String,
}

#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// Board (name, id or end of an id) or session (id or end of an id); `board:` or `session:`
    /// before it says which
    pub(crate) what: String,
    /// End after so many events
    #[arg(long, value_name = "N")]
    pub(crate) events: Option<u64>,
}

/// How much isolation is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Isolation {
    /// Every required layer, or nothing is started
    Strict,
    /// Whatever this host can
    BestEffort,
    /// None
    Off,
}

impl From<Isolation> for IsolationMode {
    fn from(isolation: Isolation) -> Self {
        match isolation {
            Isolation::Strict => Self::Strict,
            Isolation::BestEffort => Self::BestEffort,
            Isolation::Off => Self::Off,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Do not open the browser
    #[arg(long)]
    pub(crate) no_open: bool,
    /// Port to listen on; 0 takes any free one [env: `GROVE_PORT`] [default: 4768]
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// Stay in the foreground, with the log on the terminal
    #[arg(long)]
    pub(crate) foreground: bool,
    /// Fill a demo board with sessions at work
    #[arg(long)]
    pub(crate) demo: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Repo {
    /// Register a repository: a directory on this machine or a URL
    Add {
        /// Path or URL
        source: String,
        /// Its name; by default the last part of the source
        #[arg(long)]
        name: Option<String>,
        /// Do not wait for the clone
        #[arg(long)]
        no_wait: bool,
    },
    /// List repositories
    Ls(Listing),
    /// Show one repository
    Show {
        /// Id, end of an id, or name
        repo: String,
    },
    /// Show or change what executors of a repository's sessions may reach and use
    Policy {
        /// Id, end of an id, or name
        repo: String,
        #[command(flatten)]
        policy: Policy,
    },
}

/// What executors may reach and use, where that is less than the instance permits.
// The command above it has the same name, which may stand for one group only.
#[derive(Clone, Debug, Default, Args)]
#[group(skip)]
pub(crate) struct Policy {
    /// What they may reach over the network
    #[arg(long, value_enum)]
    pub(crate) network: Option<Network>,
    /// How much isolation is insisted on; never less than by the instance
    #[arg(long, value_enum)]
    pub(crate) isolation: Option<Isolation>,
    /// Processes and threads of one executor
    #[arg(long, value_name = "N")]
    pub(crate) processes: Option<u32>,
    /// Memory of one executor in MiB
    #[arg(long, value_name = "MIB")]
    pub(crate) memory_mib: Option<u32>,
    /// Processor time in percent of one processor
    #[arg(long, value_name = "PERCENT")]
    pub(crate) cpu_percent: Option<u32>,
    /// Private temporary files in MiB
    #[arg(long, value_name = "MIB")]
    pub(crate) tmp_mib: Option<u32>,
    /// Files of one worktree in MiB
    #[arg(long, value_name = "MIB")]
    pub(crate) disk_mib: Option<u32>,
    /// Forget what was set before
    #[arg(long)]
    pub(crate) clear: bool,
}

/// Network profiles.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Network {
    /// The host's network
    Shared,
    /// Only permitted hosts, through Grove's proxy
    Proxy,
    /// Nothing but Grove itself
    None,
}

impl From<Network> for NetworkProfile {
    fn from(network: Network) -> Self {
        match network {
            Network::Shared => Self::Shared,
            Network::Proxy => Self::Proxy,
            Network::None => Self::None,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Executor {
    /// List executors, newest first
    Ls {
        /// Only those of this session (id or end of an id)
        #[arg(long)]
        session: Option<String>,
        #[command(flatten)]
        listing: Listing,
    },
    /// Show one executor: whether it is ready, its sandbox, how it ended
    Show {
        /// Id or end of an id
        executor: String,
    },
    /// Start a session's executor afresh, and forget its crashes
    Restart {
        /// Id or end of an id
        executor: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Worktree {
    /// List worktrees
    Ls {
        /// Only those of this repository (id, end of an id, or name)
        #[arg(long)]
        repo: Option<String>,
        /// Those in the trash too
        #[arg(long)]
        include_trashed: bool,
        #[command(flatten)]
        listing: Listing,
    },
    /// Show one worktree
    Show {
        /// Id or end of an id
        worktree: String,
    },
    /// Move a worktree to the trash; a snapshot of it is kept
    Rm {
        /// Id or end of an id
        worktree: String,
    },
    /// Show what a worktree changed since it started
    Diff {
        /// Id or end of an id
        worktree: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Session {
    /// Make a session in a worktree of its own
    New(NewSession),
    /// List sessions
    Ls {
        /// Only those on this board (id, end of an id, or name)
        #[arg(long)]
        board: Option<String>,
        /// Archived ones too
        #[arg(long)]
        include_archived: bool,
        #[command(flatten)]
        listing: Listing,
    },
    /// Show one session
    Show {
        /// Id or end of an id
        session: String,
    },
    /// Give a session something to do; while it is busy the prompt waits
    Prompt {
        /// Id or end of an id
        session: String,
        /// The prompt; `-` reads it from standard input
        prompt: String,
        #[command(flatten)]
        wait: Wait,
    },
    /// Stop what a session does
    Stop {
        /// Id or end of an id
        session: String,
    },
    /// Stop the running task; prompts that wait go on after it
    Interrupt {
        /// Id or end of an id
        session: String,
    },
    /// Print what came out of a session
    Result {
        /// Id or end of an id
        session: String,
    },
    /// Show what a session changed
    Diff {
        /// Id or end of an id
        session: String,
    },
    /// Make a child session with its own prompt, starting where the parent stands now
    Spawn {
        /// The parent: id or end of an id
        session: String,
        /// The prompt; `-` reads it from standard input
        prompt: String,
        /// Its title; by default the beginning of the prompt
        #[arg(long)]
        title: Option<String>,
        #[command(flatten)]
        choice: Choice,
        #[command(flatten)]
        wait: Wait,
    },
    /// Stop and archive a session; its worktree goes to the trash
    Rm {
        /// Id or end of an id
        session: String,
    },
    /// Answer a request for permission
    Answer {
        /// Id or end of an id of the request
        permission: String,
        /// Let the agent go on, this once
        #[arg(long, required_unless_present = "deny")]
        allow: bool,
        /// Do not let it
        #[arg(long, conflicts_with = "allow")]
        deny: bool,
        /// Reason, which the agent is told
        #[arg(long)]
        reason: Option<String>,
        /// The session that asks, when it is known (id or end of an id)
        #[arg(long)]
        session: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct NewSession {
    /// The repository (id, end of an id, name or directory); by default the one of the working
    /// directory [env: `GROVE_PROJECT_DIR`]
    #[arg(long)]
    pub(crate) repo: Option<String>,
    /// Its title; by default the beginning of the prompt [env: `GROVE_SESSION_NAME`]
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// First prompt; `-` reads it from standard input
    #[arg(long, short)]
    pub(crate) prompt: Option<String>,
    /// The board (id, end of an id, or name); by default the first one
    #[arg(long)]
    pub(crate) board: Option<String>,
    /// Branch, tag or commit to start from; by default the repository's default branch
    #[arg(long, value_name = "REF")]
    pub(crate) base: Option<String>,
    /// Branch to make; by default one is named after the title
    #[arg(long)]
    pub(crate) branch: Option<String>,
    #[command(flatten)]
    pub(crate) choice: Choice,
    #[command(flatten)]
    pub(crate) wait: Wait,
}

/// Which agent.
#[derive(Clone, Debug, Args)]
pub(crate) struct Choice {
    /// The agent; `grove agent ls` lists them
    #[arg(long)]
    pub(crate) agent: Option<String>,
    /// The model
    #[arg(long)]
    pub(crate) model: Option<String>,
}

/// Whether to wait for a turn.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Wait {
    /// Wait until the turn has ended, then print its result
    #[arg(long)]
    pub(crate) wait: bool,
    /// Wait no longer than this
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600, requires = "wait")]
    pub(crate) timeout: u64,
}

/// Which page of a list.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Listing {
    /// Most items: 1 to 200
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<i64>,
    /// Where to go on: the `next_cursor` of the page before
    #[arg(long)]
    pub(crate) cursor: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Admin {
    /// People, their Unix accounts and tokens
    #[command(subcommand)]
    User(AdminUser),
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminUser {
    /// Add a person; on a shared host with a Unix account. Gives one to a person who has none
    Add {
        /// Name that others see
        name: String,
        /// Unix account that is there already, instead of a new one
        #[arg(long, value_name = "ACCOUNT")]
        unix_account: Option<String>,
        /// May add and retire people
        #[arg(long)]
        admin: bool,
    },
    /// List people with their roles and accounts
    Ls(Listing),
    /// Retire a person: tokens, executors and account go, the name stays
    Retire {
        /// Name, id or end of an id
        user: String,
    },
    /// Make a personal access token for a person; it is shown this once
    Token {
        /// Name, id or end of an id
        user: String,
        /// What it is for
        #[arg(long, default_value = "grove")]
        name: String,
        /// Life in days; by default 90
        #[arg(long)]
        days: Option<i64>,
    },
    /// List a person's tokens
    Tokens {
        /// Name, id or end of an id
        user: String,
    },
    /// Revoke a person's token
    Revoke {
        /// Name, id or end of an id
        user: String,
        /// Id or end of the id of the token
        token: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Agent {
    /// List agents and their models
    Ls,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// List entries of the audit, by default the newest ones
    Ls(AuditLs),
    /// Check that no entry was changed, removed or put in; the exit code is 1 when one was
    Verify,
}

#[derive(Debug, Args)]
pub(crate) struct AuditLs {
    /// The oldest entries after this number
    #[arg(long, value_name = "SEQ")]
    pub(crate) after: Option<i64>,
    /// The newest entries before this number
    #[arg(long, value_name = "SEQ", conflicts_with = "after")]
    pub(crate) before: Option<i64>,
    /// Most entries: 1 to 200
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<i64>,
    /// Only those of this executor (whole id)
    #[arg(long, value_name = "ID")]
    pub(crate) executor: Option<ExecutorId>,
    /// Only those of this session (whole id)
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<SessionId>,
    /// Only those of this kind: `ipc`, `monitor` or `admin`
    #[arg(long, value_parser = kind)]
    pub(crate) kind: Option<AuditKind>,
}

fn kind(text: &str) -> Result<AuditKind, String> {
    [AuditKind::Ipc, AuditKind::Monitor, AuditKind::Admin]
        .into_iter()
        .find(|kind| kind.as_str() == text)
        .ok_or_else(|| "it is `ipc`, `monitor` or `admin`".to_owned())
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show each setting and where it came from
    Show,
}

/// Reads the end of a permission's id, for matching.
pub(crate) fn fits(id: PermissionId, text: &str) -> bool {
    let wanted = text.replace('-', "").to_ascii_lowercase();
    wanted.len() >= grove_core_api::SHORT_ID_LEN && id.0.simple().to_string().ends_with(&wanted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn an_answer_is_yes_or_no_and_not_both() {
        let parse = |rest: &[&str]| {
            let words = ["grove", "session", "answer", "deadbeef"].iter().chain(rest);
            Arguments::try_parse_from(words).is_ok()
        };
        assert!(parse(&["--allow"]) && parse(&["--deny", "--reason", "no"]));
        assert!(!parse(&[]) && !parse(&["--allow", "--deny"]));
    }

    #[test]
    fn the_end_of_a_permission_id_is_enough() {
        let id = PermissionId(uuid::Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_dead_beef));
        assert!(fits(id, "DEADBEEF") && fits(id, &id.to_string()));
        assert!(!fits(id, "beef") && !fits(id, "deadbee0"));
    }
}
