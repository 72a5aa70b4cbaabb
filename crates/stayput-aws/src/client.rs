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
use serde::Serialize;
use serde::de::DeserializeOwned;
use stayput_estate::AccountId;
use stayput_estate::AwsAccess;
use stayput_estate::Region;

use crate::endpoint::Endpoints;
use crate::endpoint::Service;
use crate::error::AwsError;
use crate::http::http_client;
use crate::query::Query;
use crate::transport::Answer;
use crate::transport::Patience;
use crate::transport::Repeat;
use crate::transport::Request;
use crate::transport::Transport;
use crate::xml::Element;
use crate::xml::Malformed;
use crate::xml::read_document;

/// Pages of one list after which we believe the service is going in circles: a million entries.
const MAX_PAGES: usize = 1000;

/// AWS, all regions of one account.
///
/// Cheap to clone; clones share credentials, connections and retry quotas.
#[derive(Debug, Clone)]
pub struct AwsClient {
    transport: Arc<Transport>,
}

/// Whom the credentials belong to.
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
        let tried = match &access.profile {
            Some(profile) => format!("profile `{profile}`"),
            None => "the environment, profiles or instance metadata".to_owned(),
        };
        let credentials = config.credentials_provider().ok_or_else(|| {
            AwsError::config("the AWS configuration switches credentials off", None)
        })?;
        // Asked once now, so that missing credentials are one clear error instead of one from every call.
        credentials
            .provide_credentials()
            .await
            .map_err(|error| AwsError::Credentials {
                tried: tried.clone(),
                source: Box::new(error),
            })?;
        Ok(Self::assemble(Transport::new(
            http,
            credentials,
            tried,
            endpoints,
            Patience::for_calls_of(call_timeout),
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
        let endpoints = match &access.endpoint {
            Some(url) => Endpoints::everywhere(url)?,
            None => Endpoints::default(),
        };
        let credentials = Credentials::new(key_id, secret, None, None, "given access key");
        Ok(Self::assemble(Transport::new(
            http_client(&access.trust, None)?,
            SharedCredentialsProvider::new(credentials),
            "the given access key".to_owned(),
            endpoints,
            patience,
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
            let result = root
                .child("GetCallerIdentityResult")
                .ok_or_else(|| Malformed::new(root.place("GetCallerIdentityResult"), "missing"))?;
            Ok(Caller {
                account: AccountId::new(result.required("Account")?),
                arn: result.required("Arn")?.to_owned(),
            })
        })
        .await
    }

    /// Makes a Query call and reads its answer.
    pub(crate) async fn query<T>(
        &self,
        region: &Region,
        query: &Query,
        read: impl FnOnce(Element<'_, '_>) -> Result<T, Malformed>,
    ) -> Result<T, AwsError> {
        let answer = self.transport.send(region, query.request()).await?;
        read_document(&answer.body, read).map_err(|error| answer.malformed(error))
    }

    /// Makes a paged EC2 call and reads every page to the end.
    ///
    /// `list` names the list element, `read` reads one entry; `None` leaves the entry out.
    pub(crate) async fn list<T>(
        &self,
        region: &Region,
        query: Query,
        list: &'static str,
        read: fn(Element<'_, '_>) -> Result<Option<T>, Malformed>,
    ) -> Result<Vec<T>, AwsError> {
        let mut entries = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let page = query.clone().with_optional("NextToken", token.take());
            let answer = self.transport.send(region, page.request()).await?;
            let read_page = |root: Element<'_, '_>| {
                for item in root.items(list) {
                    entries.extend(read(item)?);
                }
                Ok(root.text("nextToken").map(str::to_owned))
            };
            match read_document(&answer.body, read_page) {
                Ok(None) => return Ok(entries),
                Ok(next) => token = next,
                Err(error) => return Err(answer.malformed(error)),
            }
        }
        Err(self.endless(region, Service::Ec2, query.action()))
    }

    /// Makes a JSON 1.1 call.
    pub(crate) async fn json<B, T>(
        &self,
        region: &Region,
        service: Service,
        operation: &'static str,
        body: &B,
        repeat: Repeat,
    ) -> Result<T, AwsError>
    where
        B: Serialize + Sync,
        T: DeserializeOwned,
    {
        let body = serde_json::to_string(body).map_err(|error| {
            AwsError::config(
                format!("{operation}: input not serialisable"),
                Some(Box::new(error)),
            )
        })?;
        let request = Request {
            service,
            operation,
            content_type: "application/x-amz-json-1.1",
            target: service
                .target_prefix()
                .map(|prefix| format!("{prefix}.{operation}")),
            body,
            repeat,
        };
        let answer: Answer = self.transport.send(region, request).await?;
        match serde_json::from_slice(&answer.body) {
            Ok(value) => Ok(value),
            Err(error) => Err(answer.malformed(Malformed::new("answer", error))),
        }
    }

    /// Makes a paged JSON 1.1 call and reads every page to the end. `body` makes the input for a token, `split` takes a page
    /// apart into entries and the next token.
    pub(crate) async fn json_list<B, P, T>(
        &self,
        region: &Region,
        service: Service,
        operation: &'static str,
        body: impl Fn(Option<String>) -> B,
        split: fn(P) -> (Vec<T>, Option<String>),
    ) -> Result<Vec<T>, AwsError>
    where
        B: Serialize + Sync,
        P: DeserializeOwned,
    {
        let mut entries = Vec::new();
        let mut token = None;
        for _ in 0..MAX_PAGES {
            let input = body(token.take());
            let page: P = self
                .json(region, service, operation, &input, Repeat::Always)
                .await?;
            let (more, next) = split(page);
            entries.extend(more);
            match next.filter(|next| !next.is_empty()) {
                Some(next) => token = Some(next),
                None => return Ok(entries),
            }
        }
        Err(self.endless(region, service, operation))
    }

    /// The error of a list that does not end.
    pub(crate) fn endless(
        &self,
        region: &Region,
        service: Service,
        operation: &'static str,
    ) -> AwsError {
        AwsError::Parse {
            call: Box::new(self.transport.site(region, service, operation)),
            source: Malformed::new("NextToken", "the list does not end"),
        }
    }

    /// An error about an answer that was well-formed but cannot be.
    pub(crate) fn unexpected(
        &self,
        region: &Region,
        service: Service,
        operation: &'static str,
        place: &str,
        problem: &str,
    ) -> AwsError {
        AwsError::Parse {
            call: Box::new(self.transport.site(region, service, operation)),
            source: Malformed::new(place, problem),
        }
    }
}

#[cfg(test)]
mod tests;
