//! Prism Central: the client, and what its calls take, give and may fail with.

mod error;
mod request_id;
mod spec;
mod v4;

use std::sync::Arc;
use std::time::Duration;

use stayput_ambient::Entropy;
use stayput_estate::Appliance;
use stayput_estate::SiteName;

use crate::credentials::Credentials;
use crate::error::Service;
use crate::progress::Progress;
use crate::progress::TaskProgress;
use crate::retry::Limits;
use crate::transport::Transport;
use crate::wire::HttpsWire;
use crate::wire::Wire;

pub use error::ApiError;
pub use error::AppMessage;
pub use error::Differs;
pub use error::Missing;
pub use error::PrismError;
pub use error::TaskFailed;
pub use error::TaskLost;
pub use error::TaskUndone;
pub use error::Unsupported;
pub use request_id::NotARequestId;
pub use request_id::RequestId;
pub use spec::AffectedEntity;
pub use spec::Direction;
pub use spec::Finding;
pub use spec::FindingGroup;
pub use spec::FindingSeverity;
pub use spec::JobReport;
pub use spec::KnownPrismObjects;
pub use spec::MappedSubnet;
pub use spec::MappingSpec;
pub use spec::NicDeletion;
pub use spec::NicSpec;
pub use spec::OnWarnings;
pub use spec::PlanSpec;
pub use spec::PolicyLocation;
pub use spec::PolicySpec;
pub use spec::SubnetSpec;
pub use spec::SubnetVnic;
pub use spec::VpcSpec;
pub use v4::Minor;
pub use v4::Namespace;
#[cfg(test)]
pub(crate) use v4::WireVm;

/// One Prism Central. Cheap to clone; clones share connections and what was negotiated.
#[derive(Debug, Clone)]
pub struct PrismClient {
    v4: v4::Api,
}

impl PrismClient {
    /// Prepares a client. Reads the CA file if one is configured; no network.
    ///
    /// `call_timeout` limits one try of one call; `poll_interval` is the gap between two looks at a task, and the pause
    /// before the first repeat of a call, which doubles with each further one.
    ///
    /// # Errors
    /// [`PrismError::Setup`].
    pub fn connect(
        site: &SiteName,
        appliance: &Appliance,
        credentials: &Credentials,
        call_timeout: Duration,
        poll_interval: Duration,
    ) -> Result<Self, PrismError> {
        let wire = HttpsWire::new(site, Service::PrismCentral, appliance, call_timeout)?;
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
    /// [`PrismError::Setup`] when the URL of the wire is none.
    pub fn over(
        site: &SiteName,
        wire: Arc<dyn Wire>,
        credentials: &Credentials,
        call_timeout: Duration,
        poll_interval: Duration,
        entropy: &Entropy,
    ) -> Result<Self, PrismError> {
        let transport = Transport::over(
            site,
            Service::PrismCentral,
            wire,
            call_timeout,
            poll_interval,
            entropy,
        )?;
        Ok(Self {
            v4: v4::Api::new(transport, credentials, poll_interval),
        })
    }

    /// The same client with other time limits; it shares connections and what was negotiated.
    #[must_use]
    pub fn with_limits(&self, limits: Limits) -> Self {
        let mut this = self.clone();
        this.v4.limits = limits;
        this
    }

    /// The same client with reads repeated for longer: for reads in the middle of a run, which a short outage must not end.
    #[must_use]
    pub fn patient(&self) -> Self {
        self.with_limits(self.v4.limits.patient())
    }

    /// The same client, which tells of every look at a task that it waits for.
    #[must_use]
    pub fn with_progress(&self, listener: impl Fn(&TaskProgress) + Send + Sync + 'static) -> Self {
        let mut this = self.clone();
        this.v4.progress = Progress::to(listener);
        this
    }

    /// The minor version in use for a namespace, negotiated on the first call (Prism reference §0.1).
    ///
    /// # Errors
    /// [`PrismError::Unsupported`] if the namespace has no v4 here, and those of any call.
    pub async fn minor(&self, namespace: Namespace) -> Result<Minor, PrismError> {
        self.v4.minor(namespace).await
    }

    /// The `Date` header of the last answer; `None` before the first, and of an appliance that sends none.
    pub fn date(&self) -> Option<String> {
        self.v4.date()
    }

    /// Its address, as a URL.
    pub fn endpoint(&self) -> String {
        self.v4.endpoint()
    }
}
