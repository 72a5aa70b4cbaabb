//! Errors of labs, demos and benchmarks, as shown to the user.

use stayput_lab::LabError;
use stayput_messages::Message;
use stayput_rehearsal::LabProcessError;
use stayput_rehearsal::RehearsalError;

use super::CommandError;
use super::Kind;

impl From<LabProcessError> for CommandError {
    fn from(error: LabProcessError) -> Self {
        match &error {
            LabProcessError::AlreadyRunning { dir } => Self::from_error(Kind::Failed, &error)
                .hint(Message::new("hint-stop-lab").with("dir", dir.display())),
            LabProcessError::Lab(LabError::NotRunning { .. }) => {
                Self::from_error(Kind::Failed, &error).hint(Message::new("hint-start-lab"))
            }
            LabProcessError::Lab(
                LabError::Scenario(_) | LabError::Speed(_) | LabError::Latency(_),
            )
            | LabProcessError::DidNotStart { is_usage: true, .. } => {
                Self::from_error(Kind::Usage, &error)
            }
            LabProcessError::Lab(
                LabError::Ca(_)
                | LabError::DataPlane(_)
                | LabError::Listen(_)
                | LabError::Write { .. }
                | LabError::Read { .. }
                | LabError::Format { .. },
            )
            | LabProcessError::Write { .. }
            | LabProcessError::Run { .. }
            | LabProcessError::DidNotStart {
                is_usage: false, ..
            }
            | LabProcessError::Silent { .. }
            | LabProcessError::DoesNotStop { .. }
            | LabProcessError::Control(_) => Self::from_error(Kind::Failed, &error),
        }
    }
}

impl From<RehearsalError> for CommandError {
    fn from(error: RehearsalError) -> Self {
        match error {
            RehearsalError::Lab(error) => error.into(),
            RehearsalError::Engine(error) => error.into(),
            RehearsalError::Ledger(error) => error.into(),
            RehearsalError::Obstacles(obstacles) => obstacles.into(),
            RehearsalError::Speed { .. } | RehearsalError::SharedLedger => {
                Self::from_error(Kind::Usage, &error)
            }
            RehearsalError::TooFewMachines { .. } => {
                Self::from_error(Kind::Failed, &error).hint(Message::new("hint-fewer-machines"))
            }
            RehearsalError::Interrupted
            | RehearsalError::CreateDir { .. }
            | RehearsalError::Read { .. }
            | RehearsalError::Estate { .. }
            | RehearsalError::Run { .. }
            | RehearsalError::Command { .. }
            | RehearsalError::Form { .. }
            | RehearsalError::Prism(_)
            | RehearsalError::Article(_)
            | RehearsalError::NoAppliance
            | RehearsalError::NoRecoverySite
            | RehearsalError::Undecided { .. }
            | RehearsalError::Task(_)
            | RehearsalError::OtherPlan { .. }
            | RehearsalError::NothingMeasured => Self::from_error(Kind::Failed, &error),
        }
    }
}
