//! The client: how it is made, and the two protocols' calls on top of the transport.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_runtime_api::client::http::HttpClient;
use serde::Serialize;
use serde::de::DeserializeOwned;
use stayput_ambient::Ambient;
use stayput_estate::AccountId;
use stayput_estate::AwsAccess;
use stayput_estate::Region;
use stayput_messages::Message;

use crate::bounds::Pages;
use crate::endpoint::Endpoints;
use crate::endpoint::Service;
use crate::error::AwsError;
use crate::error::Effect;
use crate::http::guarded;
use crate::http::http_client;
use crate::query::Query;
use crate::redact::Secrets;
use crate::transport::Patience;
use crate::transport::Request;
use crate::transport::Transport;
use crate::xml::Element;
use crate::xml::Malformed;
use crate::xml::excerpt;
use crate::xml::read_answer;

/// AWS, all regions of one account.
///
/// Cheap to clone; clones share credentials, connections and retry quotas.
#[derive(Debug, Clone)]
pub struct AwsClient {
    transport: Arc<Transport>,
}

/// One page of a list: its entries, and the token of the next.
pub(crate) type Page<T> = (Vec<T>, Option<String>);

/// The owner of the credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub account: AccountId,
    /// The user or role, as an ARN.
    pub arn: String,
}

