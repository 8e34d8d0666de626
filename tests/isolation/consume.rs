//! Uses things up: processes, memory, temporary space. Also leaves daemons behind, and answers.

use crate::{executor, sys};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Most processes that are tried: far more than any limit of a test.
const FORKS: usize = 100_000;
/// Memory is taken in pieces of this size.
const PIECE_BYTES: usize = 8 << 20;
/// Most pieces: 16 GiB, far more than any limit of a test.
const PIECES: usize = 2_048;
/// Looks along a path that may be swapped meanwhile.
const LOOKS: usize = 500;

/// Does what it is told to and says on descriptor 3 how far it came.
pub(crate) fn run(what: &str) -> io::Result<()> {
    match what {
        "processes" => processes(),
        "memory" => memory(),
        "daemons" => daemons(),
        "tmp" => tmp(),
        "answer" => answer(),
        _ => Err(io::Error::other("nothing of that name is used up")),
    }
}

fn tell(text: &str) -> io::Result<()> {
    sys::call(libc::SYS_write, &[3, text.as_ptr() as usize, text.len()]).map(drop)
}

/// Forks until the system refuses, then says how often and stays; every child tries as well.
fn processes() -> io::Result<()> {
    for count in 0..FORKS {
        match sys::fork() {
            Ok(0) => {
                while sys::fork().is_ok() {}
                nix::unistd::pause();
            }
            Ok(_) => {}
            Err(error) => {
                tell(&format!("refused after {count}: {error}\n"))?;
                nix::unistd::pause();
            }
        }
    }
    tell("never refused\n")
}

/// Takes memory until the system ends it; its parent lives on and says so.
fn memory() -> io::Result<()> {
    let child = sys::fork()?;
    if child != 0 {
        let ended = executor::wait_for(child);
        tell(&format!("the child ended: {ended:?}\n"))?;
        nix::unistd::pause();
        return Ok(());
    }
    let mut pieces = Vec::new();
    for _ in 0..PIECES {
        pieces.push(vec![1_u8; PIECE_BYTES]);
    }
    sys::exit(u8::try_from(pieces.len() % 2).unwrap_or(0))
}

/// Leaves processes behind that have left session, parent and process group.
fn daemons() -> io::Result<()> {
    for _ in 0..3 {
        let child = sys::fork()?;
        if child == 0 {
            nix::unistd::setsid()?;
            if sys::fork()? == 0 {
                nix::unistd::pause();
            }
            sys::exit(0);
        }
        executor::wait_for(child)?;
    }
    tell("three daemons\n")?;
    nix::unistd::pause();
    Ok(())
}

/// Writes to the private `/tmp` until it is full.
fn tmp() -> io::Result<()> {
    let mut file = File::create("/tmp/big")?;
    let piece = vec![1_u8; 1 << 20];
    for count in 0..4_096 {
        if let Err(error) = file.write_all(&piece) {
            return tell(&format!("full after {count} MiB: {error}\n"));
        }
    }
    tell("never full\n")
}

/// Answers each line on descriptor 3, as an executor answers pings.
fn answer() -> io::Result<()> {
    let stream = UnixStream::from(sys::connection());
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        writer.write_all(line.as_bytes())?;
        line.clear();
    }
    Ok(())
}

/// Says which directory is attached where one was granted.
pub(crate) fn look(directory: &str) -> io::Result<()> {
    let directory = Path::new(directory);
    // Many looks: where the view is not private, the path may lead to either by now. Reading counts,
    // not seeing: without a private view names and sizes are everybody's.
    let is_read = |name: &str| (0..LOOKS).any(|_| fs::read(directory.join(name)).is_ok());
    match (is_read("wrong"), is_read("right")) {
        (true, _) => tell("wrong\n"),
        (false, true) => tell("right\n"),
        (false, false) => tell("nothing\n"),
    }
}

/// Exchanges two paths as fast as it can until standard input ends.
pub(crate) fn swap(one: &str, other: &str) -> io::Result<()> {
    let input = io::stdin();
    let (one, other) = (sys::path(one)?, sys::path(other)?);
    let here = sys::signed(libc::AT_FDCWD);
    let exchange = usize::try_from(libc::RENAME_EXCHANGE).map_err(io::Error::other)?;
    let arguments = [here, sys::address(&one), here, sys::address(&other), exchange];
    sys::call(libc::SYS_renameat2, &arguments)?;
    crate::say("swapping")?;
    loop {
        for _ in 0..256 {
            sys::call(libc::SYS_renameat2, &arguments)?;
        }
        let mut polled = [PollFd::new(input.as_fd(), PollFlags::POLLIN)];
        if poll(&mut polled, PollTimeout::ZERO)? > 0 {
            return Ok(());
        }
    }
}
