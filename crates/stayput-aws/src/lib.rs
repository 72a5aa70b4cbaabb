//! Observes and acts on AWS.
//!
//! EC2 has some 700 operations, of which stayput needs about thirty; its official crate alone takes longer to build than
//! everything else here together. So this is a thin typed client of our own on the SDK's *own* runtime: credential chain,
//! identity cache, SigV4, retry strategy, timeouts and HTTP connector are those of the official SDK, only the serialisation
//! of the few operations is ours.
//!
//! - [`AwsClient`] has every region behind it; cloning it is cheap.
//! - `observe` gives one [`stayput_world::AwsRegion`]; `start_instances`, `put_tgw_route` and friends act.
//! - [`AwsError`] names region, service, operation, endpoint and the number of attempts, and says whether a failed call
//!   may still have taken effect.
//!
//! Deliberately not here: waiting for an effect (the engine polls), any rule about what is safe (the plan), any verb that
//! deletes or detaches an attachment, any write to a VPC route table (those of NC2 belong to NC2, AWS reference §4).

mod answer;
mod ask;
mod bounds;
mod client;
mod dx;
mod dynamodb;
mod endpoint;
mod error;
mod http;
mod instances;
mod list;
mod observe;
mod parse;
mod query;
mod redact;
mod rights;
mod routes;
mod ssm;
#[cfg(test)]
mod testing;
mod transport;
mod xml;

pub use client::AwsClient;
pub use client::Caller;
pub use dynamodb::Attribute;
pub use dynamodb::Item;
pub use dynamodb::PARTITION;
pub use dynamodb::SORT;
pub use dynamodb::Table;
pub use error::AwsError;
pub use error::CallSite;
pub use error::ConnectReason;
pub use error::Effect;
pub use error::EndpointState;
pub use error::TimeoutPhase;
pub use instances::InstanceNow;
pub use instances::InterfacesNow;
pub use instances::WithInterfaces;
pub use observe::KnownAwsObjects;
pub use rights::Permission;
pub use rights::Right;
pub use ssm::Agent;
pub use ssm::AgentPlatform;
pub use ssm::CommandId;
pub use ssm::CommandResult;
pub use ssm::CommandRun;
pub use ssm::CommandStatus;
pub use ssm::NotSent;
pub use ssm::Ping;
pub use ssm::PinnedDocument;
pub use ssm::SentCommand;
pub use xml::Malformed;
pub use xml::MalformedKind;
