//! One network namespace, held by its file descriptors.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::thread;

use nix::sched::CloneFlags;
use nix::sched::setns;
use nix::sched::unshare;

use super::netlink::Netlink;

/// Settings of every namespace: it forwards packets from any source address, routes a packet again that loops back to it, and
/// sends no redirects. The last setting is absent from kernels without IPv6.
const SETTINGS: [(&str, &str, Needed); 7] = [
    ("ipv4/ip_forward", "1", Needed::Yes),
    ("ipv4/conf/all/rp_filter", "0", Needed::Yes),
    ("ipv4/conf/default/rp_filter", "0", Needed::Yes),
    ("ipv4/conf/all/accept_local", "1", Needed::Yes),
    ("ipv4/conf/all/send_redirects", "0", Needed::Yes),
    ("ipv4/conf/default/send_redirects", "0", Needed::Yes),
    ("ipv6/conf/default/disable_ipv6", "1", Needed::No),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needed {
    Yes,
    No,
}

/// A network namespace. It ends when this value and all sockets opened in it are dropped.
#[derive(Debug)]
pub struct Namespace {
    file: File,
    snmp: File,
    /// Its netlink socket.
    pub netlink: Netlink,
}

impl Namespace {
    /// Creates a namespace.
    pub fn new() -> io::Result<Self> {
        on_a_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            let file = File::open("/proc/thread-self/ns/net")?;
            for (key, value, needed) in SETTINGS {
                match (fs::write(format!("/proc/sys/net/{key}"), value), needed) {
                    (Ok(()), _) | (Err(_), Needed::No) => {}
                    (Err(error), Needed::Yes) => return Err(error),
                }
            }
            let mut netlink = Netlink::open()?;
            netlink.loopback_up()?;
            let snmp = File::open("/proc/thread-self/net/snmp")?;
            Ok(Self {
                file,
                snmp,
                netlink,
            })
        })
    }

    /// Runs code inside the namespace, such as opening a socket, which then stays there.
    pub fn inside<T: Send>(&self, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
        on_a_thread(|| {
            setns(&self.file, CloneFlags::CLONE_NEWNET)?;
            work()
        })
    }

    /// Returns how many packets were dropped because their time to live ended: they were in a loop.
    pub fn ttl_exceeded(&mut self) -> io::Result<u64> {
        let mut text = String::new();
        self.snmp.rewind()?;
        self.snmp.read_to_string(&mut text)?;
        Ok(counter(&text, "Ip:", "InHdrErrors").unwrap_or(0))
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// A namespace belongs to a thread, so this uses a thread that ends with its work.
fn on_a_thread<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    let done = thread::scope(|scope| scope.spawn(work).join());
    done.unwrap_or_else(|_| Err(io::Error::other("a thread inside a namespace failed")))
}

/// Reads a counter of `/proc/net/snmp`: a line of names, then a line of numbers, both starting with the protocol.
fn counter(text: &str, protocol: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter(|line| line.starts_with(protocol));
    let at = lines.next()?.split(' ').position(|found| found == name)?;
    lines.next()?.split(' ').nth(at)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::counter;

    #[test]
    fn a_counter_is_found_by_its_name() {
        let text = "Ip: Forwarding DefaultTTL InReceives InHdrErrors\nIp: 1 64 12 7\nIcmp: InMsgs\nIcmp: 9\n";
        assert_eq!(counter(text, "Ip:", "InHdrErrors"), Some(7));
        assert_eq!(counter(text, "Icmp:", "InMsgs"), Some(9));
        assert_eq!(counter(text, "Ip:", "OutMsgs"), None);
    }
}
