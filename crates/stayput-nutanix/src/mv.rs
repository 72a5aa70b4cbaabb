//! Nutanix Move: the client, and what its calls take, give and may fail with.

mod about;
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

use std::sync::Arc;
use std::time::Duration;

use stayput_ambient::Entropy;
use stayput_estate::Appliance;
use stayput_estate::SiteName;

use crate::credentials::Credentials;
use crate::error::Service;
use crate::retry::Limits;
use crate::transport::Transport;
use crate::wire::HttpsWire;
use crate::wire::Wire;

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
        let wire = HttpsWire::new(site, Service::Move, appliance, call_timeout)?;
        Self::over(
            site,
            Arc::new(wire),
            credentials,
            call_timeout,
            poll_interval,
            &Entropy::system(),
        )
    }

    /// Prepares a client that reaches its appliance over a wire of the caller; no network yet.
    ///
    /// `call_timeout` limits one attempt of one call, also on a wire that never answers; jitter and request ids of its own are drawn from a
    /// stream of `entropy` for this appliance. Otherwise as [`connect`](Self::connect).
    ///
    /// # Errors
    /// [`MoveError::Setup`] when the URL of the wire is none.
    pub fn over(
        site: &SiteName,
        wire: Arc<dyn Wire>,
        credentials: &Credentials,
        call_timeout: Duration,
        poll_interval: Duration,
        entropy: &Entropy,
    ) -> Result<Self, MoveError> {
        let transport = Transport::over(
            site,
            Service::Move,
            wire,
            call_timeout,
            poll_interval,
            entropy,
        )?;
        Ok(Self {
            api: api::Api::new(transport, credentials.clone(), poll_interval),
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
