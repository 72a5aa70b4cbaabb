//! Goals, obstacles, steps and the planner.
//!
//! [`plan`] takes estate, world, facts and goal and gives an ordered, proven [`Plan`], or every [`Obstacle`] in the way.
//! It describes differences between what is and what shall be, so planning again after a kill gives the rest of the work.
//! Pure: no IO, no clock, no randomness; the same inputs give the same plan.

mod capture;
mod counted;
mod difference;
mod fate;
mod finding;
mod goal;
mod left_over;
mod obstacle;
mod order;
mod outage;
mod planner;
mod pool;
mod preflight;
mod proof;
mod proven;
mod render;
mod routes;
mod seconds;
mod states;
mod step;
mod survey;
mod verification;

pub use capture::observe_facts;
pub use counted::counted;
pub use difference::differences;
pub use finding::Finding;
pub use goal::EntryPath;
pub use goal::FailoverMode;
pub use goal::Goal;
pub use left_over::left_over;
pub use obstacle::InterfaceDoubt;
pub use obstacle::Obstacle;
pub use obstacle::SaidByEc2;
pub use order::Blocked;
pub use order::Call;
pub use order::EXHAUSTIVE;
pub use order::NoOrder;
pub use order::order;
pub use outage::Outage;
pub use planner::plan;
pub use planner::prove;
pub use pool::gateway;
pub use proof::Asymmetry;
pub use proof::ClassTrace;
pub use proof::Hole;
pub use proof::Proof;
pub use proof::ProofState;
pub use proof::Shifted;
pub use proven::Proven;
pub use render::Numbered;
pub use render::explain;
pub use render::render;
pub use render::which;
pub use seconds::seconds;
pub use states::fabric_after;
pub use step::Action;
pub use step::ErpScope;
pub use step::Names;
pub use step::OverlayKind;
pub use step::PLAN_VERSION;
pub use step::Phase;
pub use step::Plan;
pub use step::RecoveryRun;
pub use step::Step;
pub use step::StepId;
pub use survey::Place;
pub use survey::Survey;
pub use survey::flow_vpc;
pub use survey::overlay_subnet;
pub use verification::Verification;
pub use verification::Wrong;
pub use verification::verify;
