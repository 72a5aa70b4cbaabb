//! A machine that looks like a guest of the lab, in which a script is run by bash.
//!
//! The machine is a network namespace with the guest's interfaces, addresses and routes, host name and process numbers of its own, and a
//! folder with the guest's files, to which `STAYPUT_ROOT` points. Behind its router is a second namespace with the instance metadata
//! service. Neither is connected to the network of this machine, and nothing of them is left when the script has ended. A lab that is killed leaves a
//! running script, which ends within its time limit, and its folder.

mod metadata;

use std::fs;
use std::io;
use std::io::Read;
use std::io::Write;
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use nix::sched::CloneFlags;
use nix::sched::unshare;
use nix::unistd::sethostname;
use stayput_lab::Guest;
use stayput_lab::ScriptOutput;
use stayput_lab::aws::ssm::guest::tree;
use stayput_lab::aws::ssm::guest::tree::Entry;

use self::metadata::Metadata;
use super::namespace::Namespace;
use super::netlink::GuestLink;

/// Address of the instance metadata service.
const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// Time limit of a script.
const LIMIT: Duration = Duration::from_secs(60);
/// How often an ended script is looked for.
const POLL: Duration = Duration::from_millis(20);
/// Bytes of an output that are kept; the service shows 24,000 characters.
const KEPT: u64 = 96_000;
/// Lifetime of an address from DHCP in seconds.
const LEASE: u32 = 3600;
/// The first index of an interface. Lower ones can be taken by interfaces that the kernel makes in every namespace.
const FIRST: u32 = 100;
const MTU: u32 = 9001;
/// Exit code of a script that was ended because of its time limit, as of the program `timeout`.
const TIMED_OUT: i32 = 124;

/// Runs a script.
pub fn run(guest: &Guest, script: &str) -> io::Result<ScriptOutput> {
    let folder = tempfile::tempdir()?;
    write_tree(guest, folder.path())?;
    let (near, far) = network(guest)?;
    let listener = far.inside(|| Metadata::listen(METADATA))?;
    let service = Metadata::serve(listener, guest)?;
    let started = near.inside(|| {
        // The script is the first process of its own numbering, so all that it has started ends with it.
        unshare(CloneFlags::CLONE_NEWUTS | CloneFlags::CLONE_NEWPID)?;
        sethostname(&guest.hostname)?;
        Command::new("bash")
            .arg("-s")
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", "/")
            .env("STAYPUT_ROOT", folder.path())
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
    });
    let said = started.and_then(|child| converse(child, script));
    drop(service);
    said
}

/// Sends the script and collects what it says, until it ends or its time is over.
fn converse(mut child: Child, script: &str) -> io::Result<ScriptOutput> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let began = Instant::now();
    thread::scope(|scope| {
        scope.spawn(move || {
            // A script that ends early does not read all of its text.
            if let Some(mut stdin) = stdin {
                let _ = stdin.write_all(script.as_bytes());
            }
        });
        let stdout = scope.spawn(move || stdout.map(collect).unwrap_or_default());
        let stderr = scope.spawn(move || stderr.map(collect).unwrap_or_default());
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Ok(Some(status)),
                Ok(None) if began.elapsed() < LIMIT => thread::sleep(POLL),
                Ok(None) => break Ok(None),
                Err(error) => break Err(error),
            }
        };
        // Without effect on a process that has ended.
        let _ = child.kill();
        let _ = child.wait();
        let code = match status? {
            Some(status) => status.code().unwrap_or(-1),
            None => TIMED_OUT,
        };
        Ok(ScriptOutput {
            code,
            stdout: stdout.join().unwrap_or_default(),
            stderr: stderr.join().unwrap_or_default(),
        })
    })
}

/// Reads to the end, and keeps the start.
fn collect(mut from: impl Read) -> String {
    let mut kept = Vec::new();
    // What a broken pipe has delivered is kept.
    let _ = from.by_ref().take(KEPT).read_to_end(&mut kept);
    let _ = io::copy(&mut from, &mut io::sink());
    String::from_utf8_lossy(&kept).into_owned()
}

fn write_tree(guest: &Guest, folder: &Path) -> io::Result<()> {
    for (path, entry) in tree::tree(guest) {
        let place = folder.join(path);
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        match entry {
            Entry::File(text) => fs::write(place, text)?,
            Entry::Link(target) => std::os::unix::fs::symlink(target, place)?,
        }
    }
    Ok(())
}

/// Returns the guest's namespace, and that of the routers behind it.
fn network(guest: &Guest) -> io::Result<(Namespace, Namespace)> {
    let (mut near, mut far) = (Namespace::new()?, Namespace::new()?);
    far.netlink.add_address(METADATA)?;
    for interface in &guest.interfaces {
        let index = FIRST + interface.index;
        let link = GuestLink {
            index,
            name: &interface.name,
            mac: interface.mac,
            mtu: MTU,
        };
        near.netlink.add_guest_link(&link, far.as_fd())?;
        let (gateway, subnet) = (interface.gateway, interface.subnet);
        far.netlink
            .add_subnet_address(index, gateway, subnet, None)?;
        far.netlink.link_up(index)?;
        near.netlink.link_up(index)?;
        let is_static = guest.kind.is_static();
        let lifetime = (!is_static).then_some(LEASE);
        near.netlink
            .add_subnet_address(index, interface.primary, subnet, lifetime)?;
        for address in &interface.secondary {
            near.netlink
                .add_subnet_address(index, *address, subnet, None)?;
        }
        if interface.index == 0 {
            let leased = (!is_static).then_some(interface.primary);
            near.netlink.add_default_route(index, gateway, leased)?;
        }
    }
    Ok((near, far))
}
