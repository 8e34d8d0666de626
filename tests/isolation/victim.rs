//! Stands for somebody who is attacked: an ordinary process that hides nothing by itself.
//!
//! The victim called `other` also offers whatever others might reach: sockets, shared memory, a
//! queue, a terminal. It ends, and takes all of that away, when its standard input does.

use crate::setup::{SETUP_FILE, Setup, Targets, VictimReady};
use crate::sys;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener};

/// File in a victim's working directory that it keeps open.
pub(crate) const HELD_FILE: &str = "held-by-victim";

/// Offers what it is told to and waits for the end.
pub(crate) fn run(who: &str) -> io::Result<()> {
    let setup: Setup = serde_json::from_str(&fs::read_to_string(SETUP_FILE)?)?;
    sys::become_traceable();
    let held = OpenOptions::new().write(true).create(true).truncate(true).open(HELD_FILE)?;
    if who != "other" {
        crate::say(&serde_json::to_string(&VictimReady::default())?)?;
        return until_the_end(&[]).map(|()| drop(held));
    }
    let offer = Offer::make(&setup.targets)?;
    crate::say(&serde_json::to_string(&offer.ready)?)?;
    let ended = until_the_end(&offer.sockets);
    offer.take_back(&setup.targets);
    ended
}

/// Answers everybody who connects until standard input ends.
fn until_the_end(sockets: &[UnixListener]) -> io::Result<()> {
    let input = io::stdin();
    loop {
        let mut polled = vec![PollFd::new(input.as_fd(), PollFlags::POLLIN)];
        polled.extend(sockets.iter().map(|it| PollFd::new(it.as_fd(), PollFlags::POLLIN)));
        match poll(&mut polled, PollTimeout::NONE) {
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        let ready: Vec<bool> = polled.iter().map(|it| it.any() == Some(true)).collect();
        if ready[0] && input.lock().read(&mut [0; 16])? == 0 {
            return Ok(());
        }
        for (socket, _) in sockets.iter().zip(&ready[1..]).filter(|it| *it.1) {
            // Whoever connects may be gone already.
            socket.accept().and_then(|(mut stream, _)| stream.write_all(b"HELLO")).ok();
        }
    }
}

/// What others might reach. Files that are open keep terminal, port and FIFO alive.
struct Offer {
    ready: VictimReady,
    sockets: Vec<UnixListener>,
    segment: usize,
    _service: TcpListener,
    _fifo: File,
}

impl Offer {
    fn make(targets: &Targets) -> io::Result<Self> {
        let open_file = |path: &str, mode: u32| -> io::Result<()> {
            fs::write(path, "secret of another person\n")?;
            fs::set_permissions(path, fs::Permissions::from_mode(mode))
        };
        open_file(&targets.other_tmp, 0o644)?;
        open_file(&targets.other_shm, 0o666)?;
        let bind = |path: &str, mode: u32| -> io::Result<UnixListener> {
            let socket = UnixListener::bind(path)?;
            fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
            Ok(socket)
        };
        let name = SocketAddr::from_abstract_name(&targets.abstract_socket)?;
        let sockets = vec![
            bind(&targets.other_socket, 0o600)?,
            bind(&targets.public_socket, 0o666)?,
            UnixListener::bind_addr(&name)?,
        ];
        let service = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let fifo = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open(&targets.other_fifo)?;
        let (pty, pty_identity) = terminal()?;
        let ready = VictimReady { port: service.local_addr()?.port(), pty, pty_identity };
        let segment = shared_memory(targets)?;
        Ok(Self { ready, sockets, segment, _service: service, _fifo: fifo })
    }

    /// Removes what would stay; what cannot be removed shows in the runner's leak check.
    fn take_back(&self, targets: &Targets) {
        for path in [&targets.other_tmp, &targets.other_shm] {
            fs::remove_file(path).ok();
        }
        for path in [&targets.other_socket, &targets.public_socket] {
            fs::remove_file(path).ok();
        }
        sys::call(libc::SYS_shmctl, &[self.segment, 0, 0]).ok();
        if let Ok(name) = sys::path(&targets.queue) {
            sys::call(libc::SYS_mq_unlink, &[sys::address(&name)]).ok();
        }
    }
}

/// Opens a terminal for good; others may not open it.
fn terminal() -> io::Result<(String, String)> {
    let main = sys::open("/dev/ptmx", libc::O_RDWR | libc::O_NOCTTY)?;
    let unlocked = 0_i32;
    sys::call(libc::SYS_ioctl, &[main, 0x4004_5431, &raw const unlocked as usize])?;
    let mut number = 0_u32;
    sys::call(libc::SYS_ioctl, &[main, 0x8004_5430, &raw mut number as usize])?;
    let path = format!("/dev/pts/{number}");
    let found = fs::metadata(&path)?;
    Ok((path, format!("{}:{}", found.dev(), found.ino())))
}

/// A segment and a queue that everybody may use.
fn shared_memory(targets: &Targets) -> io::Result<usize> {
    let make = usize::try_from(libc::IPC_CREAT | 0o666).map_err(io::Error::other)?;
    let segment = sys::call(libc::SYS_shmget, &[sys::signed(targets.shm_key), 4096, make])?;
    let name = sys::path(&targets.queue)?;
    let flags = sys::signed(libc::O_RDWR | libc::O_CREAT);
    sys::call(libc::SYS_umask, &[0])?;
    sys::call(libc::SYS_mq_open, &[sys::address(&name), flags, 0o666, 0])?;
    Ok(segment)
}
