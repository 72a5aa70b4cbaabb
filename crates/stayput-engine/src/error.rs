//! Why a run stopped.

use stayput_aws::AwsError;
use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_estate::TgwRouteTableId;
use stayput_ledger::LedgerError;
use stayput_nutanix::MoveError;
use stayput_nutanix::PrismError;
use stayput_plan::StepId;

/// Why the engine stopped.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// AWS could not be read or set up.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// Prism Central could not be read or set up.
    #[error(transparent)]
    Prism(#[from] PrismError),
    /// Move could not be read or set up.
    #[error(transparent)]
    Move(#[from] MoveError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Credentials are missing.
    #[error("no credentials for {what}: set {variables}")]
    NoCredentials {
        /// For what.
        what: String,
        /// Which variables would give them.
        variables: String,
    },
    /// The credentials may not do what the plan needs; found before anything was begun.
    #[error("the AWS credentials may not call {call} on {table} in {region}")]
    NotAllowed {
        /// Which operation.
        call: &'static str,
        /// Region of the table.
        region: Region,
        /// The table.
        table: TgwRouteTableId,
    },
    /// A step failed; everything before it stands.
    #[error("step {step} failed")]
    Step {
        /// The step.
        step: StepId,
        /// One line for people.
        title: String,
        /// Why.
        #[source]
        source: Box<StepError>,
        /// How many steps were done, of how many.
        done: (usize, usize),
    },
    /// Something in the engine itself broke.
    #[error("internal error: {0}")]
    Internal(String),
}

impl EngineError {
    /// Whether the world is not what the plan was made for.
    pub fn is_stale_world(&self) -> bool {
        matches!(self, Self::Step { source, .. } if matches!(**source, StepError::WorldChanged { .. }))
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
    /// Something the step relies on is not there.
    #[error("{what} is not there at {site}")]
    Missing {
        /// What.
        what: String,
        /// Where.
        site: SiteName,
    },
    /// Going on would break a promise.
    #[error("refused: {0}")]
    Refused(String),
    /// Something did not come true in time.
    #[error("{what} did not come true within {seconds} s; it may still, look again")]
    TooSlow {
        /// What.
        what: String,
        /// How long was waited.
        seconds: u64,
    },
    /// The remote system says it failed.
    #[error("{what}: {reason}")]
    Failed {
        /// What.
        what: String,
        /// Why, in its words.
        reason: String,
    },
}
