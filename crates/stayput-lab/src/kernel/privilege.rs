//! By what right this process may make network namespaces.

use std::fmt;
use std::io;

/// By what right namespaces are made. Only [`enter`] gives one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Privilege(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "there are none elsewhere")
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

/// No network namespace can be made here.
#[derive(Debug, thiserror::Error)]
#[error("no network namespace can be made here: {0}")]
pub struct NoNamespaces(#[source] pub io::Error);

/// Makes sure that this process may make network namespaces: as it is, else by entering a user namespace of its own, in which it is root and
/// still uses the network of its surroundings.
///
/// To enter one the process must not have a second thread, so this is called before any runtime is started.
///
/// # Errors
/// Neither is allowed, or this is not Linux.
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

/// A namespace takes a handful of descriptors, and a thousand is the usual limit: as many as this process may have. If it may not, what
/// fails later says so.
#[cfg(target_os = "linux")]
fn raise_limit() {
    use nix::sys::resource::Resource;
    use nix::sys::resource::getrlimit;
    use nix::sys::resource::setrlimit;

    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// Tries it, on a thread of its own that ends with the namespace it made.
#[cfg(target_os = "linux")]
fn can_make_one() -> io::Result<()> {
    use nix::sched::CloneFlags;
    use nix::sched::unshare;

    let tried = std::thread::spawn(|| unshare(CloneFlags::CLONE_NEWNET)).join();
    tried
        .map_err(|_| io::Error::other("the thread that tried failed"))?
        .map_err(io::Error::from)
}

/// Not Linux.
///
/// # Errors
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn enter() -> Result<Privilege, NoNamespaces> {
    Err(NoNamespaces(io::Error::new(
        io::ErrorKind::Unsupported,
        "they need Linux",
    )))
}
