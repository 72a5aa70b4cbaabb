//! The ledger as a whole: its table created, its records checked and copied.

pub mod content;

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;
use stayput_dynamodb::Misfit;
use stayput_dynamodb::check;
use stayput_estate::LedgerConfig;
use stayput_messages::Message;

use crate::cli::Global;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;
use crate::session;

/// How long a new table may take to be active, and the pause between looks.
const ACTIVE_WITHIN: Duration = Duration::from_secs(300);
const LOOK: Duration = Duration::from_secs(2);

/// How DynamoDB refuses to create a table that exists.
const IN_USE: &str = "ResourceInUseException";

/// Creates the table of a shared ledger, if there is none.
pub async fn init(global: &Global) -> Result<Output, CommandError> {
    let estate = session::load_estate(&global.file)?;
    let LedgerConfig::DynamoDb(table) = &estate.ledger else {
        // A file is created when it is first opened.
        session::open_ledger(&estate).await?;
        let text = Message::new("ledger-file-ready");
        return Ok(Output::line(&text, json!({ "ok": true, "created": false })));
    };
    let aws = session::aws(&estate).await?;
    let mut is_created = false;
    match check(&aws, table).await {
        // Another process may be creating it.
        Ok(_) | Err(Misfit::NotActive { .. }) => {}
        Err(Misfit::Missing { .. }) if table.others.is_empty() => {
            let created = aws.create_dynamodb_table(&table.region, &table.name).await;
            match created {
                Ok(()) => is_created = true,
                // Another process was faster.
                Err(error) if error.code() == Some(IN_USE) => {}
                Err(error) => return Err(CommandError::from_error(Kind::Failed, &error)),
            }
        }
        Err(Misfit::Missing { .. }) => {
            let text = Message::new("ledger-init-several").with("table", &table.name);
            return Err(CommandError::new(Kind::Failed, text)
                .hint(Message::new("hint-ledger-init-several")));
        }
        Err(misfit) => return Err(misfit.into()),
    }
    let started = std::time::Instant::now();
    while let Err(misfit) = check(&aws, table).await {
        let is_new = matches!(misfit, Misfit::NotActive { .. } | Misfit::Missing { .. });
        if !is_new || started.elapsed() > ACTIVE_WITHIN {
            return Err(misfit.into());
        }
        tokio::time::sleep(LOOK).await;
    }
    let text = match is_created {
        true => Message::new("ledger-table-created")
            .with("table", &table.name)
            .with("region", &table.region),
        false => Message::new("ledger-table-ready")
            .with("table", &table.name)
            .with("region", &table.region),
    };
    let json = json!({
        "ok": true,
        "created": is_created,
        "table": table.name,
        "region": table.region,
        "other_regions": table.others,
    });
    Ok(Output::line(&text, json))
}

/// Reads every record of the ledger, which checks the checksums.
pub async fn verify(global: &Global) -> Result<Output, CommandError> {
    let estate = session::load_estate(&global.file)?;
    let ledger = session::open_ledger(&estate).await?;
    let facts = ledger.facts().await?;
    let mut records = 0;
    for machine in ledger.machines().await? {
        records += ledger.machine_history(&machine).await?.len();
    }
    let runs = ledger.runs().await?.into_iter();
    let runs: Vec<_> = runs.filter(|run| !stayput_ledger::is_copy(run)).collect();
    let mut attempts = 0;
    for run in &runs {
        attempts += ledger.journal(&run.id).await?.len();
    }
    let mut text = String::new();
    let line = Message::new("ledger-verified")
        .with("machines", facts.machines.len())
        .with("retired", facts.retired.len())
        .with("records", records)
        .with("runs", runs.len())
        .with("attempts", attempts);
    let _ = writeln!(text, "{line}");
    let json = json!({
        "ok": true,
        "machines": facts.machines.len(),
        "retired": facts.retired.len(),
        "records": records,
        "runs": runs.len(),
        "attempts": attempts,
    });
    Ok(Output::new(text, json))
}
