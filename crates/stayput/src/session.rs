//! The environment of a command: the estate file, the ledger, the clients, the user.

use std::path::Path;
use std::sync::Arc;

use stayput_ambient::Ambient;
use stayput_aws::AwsClient;
use stayput_dynamodb::TableLog;
use stayput_engine::Clients;
use stayput_engine::Engine;
use stayput_engine::Events;
use stayput_estate::Estate;
use stayput_estate::LedgerConfig;
use stayput_estate::LedgerTable;
use stayput_estate::NetworkName;
use stayput_estate::Trust;
use stayput_estate::VmExtId;
use stayput_ledger::LeaseTimes;
use stayput_ledger::Ledger;
use stayput_ledger::LogLedger;
use stayput_ledger::SqliteLedger;
use stayput_messages::Message;

use crate::error::CommandError;
use crate::error::Kind;
use crate::saved;
use crate::ui;

/// The largest estate file; a thousand networks are some hundred KiB.
const ESTATE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The text of a file, which may be a pipe and must end.
fn read_text(file: &Path) -> std::io::Result<String> {
    let bytes = saved::read_at_most(file, ESTATE_BYTES_MAX)?;
    String::from_utf8(bytes).map_err(std::io::Error::other)
}

/// Checks that the certificate files that the estate names are there. Contacts no system.
///
/// # Errors
/// One is not a file.
pub fn ca_files_exist(estate: &Estate) -> Result<(), CommandError> {
    let sites = estate.sites.values();
    let appliances = sites.flat_map(|site| {
        let mv = site.mv.as_ref().map(|mv| &mv.appliance);
        [Some(&site.prism), mv].into_iter().flatten()
    });
    let of_appliances = appliances.map(|appliance| &appliance.trust);
    for trust in of_appliances.chain([&estate.aws.trust]) {
        let Trust::CaFile(path) = trust else {
            continue;
        };
        let problem = match std::fs::metadata(path) {
            Ok(found) if found.is_file() => continue,
            Ok(_) => Message::new("file-not-regular").into(),
            Err(error) => error.to_string(),
        };
        let what = Message::new("ca-file-unreadable")
            .with("file", path.display())
            .with("problem", problem);
        return Err(CommandError::new(Kind::Usage, what).hint(Message::new("hint-right-ca-file")));
    }
    Ok(())
}

