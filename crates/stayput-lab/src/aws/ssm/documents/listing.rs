//! `ListDocuments` and `ListDocumentVersions`.

use serde_json::Value as Json;
use serde_json::json;

use super::Content;
use super::Document;
use super::Owner;
use super::amazon;
use super::find;
use super::tags;
use crate::aws::json::Args;
use crate::aws::json::Fault;
use crate::aws::json::structure;
use crate::aws::ssm::page;
use crate::aws::ssm::seconds;
use crate::state::LabState;

/// A condition of a list: key, and values of which one must match.
struct Filter<'a>(&'a str, Vec<&'a str>);

impl Filter<'_> {
    fn wants(&self, document: &Document, platforms: &[&str]) -> bool {
        let Self(key, values) = self;
        match *key {
            "Owner" => values.iter().any(|owner| match *owner {
                "Self" | "Private" => document.owner == Owner::Account,
                "Amazon" | "Public" => document.owner == Owner::Amazon,
                _ => *owner == "All",
            }),
            "Name" => values.iter().any(|name| document.name.starts_with(name)),
            "PlatformTypes" => values.iter().any(|name| platforms.contains(name)),
            "DocumentType" => values.contains(&"Command"),
            "TargetType" => document
                .target_type
                .as_deref()
                .is_some_and(|target| values.contains(&target)),
            _ => key.strip_prefix("tag:").is_some_and(|tag| {
                document
                    .tags
                    .get(tag)
                    .is_some_and(|value| values.contains(&value.as_str()))
            }),
        }
    }
}

/// `ListDocuments`.
///
/// # Errors
/// `InvalidFilterKey`, `InvalidNextToken`.
pub fn list(lab: &LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let mut filters = Vec::new();
    for filter in args.list("Filters")? {
        let filter = structure(filter, "Filters")?;
        filters.push(Filter(filter.need_text("Key")?, filter.texts("Values")?));
    }
    for filter in args.list("DocumentFilterList")? {
        let filter = structure(filter, "DocumentFilterList")?;
        filters.push(Filter(
            filter.need_text("key")?,
            vec![filter.need_text("value")?],
        ));
    }
    let known = [
        "Owner",
        "Name",
        "PlatformTypes",
        "DocumentType",
        "TargetType",
    ];
    if let Some(Filter(key, _)) = filters
        .iter()
        .find(|filter| !known.contains(&filter.0) && !filter.0.starts_with("tag:"))
    {
        return Err(Fault::new(
            "InvalidFilterKey",
            format!("the filter key {key} is not valid"),
        ));
    }
    let mut documents = Vec::from(amazon::all());
    let own = lab.aws.regions.get(region);
    documents.extend(
        own.into_iter()
            .flat_map(|place| place.documents.values().cloned()),
    );
    documents.sort_by(|a, b| a.name.cmp(&b.name));
    let mut found = Vec::new();
    for document in &documents {
        let (number, revision) = document.revision(None)?;
        let content = Content::read(&revision.content)?;
        let platforms = content.platforms();
        if !filters
            .iter()
            .all(|filter| filter.wants(document, &platforms))
        {
            continue;
        }
        let mut shown = json!({
            "Name": document.name,
            "CreatedDate": seconds(document.created),
            "Owner": document.owner_name(&lab.aws.account),
            "PlatformTypes": platforms,
            "DocumentVersion": number.to_string(),
            "DocumentType": "Command",
            "SchemaVersion": content.schema,
            "DocumentFormat": "JSON",
            "Tags": tags::shown(&document.tags),
        });
        if let Some(target) = &document.target_type {
            shown["TargetType"] = json!(target);
        }
        found.push(shown);
    }
    let (found, token) = page(found, args, lab.aws.page_cap)?;
    Ok(paged("DocumentIdentifiers", found, token))
}

/// `ListDocumentVersions`, the newest first.
///
/// # Errors
/// `InvalidDocument`, `InvalidNextToken`.
pub fn versions(lab: &LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let document = find(lab, region, args.need_text("Name")?)?;
    let found = document.revisions.iter().rev().map(|(number, revision)| {
        let mut shown = json!({
            "Name": document.name,
            "DocumentVersion": number.to_string(),
            "CreatedDate": seconds(revision.created),
            "IsDefaultVersion": *number == document.default,
            "DocumentFormat": "JSON",
            "Status": "Active",
        });
        if let Some(name) = &revision.name {
            shown["VersionName"] = json!(name);
        }
        shown
    });
    let (found, token) = page(found.collect(), args, lab.aws.page_cap)?;
    Ok(paged("DocumentVersions", found, token))
}

fn paged(member: &str, found: Vec<Json>, token: Option<String>) -> Json {
    let mut answer = json!({ member: found });
    if let Some(token) = token {
        answer["NextToken"] = Json::from(token);
    }
    answer
}
