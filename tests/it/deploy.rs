//! Installing on a shared host and taking it away again, below a directory of the test's own.

use anyhow::{Context, ensure};
use grove_daemon::config::FileConfig;
use grove_tests::{Outcome, Output, program, run, say};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const PROGRAMS: [&str; 4] = ["grove", "grove-monitor", "groved", "grove-executor"];
const HOME: &str = "var/lib/grove";

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/host")
}

/// A directory that stands for the root of a host, and programs to install.
struct Host {
    root: TempDir,
    programs: TempDir,
}

impl Host {
    fn new() -> Outcome<Self> {
        let (root, programs) = (tempfile::tempdir()?, tempfile::tempdir()?);
        for name in PROGRAMS {
            let path = programs.path().join(name);
            fs::write(&path, "#!/bin/sh\n")?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
        Ok(Self { root, programs })
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    fn script(&self, name: &str, arguments: &[&str]) -> Outcome<Output> {
        let mut command = program(scripts().join(name));
        command.args(arguments).env("DESTDIR", self.root.path());
        run(&mut command)
    }

    fn install(&self, arguments: &[&str]) -> Outcome<Output> {
        let from = self.programs.path().display().to_string();
        let output = self.script("install", &[&["--from", &from], arguments].concat())?;
        ensure!(output.code == 0, "{output:?}");
        Ok(output)
    }

    fn uninstall(&self, arguments: &[&str]) -> Outcome<Output> {
        let output = self.script("uninstall", arguments)?;
        ensure!(output.code == 0, "{output:?}");
        Ok(output)
    }

    /// Every file, link and directory, from the root.
    fn tree(&self) -> Outcome<Vec<String>> {
        let mut found = Vec::new();
        walk(self.root.path(), self.root.path(), &mut found)?;
        found.sort();
        Ok(found)
    }
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) -> Outcome {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        found.push(path.strip_prefix(root)?.display().to_string());
        if path.symlink_metadata()?.is_dir() {
            walk(root, &path, found)?;
        }
    }
    Ok(())
}

fn mode(path: &Path) -> Outcome<u32> {
    let metadata = fs::metadata(path).with_context(|| path.display().to_string())?;
    Ok(metadata.permissions().mode() & 0o7777)
}

#[test]
fn an_installation_is_complete_and_may_be_repeated() -> Outcome {
    let host = Host::new()?;
    host.install(&[])?;
    for name in PROGRAMS {
        assert_eq!(mode(&host.at(&format!("usr/local/lib/grove/{name}")))?, 0o755);
    }
    assert!(host.at("usr/local/bin/grove").canonicalize()?.ends_with("lib/grove/grove"));
    for name in ["systemd/system/grove.service", "sysusers.d/grove.conf", "tmpfiles.d/grove.conf"] {
        assert_eq!(mode(&host.at("etc").join(name))?, 0o644);
    }
    let unit = fs::read_to_string(host.at("etc/systemd/system/grove.service"))?;
    let start = "ExecStart=/usr/local/lib/grove/grove-monitor --home /var/lib/grove \
                 --bind 127.0.0.1:4768 --service-account grove --isolation strict\n";
    assert!(unit.contains(start), "{unit}");
    assert_eq!(mode(&host.at(HOME))?, 0o711);
    let config = host.at(HOME).join("grove.toml");
    assert_eq!(mode(&config)?, 0o640);

    fs::write(&config, "default_agent = \"rehearsal\"\n")?;
    let before = host.tree()?;
    let output = host.install(&[])?;
    assert!(output.stdout.contains("grove.toml is kept"), "{output:?}");
    assert_eq!(fs::read_to_string(&config)?, "default_agent = \"rehearsal\"\n");
    assert_eq!(host.tree()?, before, "the second time makes nothing new");
    Ok(())
}

#[test]
fn another_prefix_stands_in_the_unit_and_a_dry_run_changes_nothing() -> Outcome {
    let host = Host::new()?;
    let output = host.install(&["--dry-run"])?;
    assert!(output.stdout.contains("grove.service"), "{output:?}");
    assert_eq!(host.tree()?, Vec::<String>::new());
    host.install(&["--prefix", "/opt/grove"])?;
    let unit = fs::read_to_string(host.at("etc/systemd/system/grove.service"))?;
    assert!(unit.contains("ExecStart=/opt/grove/lib/grove/grove-monitor "), "{unit}");
    let before = host.tree()?;
    host.uninstall(&["--prefix", "/opt/grove", "--purge", "--dry-run"])?;
    assert_eq!(host.tree()?, before);
    for odd in ["/", "relative", "/a b", "/a/../b", "/$(id)"] {
        let output = host.script("install", &["--prefix", odd])?;
        assert!(output.code == 1 && output.stderr.contains("not a prefix"), "{odd}: {output:?}");
    }
    assert_eq!(host.tree()?, before);
    Ok(())
}

#[test]
fn uninstalling_keeps_data_and_purging_keeps_what_belongs_to_people() -> Outcome {
    let host = Host::new()?;
    host.install(&[])?;
    let home = host.at(HOME);
    for folder in ["db", "keys", "mirror/r.git", "wt/ana/shop/fix", "git/ana", "home/ana", "run"] {
        fs::create_dir_all(home.join(folder))?;
    }
    fs::create_dir_all(home.join("wt/ben/gone"))?;
    for file in ["db/grove.db", "keys/owner.token", "wt/ana/shop/fix/work", "home/ana/.profile"] {
        fs::write(home.join(file), "")?;
    }
    let outside = host.at("outside");
    fs::create_dir_all(outside.join("empty"))?;
    symlink(&outside, home.join("wt/link"))?;

    let output = host.uninstall(&[])?;
    assert!(home.join("db/grove.db").exists() && home.join("grove.toml").exists());
    assert!(output.stdout.contains("--purge removes them"), "{output:?}");
    for gone in ["usr/local/lib/grove", "usr/local/bin/grove", "etc/systemd/system/grove.service"] {
        assert!(!host.at(gone).exists(), "{gone}");
    }

    let output = host.uninstall(&["--purge"])?;
    for gone in ["db", "keys", "mirror", "run", "grove.toml", "wt/ben", "git"] {
        assert!(!home.join(gone).exists(), "{gone}");
    }
    assert!(home.join("wt/ana/shop/fix/work").exists() && home.join("home/ana/.profile").exists());
    assert!(outside.join("empty").exists(), "no link was followed");
    assert!(output.stdout.contains("home/ana, of "), "what remains is named: {output:?}");
    let before = host.tree()?;
    host.uninstall(&["--purge"])?;
    assert_eq!(host.tree()?, before);
    Ok(())
}

#[test]
fn the_sample_configuration_is_one_that_groved_takes() -> Outcome {
    let text = fs::read_to_string(scripts().join("grove.toml"))?;
    toml::from_str::<FileConfig>(&text)?;
    // What is commented out has to be right too: `#key` is an example, `# word` is prose.
    let is_example = |rest: &str| rest.starts_with(|it: char| it == '[' || it.is_alphanumeric());
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if is_example(rest) => rest.to_owned(),
        _ => line.to_owned(),
    };
    let all = text.lines().map(line).collect::<Vec<_>>().join("\n");
    let table: toml::Table = all.parse().with_context(|| all.clone())?;
    for section in ["isolation", "limits", "egress", "accounts", "audit"] {
        let keys = table.get(section).and_then(|it| it.as_table()).map_or(0, toml::Table::len);
        assert!(keys > 0, "[{section}] has an example:\n{all}");
    }
    // Sections that other commits bring are read as TOML only.
    let mut known = table;
    known.retain(|section, _| matches!(section, "default_agent" | "accounts" | "providers"));
    known.try_into::<FileConfig>().with_context(|| all)?;
    Ok(())
}

