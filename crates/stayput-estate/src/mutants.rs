//! Deliberate defects, one of which a test of the simulator can choose: a judge that does not see them judges nothing.
//!
//! Without the feature `mutants` there are none: [`Mutant::is_chosen`] is `false` and costs nothing.

/// A deliberate defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutant {
    /// The intent of an attempt is not on disk when its effect is made.
    IntentNotSynced,
    /// Captured facts are not on disk when a NIC is changed.
    FactsNotSynced,
    /// A request after a known end has the id of the one before.
    RequestIdWithoutAttempts,
    /// A request that is sent again after doubt has another id.
    RequestIdAlwaysNew,
    /// A machine gets its addresses although its source may run.
    SourceNotChecked,
    /// A verification passes whatever it finds.
    VerificationAlwaysPasses,
    /// The next table is written before a route is active.
    RouteNotAwaited,
    /// Routes are written before NC2 has written the prefix.
    PrefixNotAwaited,
    /// A change in doubt counts as failed.
    InDoubtIsFailed,
    /// A change is sent again although it may have been made.
    ChangesRepeatedBlindly,
    /// Secondary addresses are not captured.
    SecondaryAddressesForgotten,
    /// A NIC from the DHCP pool is not removed.
    OldNicKept,
    /// A plan lists no hole.
    HolesNotAnnounced,
    /// The copies of a drill are not removed.
    TestCopiesLeft,
    /// A run with failed steps is called done.
    FailedStepsIgnored,
    /// A lock that another process has is given.
    LockIgnored,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::IntentNotSynced,
        Self::FactsNotSynced,
        Self::RequestIdWithoutAttempts,
        Self::RequestIdAlwaysNew,
        Self::SourceNotChecked,
        Self::VerificationAlwaysPasses,
        Self::RouteNotAwaited,
        Self::PrefixNotAwaited,
        Self::InDoubtIsFailed,
        Self::ChangesRepeatedBlindly,
        Self::SecondaryAddressesForgotten,
        Self::OldNicKept,
        Self::HolesNotAnnounced,
        Self::TestCopiesLeft,
        Self::FailedStepsIgnored,
        Self::LockIgnored,
    ];

    /// Whether this defect is chosen on this thread.
    #[cfg(not(feature = "mutants"))]
    #[must_use]
    pub const fn is_chosen(self) -> bool {
        false
    }

    /// Whether this defect is chosen on this thread.
    #[cfg(feature = "mutants")]
    #[must_use]
    pub fn is_chosen(self) -> bool {
        CHOSEN.get() == Some(self)
    }
}

#[cfg(feature = "mutants")]
thread_local! {
    static CHOSEN: std::cell::Cell<Option<Mutant>> = const { std::cell::Cell::new(None) };
}

/// Chooses a defect, or none, for this thread.
#[cfg(feature = "mutants")]
pub fn choose(mutant: Option<Mutant>) {
    CHOSEN.set(mutant);
}
