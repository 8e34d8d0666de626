//! Opens files beneath the worktree: the kernel refuses `..` and links that lead out.

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{Mode, mkdirat};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path};

/// A directory that nothing below can leave.
pub(super) struct Beneath {
    root: OwnedFd,
}

fn how(flags: OFlag) -> OpenHow {
    OpenHow::new()
        .flags(flags | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS)
}

impl Beneath {
    /// Opens the directory itself.
    pub(super) fn new(root: &Path) -> io::Result<Self> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        Ok(Self { root: nix::fcntl::open(root, flags, Mode::empty())? })
    }

    /// Opens a regular file to read.
    pub(super) fn read(&self, path: &Path) -> io::Result<File> {
        // Without O_NONBLOCK a named pipe would wait for a writer.
        self.regular(path, how(OFlag::O_RDONLY | OFlag::O_NONBLOCK))
    }

    /// Opens a regular file to write all of it anew, and makes it and its directories when absent.
    pub(super) fn write(&self, path: &Path) -> io::Result<File> {
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_NONBLOCK;
        let how = how(flags).mode(Mode::from_bits_truncate(0o666));
        self.make_parents(path)?;
        let file = self.regular(path, how)?;
        file.set_len(0)?;
        Ok(file)
    }

    /// Opens a directory.
    pub(super) fn directory(&self, path: &Path) -> io::Result<nix::dir::Dir> {
        let directory = openat2(&self.root, path, how(OFlag::O_RDONLY | OFlag::O_DIRECTORY))?;
        Ok(nix::dir::Dir::from_fd(directory)?)
    }

    fn regular(&self, path: &Path, how: OpenHow) -> io::Result<File> {
        let file = File::from(openat2(&self.root, path, how)?);
        if file.metadata()?.is_file() {
            return Ok(file);
        }
        Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"))
    }

    fn make_parents(&self, path: &Path) -> io::Result<()> {
        let Some(parent) = path.parent() else { return Ok(()) };
        let mut place = openat2(&self.root, ".", how(OFlag::O_PATH | OFlag::O_DIRECTORY))?;
        let mut walked = std::path::PathBuf::new();
        for component in parent.components() {
            let Component::Normal(name) = component else {
                if component == Component::CurDir {
                    continue;
                }
                return Err(io::Error::from(nix::errno::Errno::EXDEV));
            };
            walked.push(name);
            let open = || openat2(&self.root, &walked, how(OFlag::O_PATH | OFlag::O_DIRECTORY));
            place = match open() {
                Err(nix::errno::Errno::ENOENT) => {
                    match mkdirat(&place, name, Mode::from_bits_truncate(0o777)) {
                        Ok(()) | Err(nix::errno::Errno::EEXIST) => open()?,
                        Err(error) => return Err(error.into()),
                    }
                }
                opened => opened?,
            };
        }
        Ok(())
    }
}