#[test]
fn systemd_takes_the_unit_and_the_accounts() -> Outcome {
    let host = Host::new()?;
    let prefix = host.programs.path().join("prefix");
    let mut command = program(scripts().join("install"));
    let from = host.programs.path();
    command.arg("--from").arg(from).arg("--prefix").arg(&prefix).env("DESTDIR", host.root.path());
    ensure!(run(&mut command)?.code == 0);
    // The unit names programs outside of DESTDIR.
    fs::create_dir_all(prefix.join("lib"))?;
    symlink(from, prefix.join("lib/grove"))?;
    let checks: [(&str, &[&str], &str); 2] = [
        ("systemd-analyze", &["verify"], "etc/systemd/system/grove.service"),
        ("systemd-sysusers", &["--dry-run"], "etc/sysusers.d/grove.conf"),
    ];
    for (tool, arguments, file) in checks {
        let mut command = program(tool);
        command.args(arguments).arg(host.at(file));
        let Ok(output) = run(&mut command) else {
            say(&format!("skipped: {tool} is not installed, so {file} is not verified"));
            continue;
        };
        let complaints: Vec<_> = output.stderr.lines().filter(|it| it.contains("grove.")).collect();
        assert!(output.code == 0 && complaints.is_empty(), "{tool}: {output:?}");
    }
    Ok(())
}
