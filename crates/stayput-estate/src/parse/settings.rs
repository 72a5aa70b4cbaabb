//! The tables without names: `[estate]`, `[protection]`, `[ledger]`, `[aws]`, `[engine]`.

use stayput_messages::Message;

use crate::AwsAccess;
use crate::EngineConfig;
use crate::LedgerConfig;
use crate::LedgerTable;
use crate::Protection;
use crate::config::At;
use crate::config::DEFAULT_CATEGORY;
use crate::config::DEFAULT_LEDGER_PATH;
use crate::config::RawAws;
use crate::config::RawEngine;
use crate::config::RawLedger;
use crate::config::RawLedgerKind;
use crate::config::RawName;
use crate::config::RawProtection;
use crate::error::ConfigError;
use crate::error::RelationFault;

use super::duration;
use super::reader::Reader;
use super::text;

pub(super) fn name(reader: &mut Reader<'_>, raw: Option<&RawName>) -> Option<String> {
    let name = reader.required(&raw?.name, text::name)?;
    Some(name.into_value())
}

pub(super) fn protection(
    reader: &mut Reader<'_>,
    raw: Option<&RawProtection>,
) -> Option<Protection> {
    let raw = raw?;
    let rpo = reader.required(&raw.rpo, duration::rpo);
    let category = reader.optional(&raw.category, text::category);
    Some(Protection {
        rpo: rpo?.into_value(),
        retention: *raw.retention.value()?,
        category: category?.map_or_else(|| DEFAULT_CATEGORY.to_owned(), At::into_value),
    })
}

pub(super) fn ledger(reader: &mut Reader<'_>, raw: Option<&RawLedger>) -> Option<LedgerConfig> {
    let Some(raw) = raw else {
        return Some(LedgerConfig::Sqlite {
            path: reader.path(DEFAULT_LEDGER_PATH),
        });
    };
    let path = reader.text_or(&raw.path, DEFAULT_LEDGER_PATH);
    let table = reader.optional(&raw.table, text::filled);
    let region = reader.optional(&raw.region, text::region);
    let others = reader.list(&raw.other_regions, text::region);
    let kind = raw.kind.as_ref()?;
    let spans = [
        (
            "path",
            RawLedgerKind::Sqlite,
            raw.path.as_ref().map(At::span),
        ),
        (
            "table",
            RawLedgerKind::Dynamodb,
            raw.table.as_ref().map(At::span),
        ),
        (
            "region",
            RawLedgerKind::Dynamodb,
            raw.region.as_ref().map(At::span),
        ),
        (
            "other-regions",
            RawLedgerKind::Dynamodb,
            raw.other_regions.as_ref().map(At::span),
        ),
    ];
    for (key, owner, span) in spans {
        if let Some(span) = span
            && owner != *kind.value()
        {
            let owner = owner.as_str();
            let fault = RelationFault::LedgerKeyOfOtherKind { key, owner };
            let label = Message::new("estate-label-ledger-key-of-other-kind").with("owner", owner);
            reader.report(ConfigError::new(span, label, fault));
        }
    }
    match kind.value() {
        RawLedgerKind::Sqlite => Some(LedgerConfig::Sqlite {
            path: reader.path(path?.value()),
        }),
        RawLedgerKind::Dynamodb => {
            for (key, example, is_absent) in [
                ("table", "table = \"stayput\"", raw.table.as_ref().is_none()),
                (
                    "region",
                    "region = \"ap-northeast-1\"",
                    raw.region.as_ref().is_none(),
                ),
            ] {
                if is_absent && reader.is_whole("ledger") {
                    let fault = RelationFault::MissingLedgerKey { key, example };
                    let label = Message::new("estate-label-needs-key").with("key", key);
                    reader.report(ConfigError::new(kind.span(), label, fault));
                }
            }
            Some(LedgerConfig::DynamoDb(LedgerTable {
                name: table??.into_value(),
                region: region??.into_value(),
                others: others?.into_iter().map(At::into_value).collect(),
            }))
        }
    }
}

pub(super) fn aws(reader: &mut Reader<'_>, raw: Option<&RawAws>) -> Option<AwsAccess> {
    let Some(raw) = raw else {
        return Some(AwsAccess::default());
    };
    let endpoint = reader.optional(&raw.endpoint, text::url);
    let trust = reader.trust(&raw.ca_file);
    let profile = reader.optional(&raw.profile, text::filled);
    Some(AwsAccess {
        endpoint: endpoint?.map(At::into_value),
        trust: trust?,
        profile: profile?.map(At::into_value),
    })
}

pub(super) fn engine(reader: &mut Reader<'_>, raw: Option<&RawEngine>) -> Option<EngineConfig> {
    let default = EngineConfig::default();
    let Some(raw) = raw else {
        return Some(default);
    };
    let poll_interval = reader.optional(&raw.poll_interval, duration::pause);
    let call_timeout = reader.optional(&raw.call_timeout, duration::pause);
    let concurrency = match raw.concurrency.value() {
        Some(number) => usize::try_from(*number).ok(),
        None => Some(default.concurrency),
    };
    Some(EngineConfig {
        concurrency: concurrency?,
        poll_interval: poll_interval?.map_or(default.poll_interval, At::into_value),
        call_timeout: call_timeout?.map_or(default.call_timeout, At::into_value),
    })
}
