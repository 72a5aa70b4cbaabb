//! The ledger as a whole: its table created, its records checked.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;
use stayput_aws::AwsError;
use stayput_dynamodb::Misfit;
use stayput_messages::Message;

use crate::cli::Global;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;
use crate::session;

/// How long a new table may take to be active, and the pause between looks.
const ACTIVE_WITHIN: Duration = Duration::from_secs(300);
const LOOK: Duration = Duration::from_secs(2);

/// Creates the table of a shared ledger, if there is none.
pub async fn init(global: &Global) -> Result<Output, CommandError> {
    let estate = session::load_estate(&global.file)?;
    let Some(place) = session::table(&estate) else {
        // A file is created when it is first opened.
        session::open_ledger(&estate).await?;
        let text = Message::new("ledger-file-ready");
        return Ok(Output::line(&text, json!({ "ok": true, "created": false })));
    };
    let aws = session::aws(&estate).await?;
    let failed = |error: &AwsError| CommandError::from_error(Kind::Failed, error);
    let is_missing = match place.check(&aws).await {
        Ok(()) => false,
        Err(Misfit::Missing { .. }) => true,
        // Another process is creating it.
        Err(Misfit::NotActive { .. }) => false,
        Err(misfit) => return Err(CommandError::from_error(Kind::Failed, &misfit)),
    };
    let mut is_created = is_missing;
    if is_missing {
        if !place.others.is_empty() {
            let text = Message::new("ledger-init-several").with("table", &place.table);
            return Err(CommandError::new(Kind::Failed, text)
                .hint(Message::new("hint-ledger-init-several")));
        }
        let created = aws.create_dynamodb_table(&place.region, &place.table).await;
        match created {
            Ok(()) => {}
            // Another process was faster.
            Err(error) if error.code() == Some("ResourceInUseException") => is_created = false,
            Err(error) => return Err(failed(&error)),
        }
    }
    let started = std::time::Instant::now();
    while let Err(misfit) = place.check(&aws).await {
        let is_new = matches!(misfit, Misfit::NotActive { .. } | Misfit::Missing { .. });
        if !is_new || started.elapsed() > ACTIVE_WITHIN {
            return Err(CommandError::from_error(Kind::Failed, &misfit));
        }
        tokio::time::sleep(LOOK).await;
    }
    let text = match is_created {
        true => Message::new("ledger-table-created")
            .with("table", &place.table)
            .with("region", &place.region),
        false => Message::new("ledger-table-ready")
            .with("table", &place.table)
            .with("region", &place.region),
    };
    let json = json!({
        "ok": true,
        "created": is_created,
        "table": place.table,
        "region": place.region,
        "other_regions": place.others,
    });
    Ok(Output::line(&text, json))
}

/// Reads every record of the ledger, which checks the checksums.
pub async fn verify(global: &Global) -> Result<Output, CommandError> {
    let estate = session::load_estate(&global.file)?;
    let ledger = session::open_ledger(&estate).await?;
    let facts = ledger.facts().await?;
    let mut records = 0;
    let machines = facts.machines.keys().chain(&facts.retired);
    for machine in machines {
        records += ledger.machine_history(machine).await?.len();
    }
    let runs = ledger.runs().await?;
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
