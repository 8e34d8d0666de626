//! Where this process's control groups are mounted.

use std::fs;
use std::path::{Path, PathBuf};

/// Controllers of the old hierarchies that are used.
const CONTROLLERS: [&str; 3] = ["pids", "memory", "cpu"];

/// The places of this process's own groups.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) unified: Option<PathBuf>,
    pub(super) v1: Vec<(&'static str, PathBuf)>,
}

pub(super) fn find() -> Found {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    parse(&mounts, &own)
}

fn parse(mounts: &str, own: &str) -> Found {
    let mut found = Found::default();
    for line in mounts.lines() {
        let Some((before, after)) = line.split_once(" - ") else { continue };
        let mut fields = before.split(' ').skip(3);
        let (Some(root), Some(point)) = (fields.next(), fields.next()) else { continue };
        let mut fields = after.split(' ');
        let (Some(kind), Some(options)) = (fields.next(), fields.nth(1)) else { continue };
        if kind == "cgroup2" && found.unified.is_none() {
            found.unified = below(point, root, group_of(own, ""));
        } else if kind == "cgroup" {
            for controller in CONTROLLERS {
                let is_new = found.v1.iter().all(|(it, _)| *it != controller);
                if is_new
                    && options.split(',').any(|it| it == controller)
                    && let Some(path) = below(point, root, group_of(own, controller))
                {
                    found.v1.push((controller, path));
                }
            }
        }
    }
    found
}

/// The group of a hierarchy that this process is in, as `/proc/self/cgroup` has it.
fn group_of<'a>(own: &'a str, controller: &str) -> Option<&'a str> {
    own.lines().find_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        controllers.split(',').any(|it| it == controller).then_some(path)
    })
}

/// The directory of a group: the mount may show only a part of the hierarchy.
fn below(point: &str, root: &str, group: Option<&str>) -> Option<PathBuf> {
    let rest = Path::new(group?).strip_prefix(root).ok()?;
    Some(Path::new(point).join(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hybrid_host_has_both_kinds() {
        let mounts = "30 29 0:26 / /sys/fs/cgroup/pids rw,relatime shared:9 - cgroup cgroup rw,pids\n\
            31 29 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
            32 29 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup rw\n\
            33 29 0:29 / /tmp rw - tmpfs tmpfs rw\n";
        let own = "4:pids:/a\n3:cpu,cpuacct:/\n0::/user.slice/x\n";
        let found = parse(mounts, own);
        assert_eq!(found.unified, Some("/sys/fs/cgroup/unified/user.slice/x".into()));
        let v1 = [("pids", "/sys/fs/cgroup/pids/a"), ("cpu", "/sys/fs/cgroup/cpu/")];
        assert_eq!(found.v1, v1.map(|(controller, path)| (controller, path.into())));
    }

    #[test]
    fn a_group_outside_of_the_mounted_part_is_none() {
        let mounts = "32 29 0:28 /docker/x /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
        assert_eq!(parse(mounts, "0::/elsewhere\n"), Found::default());
        let inside = parse(mounts, "0::/docker/x/y\n").unified;
        assert_eq!(inside, Some("/sys/fs/cgroup/y".into()));
        assert_eq!(parse("", ""), Found::default());
        assert_eq!(parse("nonsense\n1 2 - \n", "::\n"), Found::default());
    }
}