/// Reads and checks the estate file. Contacts no system.
pub fn load_estate(file: &Path) -> Result<Arc<Estate>, CommandError> {
    let text = read_text(file).map_err(|error| {
        CommandError::new(
            Kind::Usage,
            Message::new("file-unreadable")
                .with("file", file.display())
                .with("error", error),
        )
        .hint(Message::new("hint-name-estate-file"))
    })?;
    let base = file
        .parent()
        .filter(|dir| !dir.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    Ok(Arc::new(stayput_estate::parse(
        &file.display().to_string(),
        &text,
        base,
    )?))
}

/// Opens the ledger of an estate.
pub async fn open_ledger(estate: &Estate) -> Result<Arc<dyn Ledger>, CommandError> {
    match &estate.ledger {
        LedgerConfig::Sqlite { path } => whole(Arc::new(SqliteLedger::open(path)?)).await,
        LedgerConfig::DynamoDb(table) => {
            whole(shared_ledger(estate, table, aws(estate).await?).await?).await
        }
    }
}

/// Opens the ledger of an estate with clients that there are.
pub async fn ledger_with(
    estate: &Estate,
    clients: &Clients,
) -> Result<Arc<dyn Ledger>, CommandError> {
    match &estate.ledger {
        LedgerConfig::Sqlite { path } => whole(Arc::new(SqliteLedger::open(path)?)).await,
        LedgerConfig::DynamoDb(table) => {
            whole(shared_ledger(estate, table, clients.aws.clone()).await?).await
        }
    }
}

/// A ledger into which another one was copied only in part is not used: it would show a past of the machines.
async fn whole(ledger: Arc<dyn Ledger>) -> Result<Arc<dyn Ledger>, CommandError> {
    let runs = ledger.runs().await?;
    match runs
        .iter()
        .any(|run| run.is_open() && stayput_ledger::is_copy(run))
    {
        false => Ok(ledger),
        true => Err(
            CommandError::new(Kind::Failed, Message::new("ledger-half-copied"))
                .hint(Message::new("hint-ledger-half-copied")),
        ),
    }
}

/// The client of AWS. Sends no request to a service that it is for.
pub async fn aws(estate: &Estate) -> Result<AwsClient, CommandError> {
    let aws = AwsClient::connect(&estate.aws, estate.engine.call_timeout).await;
    aws.map_err(|error| CommandError::from_error(Kind::Usage, &error))
}

/// Opens the ledger in the table of the estate, after a look at the table.
async fn shared_ledger(
    estate: &Estate,
    table: &LedgerTable,
    aws: AwsClient,
) -> Result<Arc<dyn Ledger>, CommandError> {
    let log = TableLog::open(aws, table.clone(), &estate.name, Ambient::system()).await?;
    let ledger = LogLedger::new(Arc::new(log), LeaseTimes::default());
    Ok(Arc::new(ledger))
}

/// The engine for an estate. Contacts no system but that of a shared ledger.
pub async fn engine(estate: Arc<Estate>, events: Events) -> Result<Engine, CommandError> {
    ca_files_exist(&estate)?;
    let clients = Clients::connect(&estate, &|name| std::env::var(name).ok()).await?;
    let ledger = ledger_with(&estate, &clients).await?;
    Ok(Engine {
        estate,
        clients,
        ledger,
        events,
        ambient: Ambient::system(),
    })
}

/// The user, for records.
pub fn who() -> String {
    let user = whoami::username().unwrap_or_else(|_| "unknown".to_owned());
    let host = whoami::hostname().unwrap_or_else(|_| "unknown".to_owned());
    format!("{user}@{host}")
}

/// Network names as typed; all of the estate's if none was.
pub fn networks(
    estate: &Estate,
    names: &[String],
) -> Result<std::collections::BTreeSet<NetworkName>, CommandError> {
    if names.is_empty() {
        return Ok(estate.networks.keys().cloned().collect());
    }
    names
        .iter()
        .map(|name| {
            let name = NetworkName::new(name.as_str());
            if estate.networks.contains_key(&name) {
                Ok(name)
            } else {
                let known: Vec<_> = estate.networks.keys().map(NetworkName::as_str).collect();
                Err(CommandError::new(
                    Kind::Usage,
                    Message::new("no-such-network").with("name", name),
                )
                .hint(Message::new("hint-networks").with("networks", known.join(", "))))
            }
        })
        .collect()
}

/// A site's name as typed.
pub fn site(estate: &Estate, name: &str) -> Result<stayput_estate::SiteName, CommandError> {
    let site = stayput_estate::SiteName::new(name);
    if estate.sites.contains_key(&site) {
        Ok(site)
    } else {
        let known: Vec<_> = estate
            .sites
            .keys()
            .map(stayput_estate::SiteName::as_str)
            .collect();
        Err(
            CommandError::new(Kind::Usage, Message::new("no-such-site").with("name", name))
                .hint(Message::new("hint-sites").with("sites", known.join(", "))),
        )
    }
}

/// The id of a VM as typed: a UUID, whose case does not matter.
///
/// # Errors
/// It is not a UUID.
pub fn vm(text: &str) -> Result<VmExtId, CommandError> {
    let is_uuid = text.bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    });
    if is_uuid && text.len() == 36 {
        return Ok(VmExtId::new(text.to_ascii_lowercase()));
    }
    let what = Message::new("not-the-uuid-of-a-vm").with("text", ui::clean(text));
    Err(CommandError::new(Kind::Usage, what).hint(Message::new("hint-copy-the-uuid")))
}

/// A machine of the ledger as typed: by instance id, or by a `Name` tag that only one has.
pub fn machine(
    facts: &stayput_world::Facts,
    name: &str,
) -> Result<stayput_estate::InstanceId, CommandError> {
    let by_id = facts.machines.keys().find(|id| id.as_str() == name);
    if let Some(id) = by_id {
        return Ok(id.clone());
    }
    let mut named = facts
        .machines
        .iter()
        .filter(|(_, machine)| machine.name.as_deref() == Some(name));
    match (named.next(), named.count()) {
        (Some((id, _)), 0) => Ok(id.clone()),
        (Some(_), more) => Err(CommandError::new(
            Kind::Usage,
            Message::new("several-machines-in-ledger")
                .count("machines", more + 1)
                .with("name", name),
        )
        .hint(Message::new("hint-by-instance-id"))),
        (None, _) => Err(CommandError::new(
            Kind::Usage,
            Message::new("no-machine-in-ledger").with("name", name),
        )
        .hint(Message::new("hint-list-machines"))),
    }
}
