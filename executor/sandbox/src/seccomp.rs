//! seccomp: system calls that agents and their tools do not need and attackers do.
//!
//! Everything else is allowed: compilers, test suites and agent programs come unchanged. A refused
//! call fails with `EPERM`; clone3 with `ENOSYS`, because its flags lie behind a pointer that a
//! filter cannot read, and the C library then falls back to clone, whose flags can be read.

use crate::sys;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter,
};
use std::collections::BTreeMap;
use std::sync::OnceLock;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Calls that fail whatever their arguments.
const REFUSED: [libc::c_long; 47] = [
    // Other processes' memory and descriptors.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    libc::SYS_process_madvise,
    // Keys of the kernel are not bound to a sandbox.
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Large attack surfaces.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_fanotify_init,
    libc::SYS_open_by_handle_at,
    // Mounts and namespaces.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_mount_setattr,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_setns,
    // The host itself.
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_quotactl,
    libc::SYS_acct,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_vhangup,
    libc::SYS_syslog,
    libc::SYS_move_pages,
    libc::SYS_migrate_pages,
];

/// Terminal requests that put words into somebody else's terminal.
const REFUSED_IOCTLS: [u64; 3] = [libc::TIOCSTI, libc::TIOCCONS, TIOCLINUX];
/// `TIOCLINUX` of `ioctl_console(2)`.
const TIOCLINUX: u64 = 0x541c;

/// Socket families that stay.
const FAMILIES: [libc::c_int; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// Flags that make a new namespace.
const NAMESPACES: [libc::c_int; 8] = [
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWCGROUP,
    // CLONE_NEWTIME, which clone cannot take but unshare can.
    0x80,
];

fn condition(
    argument: u8,
    how: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, how, value)
}

/// One rule for each of the values: any of them matches.
fn any_of(argument: u8, values: &[u64], is_mask: bool) -> Result<Vec<SeccompRule>, BackendError> {
    let rule = |value: &u64| {
        let how = if is_mask { SeccompCmpOp::MaskedEq(*value) } else { SeccompCmpOp::Eq };
        SeccompRule::new(vec![condition(argument, how, *value)?])
    };
    values.iter().map(rule).collect()
}

fn rules() -> Result<Rules, BackendError> {
    let mut rules: Rules = REFUSED.into_iter().map(|call| (call, Vec::new())).collect();
    rules.insert(libc::SYS_ioctl, any_of(1, &REFUSED_IOCTLS, false)?);
    let flags: Vec<u64> =
        NAMESPACES.into_iter().map(|flag| u64::from(flag.cast_unsigned())).collect();
    rules.insert(libc::SYS_unshare, any_of(0, &flags, true)?);
    // In clone these bits are the exit signal.
    let flags: Vec<u64> = flags.into_iter().filter(|flag| *flag > 0xff).collect();
    rules.insert(libc::SYS_clone, any_of(0, &flags, true)?);
    let other =
        |family: libc::c_int| condition(0, SeccompCmpOp::Ne, u64::from(family.unsigned_abs()));
    let families = FAMILIES.into_iter().map(other).collect::<Result<Vec<_>, _>>()?;
    rules.insert(libc::SYS_socket, vec![SeccompRule::new(families)?]);
    Ok(rules)
}

fn compile(rules: Rules, refusal: libc::c_int) -> Result<BpfProgram, BackendError> {
    let architecture = TargetArch::try_from(std::env::consts::ARCH)?;
    let refusal = SeccompAction::Errno(refusal.unsigned_abs());
    SeccompFilter::new(rules, SeccompAction::Allow, refusal, architecture)?.try_into()
}

/// The compiled filters: the same for every executor, so they are made once.
fn programs() -> &'static Result<[BpfProgram; 2], String> {
    static PROGRAMS: OnceLock<Result<[BpfProgram; 2], String>> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let refused = rules().and_then(|rules| compile(rules, libc::EPERM));
        let clone3 = [(libc::SYS_clone3, Vec::new())].into_iter().collect();
        let absent = compile(clone3, libc::ENOSYS);
        match (refused, absent) {
            (Ok(refused), Ok(absent)) => Ok([refused, absent]),
            (Err(error), _) | (_, Err(error)) => Err(error.to_string()),
        }
    })
}

/// Compiles the filters ahead of the first use; says whether that went well.
pub(crate) fn prepare() -> bool {
    programs().is_ok()
}

/// Filters the system calls of this process for good. Needs `no_new_privs`.
///
/// # Errors
/// When the kernel takes no filter.
pub(crate) fn apply() -> Result<String, String> {
    let programs = programs().as_ref().map_err(Clone::clone)?;
    for program in programs {
        apply_filter(program).map_err(|error| error.to_string())?;
    }
    Ok(format!("{} calls refused", REFUSED.len()))
}

/// The filter of the second tier: asking for shorter slices of the processor is the executor's alone
/// (`promptness`). Like clone3 the call is absent, so that programs fall back to an older one.
///
/// `None` where the kernel has no filters.
pub(crate) fn second_tier() -> Option<BpfProgram> {
    let rules = [(libc::SYS_sched_setattr, Vec::new())].into_iter().collect();
    sys::has_filters().then(|| compile(rules, libc::ENOSYS).ok()).flatten()
}

/// Adds a compiled filter. Async-signal-safe; needs `no_new_privs`.
///
/// # Errors
/// `EACCES` when the kernel does not take it.
pub(crate) fn add(program: &BpfProgram) -> nix::Result<()> {
    apply_filter(program).map_err(|_error| nix::errno::Errno::EACCES)
}
