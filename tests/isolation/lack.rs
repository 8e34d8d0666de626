//! Takes something away from this process and starts an executor nevertheless: a host that can do
//! less, on one that can do all.

use crate::sys;
use grove_core_api::isolation::{Layer, LayerState};
use grove_sandbox::account::plain;
use grove_sandbox::cgroup::Cgroups;
use grove_sandbox::{LayerSet, Plan, StartError, start};
use nix::sys::wait::waitpid;
use nix::unistd::Pid;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};
use serde_json::{Value, json};
use std::io;
use std::path::PathBuf;

/// Starts an executor where something is lacking and says what came of it.
pub(crate) fn run(lack: &str, mode: &str, account: &str, directory: &str) -> io::Result<()> {
    lack.split(',').try_for_each(take_away)?;
    let directory = PathBuf::from(directory);
    // Control groups are of no concern here, and would need a name of their own.
    let layers = LayerSet::all().without(Layer::Cgroup).without(Layer::Limits);
    let plan = Plan {
        arguments: vec!["who".to_owned()],
        identity: Some(plain(account).map_err(io::Error::other)?),
        write: vec![directory.clone()],
        layers,
        required: if mode == "strict" { layers } else { LayerSet::none() },
        ..Plan::new(std::env::current_exe()?, directory)
    };
    let answer = match start(&plan, &Cgroups::none(), "lack") {
        Ok(started) => {
            waitpid(Pid::from_raw(started.pid), None)?;
            report(&started.layers)
        }
        Err(StartError::Layer { layer, detail }) => json!({ "refused": layer, "detail": detail }),
        Err(error) => return Err(io::Error::other(error)),
    };
    crate::say(&answer.to_string())
}

fn report(layers: &[LayerState]) -> Value {
    json!({ "refused": null, "layers": layers })
}

fn take_away(lack: &str) -> io::Result<()> {
    match lack {
        "nothing" => Ok(()),
        "landlock" => absent(&[
            libc::SYS_landlock_create_ruleset,
            libc::SYS_landlock_add_rule,
            libc::SYS_landlock_restrict_self,
        ]),
        // Both ways to install a filter; this one is the last that can be.
        "seccomp" => absent_after(&[libc::SYS_seccomp], true),
        "clone3" => absent(&[libc::SYS_clone3]),
        "sys_admin" => sys::lose_capability(21),
        "setuid" => sys::lose_capability(7),
        "setgid" => sys::lose_capability(6),
        _ => Err(io::Error::other("that is never lacking")),
    }
}

fn absent(calls: &[i64]) -> io::Result<()> {
    absent_after(calls, false)
}

/// Answers calls as a kernel does that does not know them.
fn absent_after(calls: &[i64], without_prctl_filters: bool) -> io::Result<()> {
    let mut rules: std::collections::BTreeMap<i64, Vec<seccompiler::SeccompRule>> =
        calls.iter().map(|call| (*call, Vec::new())).collect();
    if without_prctl_filters {
        let is_filter = seccompiler::SeccompCondition::new(
            0,
            seccompiler::SeccompCmpArgLen::Dword,
            seccompiler::SeccompCmpOp::Eq,
            22,
        );
        let rule = is_filter.and_then(|it| seccompiler::SeccompRule::new(vec![it]));
        rules.insert(libc::SYS_prctl, vec![rule.map_err(io::Error::other)?]);
    }
    let refusal = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let target = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refusal, target);
    let program: BpfProgram = filter.and_then(TryInto::try_into).map_err(io::Error::other)?;
    apply_filter(&program).map_err(io::Error::other)
}
