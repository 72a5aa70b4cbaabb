//! Whether a table can hold a ledger.

use stayput_aws::AwsClient;
use stayput_aws::AwsError;
use stayput_aws::PARTITION;
use stayput_aws::SORT;
use stayput_aws::Table;
use stayput_estate::LedgerTable;
use stayput_estate::Region;
use stayput_messages::Message;
use stayput_messages::list::commas;

/// Why a table cannot hold a ledger.
#[derive(Debug, thiserror::Error)]
pub enum Misfit {
    /// There is no such table.
    #[error("{}", Message::new("table-missing").with("table", .table).with("region", .region))]
    Missing {
        /// Its name.
        table: String,
        /// Where it was looked for.
        region: Region,
    },
    /// It is not ready.
    #[error("{}", Message::new("table-not-active").with("table", .table).with("status", .status))]
    NotActive {
        /// Its name.
        table: String,
        /// Its status, as DynamoDB reports it.
        status: String,
    },
    /// Its keys are not those of a ledger.
    #[error("{}", Message::new("table-keys").with("table", .table).with("keys", .keys))]
    Keys {
        /// Its name.
        table: String,
        /// The keys that it has.
        keys: String,
    },
    /// Regions are configured in which it has no replica.
    #[error("{}", Message::new("table-no-replica").with("table", .table).with("regions", .regions))]
    NoReplica {
        /// Its name.
        table: String,
        /// Those regions.
        regions: String,
    },
    /// Its replicas are not strongly consistent: two of them could give the same lease away.
    #[error(
        "{}",
        Message::new("table-not-strong").with("table", .table).with("consistency", .consistency)
    )]
    NotStrong {
        /// Its name.
        table: String,
        /// The consistency, as DynamoDB reports it.
        consistency: String,
    },
    /// It could not be asked.
    #[error(transparent)]
    Aws(#[from] AwsError),
}

/// Checks that a table is there and can hold a ledger. Of several regions the first that answers is asked; gives its place among them.
///
/// # Errors
/// What is in the way.
pub async fn check(aws: &AwsClient, table: &LedgerTable) -> Result<usize, Misfit> {
    let mut at = 0;
    let mut region = &table.region;
    let mut found = aws.dynamodb_table(region, &table.name).await;
    for other in &table.others {
        if !found.as_ref().is_err_and(AwsError::is_unreachable) {
            break;
        }
        at += 1;
        region = other;
        found = aws.dynamodb_table(other, &table.name).await;
    }
    let found = found?.ok_or_else(|| Misfit::Missing {
        table: table.name.clone(),
        region: region.clone(),
    })?;
    fits(table, region, &found)?;
    Ok(at)
}

fn fits(ledger: &LedgerTable, asked: &Region, found: &Table) -> Result<(), Misfit> {
    let table = ledger.name.clone();
    // `UPDATING` is a change of its settings; it can be read and written meanwhile.
    if !matches!(found.status.as_str(), "ACTIVE" | "UPDATING") {
        let status = found.status.clone();
        return Err(Misfit::NotActive { table, status });
    }
    let is = |at: usize, name: &str, of: &str| {
        found
            .keys
            .get(at)
            .is_some_and(|key| key.0 == name && key.1 == of)
    };
    if !is(0, PARTITION, "S") || !is(1, SORT, "N") || found.keys.len() != 2 {
        let keys = found.keys.iter().map(|(name, of)| format!("{name} ({of})"));
        let keys = commas(keys);
        return Err(Misfit::Keys { table, keys });
    }
    if ledger.others.is_empty() && found.replicas.is_empty() {
        return Ok(());
    }
    let has_none = |region: &&Region| *region != asked && !found.replicas.contains(*region);
    let missing: Vec<_> = ledger.regions().filter(has_none).collect();
    if !missing.is_empty() {
        let regions = commas(missing);
        return Err(Misfit::NoReplica { table, regions });
    }
    match found.consistency.as_deref() {
        Some("STRONG") => Ok(()),
        other => Err(Misfit::NotStrong {
            table,
            consistency: other.unwrap_or("EVENTUAL").to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(others: &[&str]) -> LedgerTable {
        LedgerTable {
            name: "stayput".to_owned(),
            region: "ap-northeast-1".into(),
            others: others.iter().map(|region| Region::from(*region)).collect(),
        }
    }

    fn table(replicas: &[&str], consistency: Option<&str>) -> Table {
        let key = |name: &str, of: &str| (name.to_owned(), of.to_owned());
        Table {
            status: "ACTIVE".to_owned(),
            keys: vec![key("pk", "S"), key("sk", "N")],
            replicas: replicas
                .iter()
                .map(|region| Region::from(*region))
                .collect(),
            consistency: consistency.map(str::to_owned),
            witnesses: ["ap-northeast-2".into()].into(),
        }
    }

    fn fits(place: &LedgerTable, table: &Table) -> Result<(), Misfit> {
        super::fits(place, &place.region, table)
    }

    #[test]
    fn a_table_with_replicas_is_used_only_if_it_is_strongly_consistent() {
        let both = place(&["ap-northeast-3"]);
        let strong = table(&["ap-northeast-3"], Some("STRONG"));
        fits(&both, &strong).unwrap();
        let eventual = table(&["ap-northeast-3"], Some("EVENTUAL"));
        assert!(matches!(
            fits(&both, &eventual),
            Err(Misfit::NotStrong { .. })
        ));
        let unsaid = table(&["ap-northeast-3"], None);
        assert!(matches!(
            fits(&both, &unsaid),
            Err(Misfit::NotStrong { .. })
        ));
        // Nor in one: another host may be configured for the other region.
        assert!(matches!(
            fits(&place(&[]), &eventual),
            Err(Misfit::NotStrong { .. })
        ));
        fits(&place(&[]), &strong).unwrap();
        fits(&place(&[]), &table(&[], None)).unwrap();
        let elsewhere = table(&["us-east-1"], Some("STRONG"));
        assert!(matches!(
            fits(&both, &elsewhere),
            Err(Misfit::NoReplica { .. })
        ));
    }

    #[test]
    fn a_table_of_another_shape_is_refused() {
        let mut other = table(&[], None);
        other.keys = vec![("InstanceId".to_owned(), "S".to_owned())];
        let error = fits(&place(&[]), &other).unwrap_err();
        assert!(error.to_string().contains("InstanceId (S)"), "{error}");
        let mut deleting = table(&[], None);
        deleting.status = "DELETING".to_owned();
        assert!(matches!(
            fits(&place(&[]), &deleting),
            Err(Misfit::NotActive { .. })
        ));
    }
}
