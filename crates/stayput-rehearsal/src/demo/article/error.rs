//! Why the article's order could not be executed.

use std::time::Duration;

use stayput_aws::AwsError;
use stayput_messages::Message;

use super::ec2::Ec2Error;
use super::script::ScriptError;

/// Why the article's order could not be executed.
#[derive(Debug, thiserror::Error)]
pub enum ArticleError {
    /// A call of its own.
    #[error(transparent)]
    Ec2(#[from] Ec2Error),
    /// A look at AWS.
    #[error(transparent)]
    Aws(#[from] AwsError),
    /// Its order cannot be made from stayput's plan.
    #[error(transparent)]
    Script(#[from] ScriptError),
    /// Stayput's order had no such chapter.
    #[error("{}", Message::new("article-no-plan").with("chapter", chapter))]
    NoPlan {
        /// The chapter.
        chapter: String,
    },
    /// The plan of the failover does not say where to.
    #[error("{}", Message::new("article-no-site"))]
    NoSite,
    /// AWS took a call, and it has no effect.
    #[error("{}", Message::new("article-no-effect").part("what", what.clone()).with("seconds", limit.as_secs()))]
    NoEffect {
        /// What was asked for.
        what: Message,
        /// How long it was waited for.
        limit: Duration,
    },
}
