//! The privilege with which this process may create network namespaces.

use std::fmt;
use std::io;

/// The privilege to create network namespaces. Only [`enter`] returns one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Privilege(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "not available on this system")
)]
enum Kind {
    Root,
    UserNamespace,
}

impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Root => "root",
            Kind::UserNamespace => "user-namespace",
        })
    }
}

/// This process cannot create network namespaces.
#[derive(Debug, thiserror::Error)]
#[error("this process cannot create network namespaces: {0}")]
pub struct NoNamespaces(#[source] pub io::Error);

/// Makes sure that this process may create network namespaces: with its current privileges, or by entering a new user namespace,
/// in which it is root and still uses the network of its parent.
///
/// A process can enter a user namespace only while it has a single thread, so call this before starting any runtime.
///
/// # Errors
/// [`NoNamespaces`] when neither is allowed, or on systems other than Linux.
#[cfg(target_os = "linux")]
pub fn enter() -> Result<Privilege, NoNamespaces> {
    use std::fs;

    use nix::sched::CloneFlags;
    use nix::sched::unshare;

    raise_limit();
    if can_make_one().is_ok() {
        return Ok(Privilege(Kind::Root));
    }
    let (uid, gid) = (nix::unistd::getuid(), nix::unistd::getgid());
    unshare(CloneFlags::CLONE_NEWUSER).map_err(|error| NoNamespaces(error.into()))?;
    let mapped = fs::write("/proc/self/setgroups", "deny")
        .and_then(|()| fs::write("/proc/self/uid_map", format!("0 {uid} 1")))
        .and_then(|()| fs::write("/proc/self/gid_map", format!("0 {gid} 1")));
    mapped.and_then(|()| can_make_one()).map_err(NoNamespaces)?;
    Ok(Privilege(Kind::UserNamespace))
}

/// Raises the limit of open files as far as allowed: a namespace needs several descriptors, and the usual limit is a thousand. If
/// it cannot be raised, a later error names the limit.
#[cfg(target_os = "linux")]
fn raise_limit() {
    use nix::sys::resource::Resource;
    use nix::sys::resource::getrlimit;
    use nix::sys::resource::setrlimit;

    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// Tries to create a namespace, in a thread that ends with it.
#[cfg(target_os = "linux")]
fn can_make_one() -> io::Result<()> {
    use nix::sched::CloneFlags;
    use nix::sched::unshare;

    let tried = std::thread::spawn(|| unshare(CloneFlags::CLONE_NEWNET)).join();
    tried
        .map_err(|_| io::Error::other("the thread that tried to create a namespace failed"))?
        .map_err(io::Error::from)
}

/// Systems other than Linux.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn enter() -> Result<Privilege, NoNamespaces> {
    Err(NoNamespaces(io::Error::new(
        io::ErrorKind::Unsupported,
        "network namespaces need Linux",
    )))
}
