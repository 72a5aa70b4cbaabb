//! Nutanix Move: the client, and what its calls take, give and may fail with.

mod actions;
mod api;
mod console_link;
mod error;
mod observe;
mod plans;
mod prepare;
mod spec;
mod token;
mod wire;

use std::time::Duration;

use stayput_estate::Appliance;
use stayput_estate::SiteName;

use crate::credentials::Credentials;
use crate::error::Service;
use crate::retry::Limits;
use crate::transport::Transport;

pub use error::MoveApiError;
pub use error::MoveError;
pub use error::NotOffered;
pub use error::NotPrepared;
pub use error::VmProblem;
pub use spec::GuestCredentials;
pub use spec::MAX_VMS_PER_PLAN;
pub use spec::MovePlanSpec;
pub use spec::PrepareSpec;

/// One Move appliance. Cheap to clone; clones share connections and the token.
#[derive(Debug, Clone)]
pub struct MoveClient {
    api: api::Api,
}

impl MoveClient {
    /// Prepares a client. Reads the CA file if one is configured; no network.
    ///
    /// `call_timeout` limits one try of one call (calls that are known to be slow may take longer); `poll_interval` is the gap
    /// between two looks at something in progress, and the pause before the first repeat of a call.
    ///
    /// # Errors
    /// [`MoveError::Setup`].
    pub fn connect(
        site: &SiteName,
        appliance: &Appliance,
        credentials: &Credentials,
        call_timeout: Duration,
        poll_interval: Duration,
    ) -> Result<Self, MoveError> {
        let transport =
            Transport::new(site, Service::Move, appliance, call_timeout, poll_interval)?;
        let credentials = credentials.clone();
        Ok(Self {
            api: api::Api::new(transport, credentials, poll_interval),
        })
    }

    /// The same client with other time limits; it shares connections and the token.
    #[must_use]
    pub fn with_limits(&self, limits: Limits) -> Self {
        let mut this = self.clone();
        this.api.limits = limits;
        this
    }

    /// The same client with reads repeated for longer: for reads in the middle of a run, which a short outage must not end.
    #[must_use]
    pub fn patient(&self) -> Self {
        self.with_limits(self.api.limits.patient())
    }
}
