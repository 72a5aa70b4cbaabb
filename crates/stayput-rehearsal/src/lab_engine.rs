//! The engine against a lab, from this process: with the lab's own credentials, since this process is not in the lab's environment.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stayput_ambient::Ambient;
use stayput_aws::AwsClient;
use stayput_engine::Clients;
use stayput_engine::Engine;
use stayput_engine::EngineError;
use stayput_engine::Events;
use stayput_estate::Estate;
use stayput_estate::LedgerConfig;
use stayput_lab::Endpoints;
use stayput_ledger::SqliteLedger;
use stayput_nutanix::Credentials;
use stayput_nutanix::MoveClient;
use stayput_nutanix::PrismClient;

use crate::error::RehearsalError;

/// Reads the estate file that a lab wrote.
///
/// # Errors
/// It cannot be read, or is not an estate file.
pub(crate) fn load_estate(endpoints: &Endpoints) -> Result<Arc<Estate>, RehearsalError> {
    let path = &endpoints.estate_file;
    let text = std::fs::read_to_string(path).map_err(|source| RehearsalError::Read {
        path: path.clone(),
        source,
    })?;
    let base = path.parent().unwrap_or(Path::new("."));
    let parsed = stayput_estate::parse(&path.display().to_string(), &text, base);
    parsed
        .map(Arc::new)
        .map_err(|source| RehearsalError::Estate {
            path: path.clone(),
            source: Box::new(source),
        })
}

/// Opens the ledger of a lab's estate.
///
/// # Errors
/// It cannot be opened.
pub(crate) fn open_ledger(estate: &Estate) -> Result<SqliteLedger, RehearsalError> {
    match &estate.ledger {
        LedgerConfig::Sqlite { path } => Ok(SqliteLedger::open(path)?),
        LedgerConfig::DynamoDb(_) => Err(RehearsalError::SharedLedger),
    }
}

/// The engine of a lab's estate; its events go nowhere. Contacts nothing.
///
/// # Errors
/// A client cannot be made, or the ledger cannot be opened.
pub(crate) fn engine(endpoints: &Endpoints, estate: Arc<Estate>) -> Result<Engine, RehearsalError> {
    Ok(Engine {
        clients: clients(&estate, endpoints)?,
        ledger: Arc::new(open_ledger(&estate)?),
        estate,
        events: Events::none(),
        ambient: Ambient::system(),
    })
}

fn clients(estate: &Estate, endpoints: &Endpoints) -> Result<Clients, RehearsalError> {
    let limit = estate.engine.call_timeout;
    let interval: Duration = estate.engine.poll_interval;
    let known = &endpoints.credentials;
    let account = |account: &Option<(String, String)>| {
        account
            .clone()
            .map(|(user, password)| Credentials::new(user, password))
            .ok_or(RehearsalError::NoAppliance)
    };
    let aws = AwsClient::with_access_key(&estate.aws, limit, &known.access_key, &known.secret_key)
        .map_err(EngineError::from)?;
    let mut clients = Clients {
        aws,
        prism: BTreeMap::new(),
        moves: BTreeMap::new(),
    };
    for (name, site) in &estate.sites {
        let prism = account(&known.prism)?;
        let prism = PrismClient::connect(name, &site.prism, &prism, limit, interval)
            .map_err(EngineError::from)?;
        clients.prism.insert(name.clone(), prism);
        if let Some(mv) = &site.mv {
            let client = account(&known.mv)?;
            let client = MoveClient::connect(name, &mv.appliance, &client, limit, interval)
                .map_err(EngineError::from)?;
            clients.moves.insert(name.clone(), client);
        }
    }
    Ok(clients)
}
