//! Tables: create, describe, update, delete.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Value as Json;
use serde_json::json;

use super::Index;
use super::Keys;
use super::Table;
use super::table_name;
use super::value::item_size;
use crate::aws::json::Args;
use crate::aws::json::Fault;
use crate::aws::json::structure;
use crate::clock::VTime;
use crate::state::LabState;

/// `CreateTable`.
///
/// # Errors
/// `ResourceInUseException` when the name is taken, `ValidationException` when the schema is wrong.
pub fn create(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let name = table_name(args.need_text("TableName")?).to_owned();
    if !(3..=255).contains(&name.len())
        || !name
            .chars()
            .all(|char| char.is_ascii_alphanumeric() || "_.-".contains(char))
    {
        return Err(Fault::validation(format!(
            "1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        )));
    }
    let mut definitions = BTreeMap::new();
    for definition in args.list("AttributeDefinitions")? {
        let definition = structure(definition, "AttributeDefinitions")?;
        let kind = definition.need_text("AttributeType")?;
        if !["S", "N", "B"].contains(&kind) {
            return Err(Fault::validation(format!(
                "1 validation error detected: Value '{kind}' at 'attributeDefinitions.member.attributeType' failed \
                 to satisfy constraint: Member must satisfy enum value set: [B, N, S]"
            )));
        }
        definitions.insert(
            definition.need_text("AttributeName")?.to_owned(),
            kind.to_owned(),
        );
    }
    let keys = keys(args)?;
    let mut indexes = BTreeMap::new();
    for (member, global) in [
        ("GlobalSecondaryIndexes", true),
        ("LocalSecondaryIndexes", false),
    ] {
        for index in args.list(member)? {
            let index = structure(index, member)?;
            let index_keys = self::keys(index)?;
            if !global && index_keys.hash != keys.hash {
                return Err(Fault::validation(
                    "One or more parameter values were invalid: Index KeySchema does not have the same leading hash \
                     key as table KeySchema",
                ));
            }
            indexes.insert(
                index.need_text("IndexName")?.to_owned(),
                Index {
                    projected: projected(index)?,
                    keys: index_keys,
                    global,
                },
            );
        }
    }
    let used: BTreeSet<&str> = keys
        .names()
        .chain(indexes.values().flat_map(|index| index.keys.names()))
        .collect();
    let defined: BTreeSet<&str> = definitions.keys().map(String::as_str).collect();
    if let Some(missing) = used.difference(&defined).next() {
        return Err(Fault::validation(format!(
            "One or more parameter values were invalid: Some index key attributes are not defined in \
             AttributeDefinitions. Keys: [{missing}], AttributeDefinitions: {defined:?}"
        )));
    }
    if defined.len() > used.len() {
        return Err(Fault::validation(
            "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match \
             number of attributes defined in AttributeDefinitions",
        ));
    }
    let table = Table {
        keys,
        definitions,
        indexes,
        created: lab.now(),
        provisioned: billing(args)?.unwrap_or(Some((0, 0))),
        protected: args.flag("DeletionProtectionEnabled")?,
        tags: tag_list(args)?,
        items: BTreeMap::new(),
    };
    if table.provisioned == Some((0, 0)) {
        return Err(Fault::validation(
            "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be \
             specified when BillingMode is PROVISIONED",
        ));
    }
    let account = lab.aws.account.clone();
    let now = lab.now();
    let place = lab
        .aws
        .regions
        .get_mut(region)
        .ok_or_else(super::no_table)?;
    if place.tables.contains_key(&name) {
        return Err(Fault::new(
            "ResourceInUseException",
            format!("Table already exists: {name}"),
        ));
    }
    let description = description(&account, region, &name, &table, now);
    place.tables.insert(name, table);
    Ok(json!({ "TableDescription": description }))
}

fn keys(args: Args<'_>) -> Result<Keys, Fault> {
    let invalid = |message: &str| {
        Fault::validation(format!(
            "One or more parameter values were invalid: {message}"
        ))
    };
    let schema = args.list("KeySchema")?;
    let mut elements = Vec::new();
    for element in schema {
        let element = structure(element, "KeySchema")?;
        elements.push((
            element.need_text("KeyType")?,
            element.need_text("AttributeName")?.to_owned(),
        ));
    }
    match elements.as_slice() {
        [("HASH", hash)] => Ok(Keys {
            hash: hash.clone(),
            range: None,
        }),
        [("HASH", hash), ("RANGE", range)] if hash != range => Ok(Keys {
            hash: hash.clone(),
            range: Some(range.clone()),
        }),
        [("HASH", _), ("RANGE", _)] => Err(invalid(
            "Both the Hash Key and the Range Key element in the KeySchema have the same name",
        )),
        _ => Err(invalid(
            "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
        )),
    }
}

fn projected(index: Args<'_>) -> Result<Option<BTreeSet<String>>, Fault> {
    let projection = Args(index.need_object("Projection")?);
    match projection.text("ProjectionType")?.unwrap_or("ALL") {
        "ALL" => Ok(None),
        "KEYS_ONLY" => Ok(Some(BTreeSet::new())),
        "INCLUDE" => Ok(Some(
            projection
                .texts("NonKeyAttributes")?
                .into_iter()
                .map(str::to_owned)
                .collect(),
        )),
        other => Err(Fault::validation(format!(
            "One or more parameter values were invalid: Unknown ProjectionType: {other}"
        ))),
    }
}

/// `None`: not specified; `Some(None)`: on demand.
fn billing(args: Args<'_>) -> Result<Option<Option<(i64, i64)>>, Fault> {
    let throughput = args.object("ProvisionedThroughput")?.map(Args);
    match args.text("BillingMode")? {
        Some("PAY_PER_REQUEST") => Ok(Some(None)),
        None | Some("PROVISIONED") => match throughput {
            Some(throughput) => Ok(Some(Some((
                throughput.integer("ReadCapacityUnits")?.unwrap_or_default(),
                throughput
                    .integer("WriteCapacityUnits")?
                    .unwrap_or_default(),
            )))),
            None => Ok(None),
        },
        Some(other) => Err(Fault::validation(format!(
            "1 validation error detected: Value '{other}' at 'billingMode' failed to satisfy constraint: Member \
             must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]"
        ))),
    }
}

fn tag_list(args: Args<'_>) -> Result<BTreeMap<String, String>, Fault> {
    args.list("Tags")?
        .iter()
        .map(|tag| {
            let tag = structure(tag, "Tags")?;
            Ok((
                tag.need_text("Key")?.to_owned(),
                tag.need_text("Value")?.to_owned(),
            ))
        })
        .collect()
}

/// `DescribeTable`.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn describe(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let name = table_name(args.need_text("TableName")?);
    let table = existing(lab, region, name)?;
    Ok(json!({ "Table": description(&lab.aws.account, region, name, table, lab.now()) }))
}

/// `DeleteTable`.
///
/// # Errors
/// `ResourceNotFoundException`; `ValidationException` when the table is protected.
pub fn delete(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let name = table_name(args.need_text("TableName")?);
    let table = existing(lab, region, name)?;
    if table.protected {
        return Err(Fault::validation(format!(
            "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection \
             first. Table: {name}"
        )));
    }
    if !table.active(lab.now()) {
        return Err(Fault::new(
            "ResourceInUseException",
            format!(
                "Attempt to change a resource which is still in use: Table is being created: {name}"
            ),
        ));
    }
    let mut description = description(&lab.aws.account, region, name, table, lab.now());
    description["TableStatus"] = Json::from("DELETING");
    if let Some(region) = lab.aws.regions.get_mut(region) {
        region.tables.remove(name);
    }
    Ok(json!({ "TableDescription": description }))
}

/// `ListTables`.
///
/// # Errors
/// `ValidationException` for a limit out of range.
pub fn list(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let limit = args.integer("Limit")?.unwrap_or(100);
    let limit = usize::try_from(limit)
        .ok()
        .filter(|limit| (1..=100).contains(limit))
        .ok_or_else(|| {
            Fault::validation(format!(
                "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must \
                 have value between 1 and 100"
            ))
        })?;
    let start = args.text("ExclusiveStartTableName")?;
    let mut names: Vec<&String> = lab
        .aws
        .regions
        .get(region)
        .into_iter()
        .flat_map(|region| region.tables.keys())
        .filter(|name| start.is_none_or(|start| name.as_str() > start))
        .take(limit + 1)
        .collect();
    let more = names.len() > limit;
    names.truncate(limit);
    let mut answer = json!({ "TableNames": names });
    if let (true, Some(last)) = (more, names.last()) {
        answer["LastEvaluatedTableName"] = json!(last);
    }
    Ok(answer)
}

/// `UpdateTable`, for billing and deletion protection.
///
/// # Errors
/// `ResourceNotFoundException`; `ValidationException` for any other change.
pub fn update(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let name = table_name(args.need_text("TableName")?);
    existing(lab, region, name)?;
    for member in args.0.keys() {
        if ![
            "TableName",
            "BillingMode",
            "ProvisionedThroughput",
            "DeletionProtectionEnabled",
        ]
        .contains(&member.as_str())
        {
            return Err(Fault::validation(format!(
                "the lab cannot change {member} of a table"
            )));
        }
    }
    let billing = billing(args)?;
    let protected = args
        .get("DeletionProtectionEnabled")
        .map(|_| args.flag("DeletionProtectionEnabled"))
        .transpose()?;
    let table = super::ready(lab, region, name)?;
    if let Some(billing) = billing {
        table.provisioned = billing;
    }
    if let Some(protected) = protected {
        table.protected = protected;
    }
    let table = existing(lab, region, name)?;
    Ok(json!({
        "TableDescription": description(&lab.aws.account, region, name, table, lab.now())
    }))
}

/// `DescribeTimeToLive`: always disabled in the lab.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn time_to_live(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    existing(lab, region, table_name(args.need_text("TableName")?))?;
    Ok(json!({ "TimeToLiveDescription": { "TimeToLiveStatus": "DISABLED" } }))
}

/// `DescribeContinuousBackups`: always disabled in the lab.
///
/// # Errors
/// `TableNotFoundException`.
pub fn backups(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let name = table_name(args.need_text("TableName")?);
    existing(lab, region, name)
        .map_err(|_| Fault::new("TableNotFoundException", format!("Table not found: {name}")))?;
    Ok(json!({ "ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": { "PointInTimeRecoveryStatus": "DISABLED" },
    } }))
}

