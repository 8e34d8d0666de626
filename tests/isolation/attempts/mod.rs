//! What each row does. One function per row; `rows.rs` says what closes it.

#![expect(clippy::unnecessary_wraps, reason = "every attempt has the same signature")]

mod files;
mod kernel;
mod privilege;
mod processes;
mod sockets;

use crate::setup::Targets;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

pub(crate) use privilege::who;

/// What came of it: how far it got, or nothing; an error means that the system refused.
pub(crate) type Attempt = io::Result<Option<String>>;

/// The set-up is wrong: the attempt says nothing about isolation.
#[derive(Debug)]
pub(crate) struct Broken(String);

impl Broken {
    /// An error that carries it through [`Attempt`].
    pub(crate) fn error(detail: impl Into<String>) -> io::Error {
        io::Error::other(Self(detail.into()))
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Broken {}

fn escaped(detail: impl Into<String>) -> Attempt {
    Ok(Some(detail.into()))
}

fn read(path: impl AsRef<Path>) -> Attempt {
    let mut bytes = [0_u8; 80];
    let length = File::open(path)?.read(&mut bytes)?;
    escaped(format!("read {length} bytes"))
}

/// Entries of a directory whose names are numbers.
fn numbered(directory: &str) -> io::Result<Vec<i32>> {
    let names = std::fs::read_dir(directory)?.flatten().map(|it| it.file_name());
    let mut numbers: Vec<i32> = names.filter_map(|it| it.to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// The function of a row.
pub(crate) fn find(row: &str) -> Option<fn(&Targets) -> Attempt> {
    ATTEMPTS.iter().find(|it| it.0 == row).map(|it| it.1)
}

macro_rules! attempts {
    ($($module:ident: $($row:ident)+;)+) => {
        /// Name of a row and its function; they are the same word.
        pub(crate) const ATTEMPTS: &[(&str, fn(&Targets) -> Attempt)] =
            &[$($((stringify!($row), $module::$row)),+),+];
    };
}

attempts! {
    files: other_home_key other_public_file other_by_symlink other_by_parent other_worktree_list
        other_worktree_write other_open_directory other_file_truncate other_fifo_write
        other_tmp_read other_shm_write tmp_symlink_plant other_file_stat other_file_watch
        daemon_database_read daemon_database_replace daemon_key_read run_file_write mirror_write
        people_list own_parent_write own_worktree_swap executor_state_read hard_link shadow_read
        program_write program_plant etc_write spool_write usr_write core_pattern sysctl_write
        sysfs_write disk_read kernel_messages device_make own_file_give_away open_by_handle
        proc_root proc_cwd proc_fds ptys_seen pty_open;
    processes: other_ptrace other_memory other_vm_read other_pidfd_getfd other_environ
        other_command_line other_processes_seen other_signal daemon_signal daemon_ptrace
        daemon_environ monitor_signal kill_everything executor_ptrace executor_memory
        executor_environ executor_fds executor_pidfd_getfd executor_vm_read executor_vm_write
        executor_signal same_environ same_memory same_vm_write same_cwd same_ptrace same_signal
        same_pidfd_getfd same_worktree same_worktree_write same_limits same_priority;
    sockets: socket_private socket_public socket_abstract tcp_loopback host_sockets_list
        host_abstract_list packet_socket raw_socket vsock rare_socket_families address_add
        netlink_change shared_memory message_queue;
    kernel: unshare_user clone_user clone3_user mount new_mount open_tree unmount_cover remount
        chroot enter_namespace io_uring keyring key_add bpf perf userfaultfd fanotify fanotify_all
        load_module reboot open_tree_attr compat_table swap_on set_clock set_host_name tiocsti tiocsti_high_bits
        vsock_high_bits other_table;
    privilege: regain_root regain_group other_user foreign_groups capabilities_left setuid_program
        setgid_program capable_program inherited_fds inherited_streams inherited_environment
        core_dump slice_shorten cgroup_raise cgroup_leave cgroup_child cgroup_thaw;
}
