//! Grove's home as far as the monitor needs it: the directory, its lock, the run file.
//!
//! Not here: everything that the daemon keeps below the home.

use super::error::{MonitorError, system};
use grove_core_api::monitor::RunFile;
use grove_core_api::version;
use grove_sandbox::tree;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::geteuid;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Longest content of the lock file that is worth reading.
const LOCK_BYTES: u64 = 32;

/// A home that this monitor alone serves.
pub(super) struct Home {
    path: PathBuf,
    /// Whether other accounts of the host may know where Grove listens.
    is_shared: bool,
    /// Held for the life of the monitor; the kernel lets go of it when the process ends, however.
    _lock: Flock<File>,
}

impl Home {
    /// Makes the home when it is absent (0700), checks it and takes its lock.
    ///
    /// # Errors
    /// `HomeNotAbsolute`, `Home` and `ForeignHome` when it cannot be used, `AlreadyRunning` when
    /// another monitor holds the lock.
    pub(super) fn take(path: &Path, is_shared: bool) -> Result<Self, MonitorError> {
        if !path.is_absolute() {
            return Err(MonitorError::HomeNotAbsolute(path.to_owned()));
        }
        make_directory(path)?;
        let path = path.canonicalize().map_err(unusable(path))?;
        let owner = fs::metadata(&path).map_err(unusable(&path))?.uid();
        let me = geteuid().as_raw();
        if owner != me {
            return Err(MonitorError::ForeignHome { path, owner, me });
        }
        make_directory(&path.join("run"))?;
        let lock = take_lock(&path)?;
        let home = Self { path, is_shared, _lock: lock };
        // What a killed monitor left behind names a process that is gone.
        home.remove_run_file();
        Ok(home)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn run_file(&self) -> PathBuf {
        self.path.join("run/grove.json")
    }

    /// Tells clients where Grove is: whole or not at all, and readable by its owner alone.
    pub(super) fn write_run_file(&self, url: &str) -> io::Result<()> {
        let pid = i32::try_from(std::process::id()).map_err(io::Error::other)?;
        let start_ticks = tree::read(pid)
            .map(|process| process.start_ticks)
            .ok_or_else(|| io::Error::other("/proc does not show this process"))?;
        let content =
            RunFile { pid, start_ticks, url: url.to_owned(), version: version::GROVE.to_owned() };
        let new = self.path.join("run/grove.json.new");
        let mode = if self.is_shared { 0o644 } else { 0o600 };
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&new)?;
        file.write_all(&serde_json::to_vec(&content).map_err(io::Error::other)?)?;
        file.sync_all()?;
        fs::rename(new, self.run_file())
    }

    /// Removes the run file; clients then know that Grove does not run.
    pub(super) fn remove_run_file(&self) {
        // It may be absent; and a client that finds a stale one sees that its process is gone.
        drop(fs::remove_file(self.run_file()));
    }
}

fn unusable(path: &Path) -> impl FnOnce(io::Error) -> MonitorError {
    move |source| MonitorError::Home { path: path.to_owned(), source }
}

/// Makes a directory of the home, closed to others, when it is absent.
pub(super) fn make_directory(path: &Path) -> Result<(), MonitorError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(unusable(path))
}

fn take_lock(home: &Path) -> Result<Flock<File>, MonitorError> {
    let path = home.join("run/lock");
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(unusable(&path))?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(mut lock) => {
            lock.set_len(0).map_err(unusable(&path))?;
            lock.write_all(std::process::id().to_string().as_bytes()).map_err(unusable(&path))?;
            Ok(lock)
        }
        Err((file, nix::errno::Errno::EWOULDBLOCK)) => {
            let mut pid = String::new();
            file.take(LOCK_BYTES).read_to_string(&mut pid).map_err(unusable(&path))?;
            Err(MonitorError::AlreadyRunning { home: home.to_owned(), pid })
        }
        Err((_, errno)) => Err(system("lock Grove's home")(errno)),
    }
}