impl AwsClient {
    /// Prepares a client with the ecosystem's credential chain: environment, profile files, `credential_process`, assumed
    /// roles, web identity, container and instance metadata.
    ///
    /// Nothing is sent to AWS besides what that chain needs. One attempt of a call may take `call_timeout`, a call with its
    /// retries three times that. `AWS_ENDPOINT_URL` and its kin count when `access` names no endpoint, `AWS_CA_BUNDLE` when
    /// it names no CA file.
    ///
    /// # Errors
    ///
    /// [`AwsError::Credentials`] when the chain gives none, [`AwsError::Config`] for an unusable CA file or endpoint.
    pub async fn connect(access: &AwsAccess, call_timeout: Duration) -> Result<Self, AwsError> {
        let ca_bundle = std::env::var_os("AWS_CA_BUNDLE")
            .filter(|path| !path.is_empty())
            .map(PathBuf::from);
        let http = http_client(&access.trust, ca_bundle)?;
        // Calls name their region themselves. The chain's own region matters for its STS calls only; it is spelt out here so
        // that the SDK does not ask the metadata service for it, which takes seconds where there is none.
        let mut profile_region = ProfileFileRegionProvider::builder();
        if let Some(profile) = &access.profile {
            profile_region = profile_region.profile_name(profile);
        }
        let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
            .or_else(profile_region.build())
            .or_else(aws_types::region::Region::from_static("us-east-1"));
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http.clone())
            .region(region);
        if let Some(profile) = &access.profile {
            loader = loader.profile_name(profile);
        }
        let config = loader.load().await;
        let endpoints = match &access.endpoint {
            Some(url) => Endpoints::everywhere(url)?,
            None => Endpoints::from_config(&config)?,
        };
        let tried: String = match &access.profile {
            Some(profile) => Message::new("aws-tried-profile")
                .with("profile", profile)
                .into(),
            None => Message::new("aws-tried-chain").into(),
        };
        let credentials = config
            .credentials_provider()
            .ok_or_else(|| AwsError::config(Message::new("aws-credentials-off"), None))?;
        // Asked once now, so that missing credentials are one clear error instead of one from every call.
        credentials
            .provide_credentials()
            .await
            .map_err(|error| AwsError::Credentials {
                tried: tried.clone(),
                // A chain that assumes a role has spoken to STS, whose answer may quote what it was sent.
                source: Secrets::default().redactor(&[]).clean_chain(&error),
            })?;
        Ok(Self::assemble(Transport::new(
            http,
            credentials,
            tried,
            endpoints,
            Patience::for_calls_of(call_timeout),
            &Ambient::system(),
        )))
    }

    /// Prepares a client that reaches AWS over an HTTP client of the caller, such as one that calls an emulator in the same process.
    ///
    /// `endpoint` is for every service of every region; the region of a request is in its signature. All waiting is tokio's, signatures take
    /// their time from the clock of `ambient`, and pauses between attempts are drawn from a stream of its entropy. Retry quotas are the
    /// client's own. Neither environment nor files are read, nothing is spawned, and no thread is blocked.
    ///
    /// Connectors are given no time limit for an answer: the client drops the future of an attempt that takes longer than `call_timeout`. A
    /// connector says how far a request got by its error: [`ConnectorError::timeout`] when there was no connection in time,
    /// [`ConnectorError::io`] with [`ConnectionRefused`] when there was none, and with [`ConnectionReset`] when it broke, which leaves the
    /// outcome of a write in doubt.
    ///
    /// [`ConnectorError::timeout`]: aws_smithy_runtime_api::client::result::ConnectorError::timeout
    /// [`ConnectorError::io`]: aws_smithy_runtime_api::client::result::ConnectorError::io
    /// [`ConnectionRefused`]: std::io::ErrorKind::ConnectionRefused
    /// [`ConnectionReset`]: std::io::ErrorKind::ConnectionReset
    ///
    /// # Errors
    ///
    /// [`AwsError::Config`] for an unusable endpoint.
    pub fn over(
        http: impl HttpClient + 'static,
        endpoint: &str,
        call_timeout: Duration,
        key_id: &str,
        secret: &str,
        ambient: &Ambient,
    ) -> Result<Self, AwsError> {
        let credentials = Credentials::new(key_id, secret, None, None, "given access key");
        Ok(Self::assemble(Transport::new(
            guarded(http),
            SharedCredentialsProvider::new(credentials),
            Message::new("aws-tried-given-key").to_string(),
            Endpoints::everywhere(endpoint)?,
            Patience::for_calls_of(call_timeout),
            ambient,
        )))
    }

    /// Prepares a client with the given access key instead of the credential chain; for labs, where any key will do.
    ///
    /// Neither environment nor configuration files are read (but for proxies).
    ///
    /// # Errors
    ///
    /// [`AwsError::Config`] for an unusable CA file or endpoint.
    pub fn with_access_key(
        access: &AwsAccess,
        call_timeout: Duration,
        key_id: &str,
        secret: &str,
    ) -> Result<Self, AwsError> {
        Self::with_patience(access, Patience::for_calls_of(call_timeout), key_id, secret)
    }

    pub(crate) fn with_patience(
        access: &AwsAccess,
        patience: Patience,
        key_id: &str,
        secret: &str,
    ) -> Result<Self, AwsError> {
        let credentials = Credentials::new(key_id, secret, None, None, "given access key");
        Self::with_credentials(access, patience, credentials)
    }

    pub(crate) fn with_credentials(
        access: &AwsAccess,
        patience: Patience,
        credentials: Credentials,
    ) -> Result<Self, AwsError> {
        let endpoints = match &access.endpoint {
            Some(url) => Endpoints::everywhere(url)?,
            None => Endpoints::default(),
        };
        Ok(Self::assemble(Transport::new(
            http_client(&access.trust, None)?,
            SharedCredentialsProvider::new(credentials),
            Message::new("aws-tried-given-key").to_string(),
            endpoints,
            patience,
            &Ambient::system(),
        )))
    }

    fn assemble(transport: Transport) -> Self {
        Self {
            transport: Arc::new(transport),
        }
    }

    /// Who the credentials belong to, according to the region's STS. Needs no rights.
    ///
    /// # Errors
    ///
    /// Any [`AwsError`].
    pub async fn caller(&self, region: &Region) -> Result<Caller, AwsError> {
        self.query(region, &Query::sts("GetCallerIdentity"), |root| {
            let result = root.child("GetCallerIdentityResult").ok_or_else(|| {
                Malformed::new(
                    root.place("GetCallerIdentityResult"),
                    Message::new("answer-missing"),
                )
            })?;
            Ok(Caller {
                account: AccountId::new(result.required("Account")?),
                arn: result.required("Arn")?.to_owned(),
            })
        })
        .await
    }

    /// The `Date` header of the last answer of a region; `None` before the first.
    pub fn date(&self, region: &Region) -> Option<String> {
        self.transport.date(region)
    }

    /// The address of EC2 in a region.
    pub fn endpoint(&self, region: &Region) -> String {
        let call = self.transport.site(region, Service::Ec2, "DescribeRegions");
        call.endpoint
    }

    /// How many calls EC2 of a region has answered with success so far: one that has answered since a certain time is not silent, whatever became of
    /// another call.
    pub fn answers(&self, region: &Region) -> u64 {
        self.transport.answers(region)
    }

    /// Makes a Query call and reads its answer, whose root must be the action's.
    pub(crate) async fn query<T: Send + 'static>(
        &self,
        region: &Region,
        query: &Query,
        read: impl Fn(Element<'_, '_>) -> Result<T, Malformed> + Send + Sync + 'static,
    ) -> Result<T, AwsError> {
        let action = query.action();
        let read = move |body: &[u8]| read_answer(body, action, &read);
        self.transport.send(region, query.request(), read).await
    }

    /// Makes a JSON call and reads its answer, whose required members are those of `T`.
    pub(crate) async fn json<B, T>(
        &self,
        region: &Region,
        service: Service,
        operation: &'static str,
        body: &B,
    ) -> Result<T, AwsError>
    where
        B: Serialize + Sync,
        T: DeserializeOwned + Send + 'static,
    {
        self.json_taken(region, service, operation, body, |answer, _| Ok(answer))
            .await
    }

    /// The same with `take` to make something of it, as part of each attempt.
    async fn json_taken<B, P, T>(
        &self,
        region: &Region,
        service: Service,
        operation: &'static str,
        body: &B,
        take: impl Fn(P, usize) -> Result<T, Malformed> + Send + Sync + 'static,
    ) -> Result<T, AwsError>
    where
        B: Serialize + Sync,
        P: DeserializeOwned,
        T: Send + 'static,
    {
        let body = serde_json::to_string(body).map_err(|error| {
            AwsError::config(
                Message::new("aws-input-not-serialisable").with("operation", operation),
                Some(Box::new(error)),
            )
        })?;
        let request = Request {
            service,
            operation,
            content_type: service.json_type(),
            target: service
                .target_prefix()
                .map(|prefix| format!("{prefix}.{operation}")),
            body,
            effect: Effect::of(operation),
        };
        let read = move |body: &[u8]| take(read_json(body)?, body.len());
        self.transport.send(region, request, read).await
    }

    /// Makes a paged JSON call and reads every page to the end. `body` makes the input for a token, `split` takes a page
    /// apart into entries and the next token.
    pub(crate) async fn json_list<B, P, T>(
        &self,
        region: &Region,
        service: Service,
        operation: &'static str,
        body: impl Fn(Option<String>) -> B,
        split: fn(P) -> Result<Page<T>, Malformed>,
    ) -> Result<Vec<T>, AwsError>
    where
        B: Serialize + Sync,
        P: DeserializeOwned + 'static,
        T: Send + 'static,
    {
        let mut entries = Vec::new();
        let mut pages = Pages::default();
        let mut token = None;
        loop {
            let input = body(token.take());
            let take = move |page, bytes| Ok((split(page)?, bytes));
            let ((more, next), bytes) = self
                .json_taken(region, service, operation, &input, take)
                .await?;
            entries.extend(more);
            token = pages
                .next(next, bytes)
                .map_err(|problem| self.unexpected(region, service, operation, problem))?;
            if token.is_none() {
                return Ok(entries);
            }
        }
    }

    /// An error about answers each of which was well-formed and that together cannot be.
    pub(crate) fn unexpected(
        &self,
        region: &Region,
        service: Service,
        operation: &'static str,
        problem: Malformed,
    ) -> AwsError {
        AwsError::Parse {
            call: Box::new(self.transport.site(region, service, operation)),
            source: problem,
        }
    }
}

/// Reads a JSON answer. A member that `T` needs and the answer lacks is an error: services send an empty list where there is nothing.
fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Malformed> {
    serde_json::from_slice(body).map_err(|error| {
        let problem = match excerpt(body, 80) {
            Some(begin) => Message::new("answer-no-json")
                .with("why", error)
                .with("begin", begin),
            None => Message::new("answer-empty"),
        };
        Malformed::new(Message::new("answer-place"), problem)
    })
}

#[cfg(test)]
mod tests;