/// `ListTagsOfResource`.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn tags(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let table = existing(lab, region, table_name(args.need_text("ResourceArn")?))?;
    let tags: Vec<Json> = table
        .tags
        .iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect();
    Ok(json!({ "Tags": tags }))
}

/// `TagResource`.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn tag(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let name = table_name(args.need_text("ResourceArn")?);
    let tags = tag_list(args)?;
    super::ready(lab, region, name)?.tags.extend(tags);
    Ok(json!({}))
}

/// `UntagResource`.
///
/// # Errors
/// `ResourceNotFoundException`.
pub fn untag(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let name = table_name(args.need_text("ResourceArn")?);
    let keys = args.texts("TagKeys")?;
    let table = super::ready(lab, region, name)?;
    table.tags.retain(|key, _| !keys.contains(&key.as_str()));
    Ok(json!({}))
}

fn existing<'a>(lab: &'a LabState, region: &str, name: &str) -> Result<&'a Table, Fault> {
    lab.aws
        .regions
        .get(region)
        .and_then(|region| region.tables.get(name))
        .ok_or_else(|| {
            Fault::new(
                "ResourceNotFoundException",
                format!("Requested resource not found: Table: {name} not found"),
            )
        })
}

fn description(account: &str, region: &str, name: &str, table: &Table, now: VTime) -> Json {
    let arn = format!("arn:aws:dynamodb:{region}:{account}:table/{name}");
    let (read, write) = table.provisioned.unwrap_or_default();
    let status = if table.active(now) {
        "ACTIVE"
    } else {
        "CREATING"
    };
    let throughput = json!({
        "NumberOfDecreasesToday": 0, "ReadCapacityUnits": read, "WriteCapacityUnits": write,
    });
    let mut description = json!({
        "AttributeDefinitions": table.definitions.iter().map(|(name, kind)|
            json!({ "AttributeName": name, "AttributeType": kind })).collect::<Vec<_>>(),
        "TableName": name,
        "KeySchema": table.keys.schema(),
        "TableStatus": status,
        "CreationDateTime": crate::aws::ssm::seconds(table.created),
        "ProvisionedThroughput": throughput,
        "TableSizeBytes": table.items.values().map(item_size).sum::<usize>(),
        "ItemCount": table.items.len(),
        "TableArn": arn,
        "TableId": uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, arn.as_bytes()).to_string(),
        "DeletionProtectionEnabled": table.protected,
    });
    if table.provisioned.is_none() {
        description["BillingModeSummary"] = json!({ "BillingMode": "PAY_PER_REQUEST" });
    }
    for (member, global) in [
        ("GlobalSecondaryIndexes", true),
        ("LocalSecondaryIndexes", false),
    ] {
        let indexes: Vec<Json> = table
            .indexes
            .iter()
            .filter(|(_, index)| index.global == global)
            .map(|(index_name, index)| {
                let projection = match &index.projected {
                    None => json!({ "ProjectionType": "ALL" }),
                    Some(none) if none.is_empty() => json!({ "ProjectionType": "KEYS_ONLY" }),
                    Some(some) => {
                        json!({ "ProjectionType": "INCLUDE", "NonKeyAttributes": some })
                    }
                };
                let mut description = json!({
                    "IndexName": index_name,
                    "KeySchema": index.keys.schema(),
                    "Projection": projection,
                    "IndexArn": format!("{arn}/index/{index_name}"),
                });
                if global {
                    description["IndexStatus"] = json!(status);
                    description["ProvisionedThroughput"] = throughput.clone();
                }
                description
            })
            .collect();
        if !indexes.is_empty() {
            description[member] = Json::from(indexes);
        }
    }
    description
}
