//! Which minor version of which part of the API to speak (Prism reference §0).

use std::fmt;

/// A part of the v4 API with a version of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Namespace {
    /// VMs.
    Vmm,
    /// Subnets and Flow VPCs.
    Networking,
    /// Protection policies and recovery plans.
    Datapolicies,
    /// Recovery points, failovers and their jobs.
    Dataprotection,
    /// Tasks, categories, domain managers.
    Prism,
}

impl Namespace {
    /// Every namespace that is used.
    pub const ALL: [Self; 5] = [
        Self::Vmm,
        Self::Networking,
        Self::Datapolicies,
        Self::Dataprotection,
        Self::Prism,
    ];

    /// How the URL spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Vmm => "vmm",
            Self::Networking => "networking",
            Self::Datapolicies => "datapolicies",
            Self::Dataprotection => "dataprotection",
            Self::Prism => "prism",
        }
    }

    /// The newest minor this build knows; newer servers keep serving it.
    pub(super) fn newest_known(self) -> Minor {
        match self {
            Self::Vmm | Self::Datapolicies => Minor(3),
            Self::Networking | Self::Dataprotection | Self::Prism => Minor(4),
        }
    }

    /// A list that every v4 of this namespace has, to find out whether v4.0 is served where the probe is not.
    pub(super) fn oldest_list(self) -> &'static [&'static str] {
        match self {
            Self::Vmm => &["ahv", "config", "vms"],
            Self::Networking => &["config", "subnets"],
            Self::Datapolicies => &["config", "protection-policies"],
            Self::Dataprotection => &["config", "recovery-points"],
            Self::Prism => &["config", "categories"],
        }
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A minor version of v4: `Minor(2)` is `v4.2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Minor(pub u32);

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("v4.{}", self.0))
    }
}

/// The minor to speak with a server whose highest version is `server`; `None` if there is none.
///
/// Of a pre-release (`v4.3.b1`) the release before it is served; a server of a later major keeps serving v4 (inferred).
pub(super) fn negotiate(namespace: Namespace, server: &str) -> Option<Minor> {
    let ours = namespace.newest_known();
    let mut parts = server.trim().trim_start_matches(['v', 'V']).split('.');
    let major: u32 = parts.next()?.parse().ok()?;
    let minor: u32 = parts.next()?.parse().ok()?;
    let released = match parts.next() {
        None => Some(minor),
        Some(pre) if pre.starts_with(['a', 'b', 'r']) => minor.checked_sub(1),
        Some(_) => Some(minor),
    };
    match major {
        0..=3 => None,
        4 => released.map(|minor| ours.min(Minor(minor))),
        _ => Some(ours),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_of_both_sides_decides() {
        let networking = |server| negotiate(Namespace::Networking, server);
        assert_eq!(networking("v4.0"), Some(Minor(0)));
        assert_eq!(networking("v4.2"), Some(Minor(2)));
        assert_eq!(networking("v4.9"), Some(Minor(4)));
        assert_eq!(networking("v5.0"), Some(Minor(4)));
    }

    #[test]
    fn a_pre_release_counts_as_the_release_before_it() {
        assert_eq!(negotiate(Namespace::Vmm, "v4.2.b1"), Some(Minor(1)));
        assert_eq!(negotiate(Namespace::Vmm, "v4.0.a2"), None);
    }

    #[test]
    fn what_is_not_a_version_is_none() {
        assert_eq!(negotiate(Namespace::Vmm, "v3.1"), None);
        assert_eq!(negotiate(Namespace::Vmm, "latest"), None);
    }
}
