//! Why a run stopped.

use stayput_aws::AwsError;
use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_estate::TgwRouteTableId;
use stayput_ledger::LedgerError;
use stayput_ledger::RunId;
use stayput_messages::Message;
use stayput_nutanix::MoveError;
use stayput_nutanix::PrismError;
use stayput_plan::Obstacle;
use stayput_plan::Phase;
use stayput_plan::StepId;
use stayput_plan::Verification;

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
    /// The estate's document does not run the capture script of this build.
    #[error(
        "{}",
        Message::new("engine-other-script")
            .with("document", .document)
            .with("version", .version)
            .with("platform", .platform)
    )]
    OtherScript {
        /// The document.
        document: String,
        /// Its default version.
        version: String,
        /// The platform whose script it lacks.
        platform: &'static str,
    },
    /// Credentials are missing; nothing was contacted.
    #[error(
        "{}",
        Message::new("engine-no-credentials")
            .with("what", .what)
            .with("variables", .variables)
    )]
    NoCredentials {
        /// For what.
        what: String,
        /// Which variables would give them.
        variables: String,
    },
    /// The credentials lack a permission that the plan needs; found before the first step.
    #[error(
        "{}",
        Message::new("engine-not-allowed")
            .with("call", .call)
            .with("table", .table)
            .with("region", .region)
    )]
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
    #[error("{}", Message::new("engine-no-plan").count("obstacles", .0.len()))]
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
        /// What the run leaves unreachable, because no way on is safe.
        left: Option<LeftUnreached>,
    },
    /// The run was asked to stop.
    #[error("{}", stopped(*after))]
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
    #[error("{}", Message::new("engine-undone").with("title", .title).count("times", *.times))]
    Undone {
        /// The step.
        step: StepId,
        /// What it achieves.
        title: String,
        /// How often it was done.
        times: u32,
    },
    /// No step is left, but the verification failed.
    #[error(
        "{}",
        Message::new("engine-not-verified")
            .with("site", .site)
            .with("summary", .verification.summary())
    )]
    NotVerified {
        /// The site.
        site: SiteName,
        /// What was expected, found, and is wrong.
        verification: Box<Verification>,
    },
    /// Steps without a proof run only in a lab.
    #[error("{}", Message::new("engine-not-a-lab").with("url", .0))]
    NotALab(String),
    /// A bug in the engine.
    #[error("{}", Message::new("engine-internal").with("what", .0))]
    Internal(String),
}

fn world_changed(after: Option<Phase>) -> Message {
    match after {
        None => Message::new("engine-world-changed"),
        Some(after) => Message::new("engine-world-changed-after").with("phase", after),
    }
}

fn stopped(after: Option<Phase>) -> Message {
    match after {
        None => Message::new("engine-stopped"),
        Some(after) => Message::new("engine-stopped-after").with("phase", after),
    }
}

fn failed_steps(failed: &[FailedStep]) -> Message {
    match failed {
        [one] => Message::new("engine-step-failed")
            .with("step", &one.step)
            .with("title", &one.title),
        many => Message::new("engine-steps-failed").count("steps", many.len()),
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

/// Addresses whose machines have moved, and to which no route leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftUnreached {
    /// The run that moved the machines.
    pub run: RunId,
    /// How many addresses on-prem does not reach.
    pub addresses: usize,
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
            | Self::OtherScript { .. }
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
    #[error(
        "{}",
        Message::new("step-error-world-changed")
            .with("what", .what)
            .with("found", .found)
            .with("expected", .expected)
    )]
    WorldChanged {
        /// What.
        what: String,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// Something the step relies on is missing.
    #[error("{}", Message::new("step-error-missing").with("what", .what).with("site", .site))]
    Missing {
        /// What.
        what: String,
        /// Where.
        site: SiteName,
    },
    /// Continuing would break a guarantee of stayput.
    #[error("{}", Message::new("step-error-refused").with("why", .0))]
    Refused(String),
    /// A condition was not met in time.
    #[error(
        "{}",
        Message::new("step-error-too-slow")
            .with("what", .what)
            .with("seconds", .seconds)
    )]
    TooSlow {
        /// What was waited for.
        what: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The remote system reports a failure.
    #[error("{}", Message::new("step-error-failed").with("what", .what).with("reason", .reason))]
    Failed {
        /// What.
        what: String,
        /// The reason that it gives.
        reason: String,
    },
    /// A home does not serve what it should.
    #[error("{}", not_verified(what, verification))]
    NotVerified {
        /// What was verified.
        what: String,
        /// The site.
        site: SiteName,
        /// What was expected, found, and is wrong.
        verification: Box<Verification>,
    },
    /// The run was asked to stop while this step waited.
    #[error("{}", Message::new("step-error-interrupted").with("what", .what))]
    Interrupted {
        /// What was waited for.
        what: String,
    },
    /// The step failed, and so did an action that followed from the failure.
    #[error("{}", Message::new("step-error-both").with("first", .first).with("then", .then))]
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

    /// Whether a check failed. Before the step's request, what an earlier attempt sent is then as unknown as it was.
    pub(crate) fn is_of_a_check(&self) -> bool {
        match self {
            Self::WorldChanged { .. } | Self::Missing { .. } | Self::Refused(_) => true,
            Self::Both { first, .. } => first.is_of_a_check(),
            Self::Aws(_)
            | Self::Prism(_)
            | Self::Move(_)
            | Self::Ledger(_)
            | Self::TooSlow { .. }
            | Self::Failed { .. }
            | Self::NotVerified { .. }
            | Self::Interrupted { .. } => false,
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

fn not_verified(what: &str, verification: &Verification) -> Message {
    let named: Vec<_> = verification
        .wrong
        .iter()
        .take(NAMED)
        .map(ToString::to_string)
        .collect();
    Message::new("step-error-not-verified")
        .with("what", what)
        .with("summary", verification.summary())
        .with("wrong", named.join("; "))
        .count("more", verification.wrong.len() - named.len())
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
        | PrismError::TaskUndone(_)
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
