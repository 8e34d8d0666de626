//! Attempts over sockets and other ways to talk: Unix, TCP, netlink, System V, message queues.

use super::{Attempt, escaped};
use crate::setup::Targets;
use crate::sys;
use nix::libc;
use std::fs;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddress, UnixStream};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(2);

fn hear(mut stream: UnixStream) -> Attempt {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut greeting = [0_u8; 16];
    let length = stream.read(&mut greeting)?;
    escaped(format!("was answered with {length} bytes"))
}

fn open_socket(family: i32, kind: i32, protocol: i32) -> io::Result<usize> {
    let arguments = [sys::signed(family), sys::signed(kind), sys::signed(protocol)];
    sys::call(libc::SYS_socket, &arguments)
}

pub(super) fn socket_private(targets: &Targets) -> Attempt {
    hear(UnixStream::connect(&targets.other_socket)?)
}

pub(super) fn socket_public(targets: &Targets) -> Attempt {
    hear(UnixStream::connect(&targets.public_socket)?)
}

pub(super) fn socket_abstract(targets: &Targets) -> Attempt {
    let address = UnixAddress::from_abstract_name(&targets.abstract_socket)?;
    hear(UnixStream::connect_addr(&address)?)
}

pub(super) fn tcp_loopback(targets: &Targets) -> Attempt {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, targets.port));
    TcpStream::connect_timeout(&address, PATIENCE)?;
    escaped("connected")
}

pub(super) fn host_sockets_list(targets: &Targets) -> Attempt {
    let table = fs::read_to_string("/proc/self/net/tcp")?;
    let port = format!(":{:04X} ", targets.port);
    Ok(table.contains(&port).then(|| "the service is in the table".to_owned()))
}

pub(super) fn host_abstract_list(targets: &Targets) -> Attempt {
    let table = fs::read_to_string("/proc/self/net/unix")?;
    let name = format!("@{}", targets.abstract_socket);
    Ok(table.contains(&name).then(|| "the socket is in the table".to_owned()))
}

pub(super) fn packet_socket(_: &Targets) -> Attempt {
    open_socket(libc::AF_PACKET, libc::SOCK_RAW, 0)?;
    escaped("may listen to the wire")
}

pub(super) fn raw_socket(_: &Targets) -> Attempt {
    open_socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP)?;
    escaped("may forge packets")
}

pub(super) fn vsock(_: &Targets) -> Attempt {
    open_socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0)?;
    escaped("may talk to the hypervisor")
}

pub(super) fn rare_socket_families(_: &Targets) -> Attempt {
    let known = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    let mut opened = Vec::new();
    for family in (1..=46).filter(|it| !known.contains(it)) {
        for kind in [libc::SOCK_STREAM, libc::SOCK_DGRAM, libc::SOCK_SEQPACKET] {
            if open_socket(family, kind, 0).is_ok() {
                opened.push(family);
                break;
            }
        }
    }
    Ok((!opened.is_empty()).then(|| format!("families {opened:?}")))
}

/// A second address for the loopback interface, by the old ioctl; taken away again.
pub(super) fn address_add(_: &Targets) -> Attempt {
    let socket = open_socket(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
    // struct ifreq: 16 bytes of name, then a sockaddr_in or flags.
    let mut request = [0_u8; 40];
    request[..4].copy_from_slice(b"lo:9");
    request[16] = 2;
    request[20..24].copy_from_slice(&[127, 99, 99, 99]);
    let at = request.as_mut_ptr() as usize;
    sys::call(libc::SYS_ioctl, &[socket, 0x8916, at])?;
    request[16..40].fill(0);
    // Flags without IFF_UP take the alias away.
    sys::call(libc::SYS_ioctl, &[socket, 0x8914, at])?;
    escaped("added an address to the host")
}

/// A netlink request that only an administrator of the network may make; it names no interface.
pub(super) fn netlink_change(_: &Targets) -> Attempt {
    let socket = open_socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE)?;
    // nlmsghdr: length, type RTM_DELLINK with flags REQUEST|ACK, sequence, port; then ifinfomsg.
    let mut message = [0_u8; 32];
    message[..4].copy_from_slice(&32_u32.to_ne_bytes());
    message[4..6].copy_from_slice(&17_u16.to_ne_bytes());
    message[6..8].copy_from_slice(&5_u16.to_ne_bytes());
    message[20..24].copy_from_slice(&i32::MAX.to_ne_bytes());
    sys::call(libc::SYS_write, &[socket, message.as_ptr() as usize, message.len()])?;
    let mut answer = [0_u8; 64];
    sys::call(libc::SYS_read, &[socket, answer.as_mut_ptr() as usize, answer.len()])?;
    let code = [answer[16], answer[17], answer[18], answer[19]];
    let error = -i32::from_ne_bytes(code);
    // Permitted: the interface is looked for and not found.
    if error == libc::EPERM || error == libc::EACCES {
        return Err(io::Error::from_raw_os_error(error));
    }
    escaped(format!("was heard: error {error}"))
}

pub(super) fn shared_memory(targets: &Targets) -> Attempt {
    let segment = sys::call(libc::SYS_shmget, &[sys::signed(targets.shm_key), 0, 0])?;
    let address = sys::call(libc::SYS_shmat, &[segment, 0, 0])?;
    escaped(format!("read {} bytes", sys::peek(address).len()))
}

pub(super) fn message_queue(targets: &Targets) -> Attempt {
    let name = sys::path(&targets.queue)?;
    let flags = sys::signed(libc::O_RDWR | libc::O_NONBLOCK);
    sys::call(libc::SYS_mq_open, &[sys::address(&name), flags, 0, 0])?;
    escaped("opened the queue")
}
