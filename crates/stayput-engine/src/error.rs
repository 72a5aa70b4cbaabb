//! Why a run stopped.

use stayput_aws::AwsError;
use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_estate::TgwRouteTableId;
use stayput_ledger::LedgerError;
use stayput_nutanix::MoveError;
use stayput_nutanix::PrismError;
use stayput_plan::Obstacle;
use stayput_plan::Phase;
use stayput_plan::StepId;
use stayput_plan::Verification;
use stayput_plan::counted;

/// Why the engine stopped.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The AWS client could not be created, or permissions could not be checked.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// Prism Central could not be set up.
    #[error(transparent)]
    Prism(#[from] PrismError),
    /// Move could not be set up.
    #[error(transparent)]
    Move(#[from] MoveError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Credentials are missing; nothing was contacted.
    #[error("no credentials for {what}: set {variables}")]
    NoCredentials {
        /// For what.
        what: String,
        /// Which variables would give them.
        variables: String,
    },
    /// The credentials lack a permission that the plan needs; found before the first step.
    #[error("the AWS credentials may not call {call} on {table} in {region}")]
    NotAllowed {
        /// Which operation.
        call: &'static str,
        /// Region of the table.
        region: Region,
        /// The table.
        table: TgwRouteTableId,
    },
    /// The credentials may not start instances that the plan starts; found before the first step.
    #[error("the AWS credentials may not start instances of the plan in {region}")]
    MayNotStart {
        /// Region of the instances.
        region: Region,
    },
    /// There is no plan.
    #[error("no plan: {}", counted(.0.len(), "obstacle"))]
    Obstacles(Vec<Obstacle>),
    /// The world, read again between two phases, is not what was approved.
    #[error("{}", world_changed(*after))]
    WorldChanged {
        /// The last phase that was run; `None` before the first.
        after: Option<Phase>,
        /// What is different, one line each.
        differences: Vec<String>,
        /// Obstacles that were not there when the plan was approved.
        obstacles: Vec<Obstacle>,
        /// How many steps were done.
        done: usize,
    },
    /// Steps failed; completed steps are kept.
    #[error("{}", failed_steps(failed))]
    Steps {
        /// Each step that failed, once; at least one.
        failed: Vec<FailedStep>,
        /// How many steps were done, of how many.
        done: (usize, usize),
    },
    /// The run was asked to stop.
    #[error("stopped on request{}", after_phase(*after))]
    Interrupted {
        /// The last phase that was finished; `None` before the first.
        after: Option<Phase>,
        /// Operations that continue without stayput, one line each.
        goes_on: Vec<String>,
        /// How many steps were done, of how many.
        done: (usize, usize),
        /// Whether machines were stopped, or started elsewhere, and routes do not lead to them yet.
        in_outage: bool,
    },
    /// A step is planned again each time it was done: another system or a person undoes it.
    #[error(
        "{title}: done {times} times in this run, and undone each time by another system or person"
    )]
    Undone {
        /// The step.
        step: StepId,
        /// What it achieves.
        title: String,
        /// How often it was done.
        times: u32,
    },
    /// No step is left, but the verification failed.
    #[error("not verified at {site}: {}", verification.summary())]
    NotVerified {
        /// The site.
        site: SiteName,
        /// What was expected, found, and is wrong.
        verification: Box<Verification>,
    },
    /// Steps without a proof run only in a lab.
    #[error("{0} is not on loopback: steps without a proof run only in a lab")]
    NotALab(String),
    /// A bug in the engine.
    #[error("internal error: {0}")]
    Internal(String),
}

fn world_changed(after: Option<Phase>) -> String {
    match after {
        None => "the world is not what this plan was made for".to_owned(),
        Some(after) => format!("after phase {after} the world is not what was approved"),
    }
}

fn after_phase(after: Option<Phase>) -> String {
    after.map_or_else(String::new, |after| format!(" after phase {after}"))
}

fn failed_steps(failed: &[FailedStep]) -> String {
    match failed {
        [one] => format!("step {} failed: {}", one.step, one.title),
        many => format!("{} failed", counted(many.len(), "step")),
    }
}

/// A step that failed.
#[derive(Debug)]
pub struct FailedStep {
    /// The step.
    pub step: StepId,
    /// What it was meant to achieve.
    pub title: String,
    /// Why it failed.
    pub error: StepError,
}

