//! The clients of one estate. Creating them sends no request.

use std::collections::BTreeMap;

use stayput_aws::AwsClient;
use stayput_estate::Appliance;
use stayput_estate::EngineConfig;
use stayput_estate::Estate;
use stayput_estate::SiteName;
use stayput_messages::Message;
use stayput_nutanix::Credentials;
use stayput_nutanix::MoveClient;
use stayput_nutanix::PrismClient;

use crate::EngineError;

/// Where the credentials of appliances come from: a function from variable name to value, usually the environment.
pub type CredentialsSource<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// The clients of all systems of an estate.
#[derive(Debug, Clone)]
pub struct Clients {
    /// AWS, all regions.
    pub aws: AwsClient,
    /// Prism Central by site.
    pub prism: BTreeMap<SiteName, PrismClient>,
    /// Move by site.
    pub moves: BTreeMap<SiteName, MoveClient>,
}

impl Clients {
    /// Creates the clients. A site's own variables (`PRISM_CENTRAL_USERNAME_TOKYO`) take precedence over the common ones.
    ///
    /// # Errors
    /// Missing credentials, unreadable CA files, malformed addresses.
    pub async fn connect(
        estate: &Estate,
        credentials: CredentialsSource<'_>,
    ) -> Result<Self, EngineError> {
        let engine = &estate.engine;
        let aws = AwsClient::connect(&estate.aws, engine.call_timeout).await?;
        let mut prism = BTreeMap::new();
        let mut moves = BTreeMap::new();
        for (name, site) in &estate.sites {
            let client = prism_at(name, &site.prism, engine, credentials)?;
            prism.insert(name.clone(), client);
            if let Some(mv) = &site.mv {
                let client = move_at(name, &mv.appliance, engine, credentials)?;
                moves.insert(name.clone(), client);
            }
        }
        Ok(Self { aws, prism, moves })
    }
}

/// The client of one site's Prism Central. Sends no request, and needs no credentials of other systems.
///
/// # Errors
/// Missing credentials, an unreadable CA file, a malformed address.
pub fn prism_at(
    site: &SiteName,
    appliance: &Appliance,
    engine: &EngineConfig,
    credentials: CredentialsSource<'_>,
) -> Result<PrismClient, EngineError> {
    let account = account(credentials, "PRISM_CENTRAL", "Prism Central", site)?;
    Ok(PrismClient::connect(
        site,
        appliance,
        &account,
        engine.call_timeout,
        engine.poll_interval,
    )?)
}

/// The client of one site's Move. Otherwise as [`prism_at`].
///
/// # Errors
/// As [`prism_at`].
pub fn move_at(
    site: &SiteName,
    appliance: &Appliance,
    engine: &EngineConfig,
    credentials: CredentialsSource<'_>,
) -> Result<MoveClient, EngineError> {
    let account = account(credentials, "MOVE", "Move", site)?;
    Ok(MoveClient::connect(
        site,
        appliance,
        &account,
        engine.call_timeout,
        engine.poll_interval,
    )?)
}

/// The user name that a site's appliance gets: the site's own variable, or the common one. `prefix` is `PRISM_CENTRAL` or `MOVE`.
pub fn username(
    credentials: CredentialsSource<'_>,
    prefix: &str,
    site: &SiteName,
) -> Option<String> {
    value(credentials, prefix, "USERNAME", site)
}

fn value(
    credentials: CredentialsSource<'_>,
    prefix: &str,
    name: &str,
    site: &SiteName,
) -> Option<String> {
    let suffix = suffix(site);
    credentials(&format!("{prefix}_{name}_{suffix}"))
        .or_else(|| credentials(&format!("{prefix}_{name}")))
}

/// How a site is named in variables.
fn suffix(site: &SiteName) -> String {
    site.as_str().to_uppercase().replace('-', "_")
}

fn account(
    credentials: CredentialsSource<'_>,
    prefix: &str,
    what: &str,
    site: &SiteName,
) -> Result<Credentials, EngineError> {
    let value = |name: &str| value(credentials, prefix, name, site);
    match (value("USERNAME"), value("PASSWORD")) {
        (Some(username), Some(password)) => Ok(Credentials::new(username, password)),
        _ => Err(EngineError::NoCredentials {
            what: Message::new("credentials-of")
                .with("what", what)
                .with("site", site)
                .into(),
            variables: Message::new("credentials-variables")
                .with("prefix", prefix)
                .with("suffix", suffix(site))
                .into(),
        }),
    }
}