impl EngineError {
    /// Whether the world is not what the plan was made for.
    pub fn is_stale_world(&self) -> bool {
        match self {
            Self::WorldChanged { .. } => true,
            Self::Steps { failed, .. } => failed
                .iter()
                .any(|failed| matches!(failed.error, StepError::WorldChanged { .. })),
            Self::Aws(_)
            | Self::Prism(_)
            | Self::Move(_)
            | Self::Ledger(_)
            | Self::NoCredentials { .. }
            | Self::NotAllowed { .. }
            | Self::MayNotStart { .. }
            | Self::Obstacles(_)
            | Self::Interrupted { .. }
            | Self::Undone { .. }
            | Self::NotALab(_)
            | Self::NotVerified { .. }
            | Self::Internal(_) => false,
        }
    }
}

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// AWS.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// Prism Central.
    #[error(transparent)]
    Prism(#[from] PrismError),
    /// Move.
    #[error(transparent)]
    Move(#[from] MoveError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The world is not what the plan was made for.
    #[error("{what} is {found}, the plan expects {expected}")]
    WorldChanged {
        /// What.
        what: String,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// Something the step relies on is missing.
    #[error("{what} is missing at {site}")]
    Missing {
        /// What.
        what: String,
        /// Where.
        site: SiteName,
    },
    /// Continuing would break a guarantee of stayput.
    #[error("refused: {0}")]
    Refused(String),
    /// A condition was not met in time.
    #[error("{what}: timed out after {seconds} s; it may still complete")]
    TooSlow {
        /// What was waited for.
        what: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The remote system reports a failure.
    #[error("{what}: {reason}")]
    Failed {
        /// What.
        what: String,
        /// The reason that it gives.
        reason: String,
    },
    /// A home does not serve what it should.
    #[error("{what}: {}", found(verification))]
    NotVerified {
        /// What was verified.
        what: String,
        /// The site.
        site: SiteName,
        /// What was expected, found, and is wrong.
        verification: Box<Verification>,
    },
    /// The run was asked to stop while this step waited.
    #[error("{what}: stayput stopped waiting on request; the operation continues")]
    Interrupted {
        /// What was waited for.
        what: String,
    },
    /// The step failed, and so did an action that followed from the failure.
    #[error("{first}; then {then}")]
    Both {
        /// Why the step failed.
        #[source]
        first: Box<StepError>,
        /// What failed afterwards.
        then: Box<StepError>,
    },
}

impl StepError {
    /// Whether the step may have taken effect or may still do so: an answer was lost or late.
    pub fn is_in_doubt(&self) -> bool {
        match self {
            Self::Aws(error) => error.may_have_taken_effect(),
            Self::Prism(error) => error.may_have_taken_effect(),
            Self::Move(error) => error.may_have_taken_effect(),
            Self::TooSlow { .. } | Self::Interrupted { .. } => true,
            Self::Both { first, then } => first.is_in_doubt() || then.is_in_doubt(),
            Self::Ledger(_)
            | Self::WorldChanged { .. }
            | Self::Missing { .. }
            | Self::Refused(_)
            | Self::NotVerified { .. }
            | Self::Failed { .. } => false,
        }
    }

    /// Whether a retry may succeed without any change by a person: no answer, a broken connection, a server error.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Aws(error) => error.is_unreachable() || error.is_throttle(),
            Self::Prism(error) => is_transient_prism(error),
            Self::Move(error) => is_transient_move(error),
            Self::Both { first, .. } => first.is_transient(),
            Self::Ledger(_)
            | Self::WorldChanged { .. }
            | Self::Missing { .. }
            | Self::Refused(_)
            | Self::TooSlow { .. }
            | Self::Failed { .. }
            | Self::NotVerified { .. }
            | Self::Interrupted { .. } => false,
        }
    }

    /// Combines this error with one from handling it, so that neither hides the other.
    pub fn and_then(self, then: Result<(), Self>) -> Self {
        match then {
            Ok(()) => self,
            Err(then) => Self::Both {
                first: Box::new(self),
                then: Box::new(then),
            },
        }
    }
}

/// Problems of a verification that are listed one by one; the rest is counted.
const NAMED: usize = 10;

fn found(verification: &Verification) -> String {
    let named = verification.wrong.iter().take(NAMED);
    let mut texts: Vec<_> = named.map(ToString::to_string).collect();
    if let Some(more) = verification.wrong.len().checked_sub(NAMED)
        && more > 0
    {
        texts.push(format!("and {more} more"));
    }
    format!("{}: {}", verification.summary(), texts.join("; "))
}

/// Whether a status reports a fault of the server or of a proxy in front of it.
fn is_server_fault(status: u16) -> bool {
    status >= 500 || status == 408 || status == 429
}

fn is_transient_prism(error: &PrismError) -> bool {
    match error {
        PrismError::Connect(error) => error.tls.is_none(),
        PrismError::Timeout(_) | PrismError::Decode(_) | PrismError::List(_) => true,
        PrismError::Api(error) => is_server_fault(error.status),
        PrismError::Setup(_)
        | PrismError::Auth(_)
        | PrismError::TaskFailed(_)
        | PrismError::TaskLost(_)
        | PrismError::Unsupported(_)
        | PrismError::Missing(_)
        | PrismError::Differs(_)
        | PrismError::Ambiguous(_)
        | PrismError::InDoubt(_) => false,
    }
}

fn is_transient_move(error: &MoveError) -> bool {
    match error {
        MoveError::Connect(error) => error.tls.is_none(),
        MoveError::Timeout(_) | MoveError::Decode(_) | MoveError::List(_) => true,
        MoveError::Api(error) => is_server_fault(error.status),
        MoveError::Setup(_)
        | MoveError::Auth(_)
        | MoveError::NotPrepared(_)
        | MoveError::NotOffered(_)
        | MoveError::Missing { .. }
        | MoveError::Ambiguous(_)
        | MoveError::InDoubt(_) => false,
    }
}

/// An error with its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
