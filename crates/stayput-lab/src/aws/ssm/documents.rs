//! Documents: what a command can run.
//!
//! Only documents of type `Command` in JSON. A change is in force at once, although its answer says `Creating` or `Updating`.

mod amazon;
mod content;
mod listing;
mod tags;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde_json::Value as Json;
use serde_json::json;
use sha2::Digest;
use sha2::Sha256;

pub use self::content::Content;
pub use self::listing::list;
pub use self::listing::versions;
pub use self::tags::add as add_tags;
pub use self::tags::list as list_tags;
pub use self::tags::remove as remove_tags;
use crate::aws::json::Args;
use crate::aws::json::Fault;
use crate::aws::model::Tags;
use crate::aws::ssm::seconds;
use crate::clock::VTime;
use crate::state::LabState;

/// Largest content in bytes.
const MAX_SIZE: usize = 65_536;
/// Most documents of an account in a region.
const MAX_DOCUMENTS: usize = 500;
/// Most versions of a document.
const MAX_VERSIONS: usize = 1000;
/// Starts of names that are reserved.
const RESERVED: [&str; 3] = ["aws", "amazon", "amzn"];

/// Whose a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// AWS.
    Amazon,
    /// The account of the lab.
    Account,
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: Owner,
    /// `TargetType`, such as `/AWS::EC2::Instance`.
    pub target_type: Option<String>,
    /// When it was created.
    pub created: VTime,
    /// Its versions by number. It has one at least.
    pub revisions: BTreeMap<u64, Revision>,
    /// The default version.
    pub default: u64,
    /// Tags.
    pub tags: Tags,
}

/// A version of a document. It never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Its text, as it was sent.
    pub content: String,
    /// `VersionName`.
    pub name: Option<String>,
    /// When it was created.
    pub created: VTime,
}

impl Revision {
    /// Returns the SHA-256 of the content in hexadecimal.
    pub fn hash(&self) -> String {
        format!("{:x}", Sha256::digest(self.content.as_bytes()))
    }
}

impl Document {
    /// Returns the number of the newest version.
    pub fn latest(&self) -> u64 {
        self.revisions
            .last_key_value()
            .map_or(0, |(number, _)| *number)
    }

    /// Returns the version that a call names: a number, `$DEFAULT` or `$LATEST`; none is the default version.
    ///
    /// # Errors
    /// `ValidationException`, `InvalidDocumentVersion`.
    pub fn revision(&self, wanted: Option<&str>) -> Result<(u64, &Revision), Fault> {
        let number = match wanted {
            None | Some("$DEFAULT") => self.default,
            Some("$LATEST") => self.latest(),
            Some(text) => text
                .parse()
                .ok()
                .filter(|number| *number > 0)
                .ok_or_else(|| {
                    Fault::validation(format!(
                        "1 validation error detected: Value '{text}' at 'documentVersion' failed to satisfy constraint: \
                         Member must satisfy regular expression pattern: ([$]LATEST|[$]DEFAULT|^[1-9][0-9]*$)"
                    ))
                })?,
        };
        let revision = self.revisions.get(&number).ok_or_else(|| {
            Fault::new(
                "InvalidDocumentVersion",
                "The document version is not valid or does not exist.",
            )
        })?;
        Ok((number, revision))
    }

    /// Returns the description of a version.
    fn description(&self, number: u64, account: &str, status: &str) -> Json {
        let Some(revision) = self.revisions.get(&number) else {
            return Json::Null;
        };
        let mut shown = json!({
            "Name": self.name,
            "Owner": self.owner_name(account),
            "CreatedDate": seconds(revision.created),
            "Status": status,
            "DocumentVersion": number.to_string(),
            "DefaultVersion": self.default.to_string(),
            "LatestVersion": self.latest().to_string(),
            "DocumentType": "Command",
            "DocumentFormat": "JSON",
            "Hash": revision.hash(),
            "HashType": "Sha256",
            "Tags": tags::shown(&self.tags),
        });
        // It was read before it was stored.
        if let Ok(content) = Content::read(&revision.content) {
            shown["SchemaVersion"] = json!(content.schema);
            shown["PlatformTypes"] = json!(content.platforms());
            shown["Parameters"] = content.parameters_json();
            if let Some(description) = content.description {
                shown["Description"] = json!(description);
            }
        }
        if let Some(name) = &revision.name {
            shown["VersionName"] = json!(name);
        }
        if let Some(target) = &self.target_type {
            shown["TargetType"] = json!(target);
        }
        shown
    }

    fn owner_name<'a>(&self, account: &'a str) -> &'a str {
        match self.owner {
            Owner::Amazon => "Amazon",
            Owner::Account => account,
        }
    }
}

/// Returns the name in an ARN; a name is returned as it is.
pub fn bare(name: &str) -> &str {
    name.rsplit_once("document/").map_or(name, |(_, name)| name)
}

fn absent(name: &str) -> Fault {
    Fault::new(
        "InvalidDocument",
        format!("Document with name {name} does not exist."),
    )
}

/// Returns a document that the account can use, by name or ARN.
///
/// # Errors
/// `InvalidDocument`.
pub fn find(lab: &LabState, region: &str, name: &str) -> Result<Document, Fault> {
    let name = bare(name);
    lab.aws
        .regions
        .get(region)
        .and_then(|place| place.documents.get(name).cloned())
        .or_else(|| amazon::find(name))
        .ok_or_else(|| absent(name))
}

/// Returns a document of the account, to change it.
fn own<'a>(lab: &'a mut LabState, region: &str, name: &str) -> Result<&'a mut Document, Fault> {
    lab.aws
        .regions
        .get_mut(region)
        .and_then(|place| place.documents.get_mut(name))
        .ok_or_else(|| absent(name))
}

/// Returns the content of a call that creates or updates.
fn content_of(args: Args<'_>) -> Result<String, Fault> {
    let content = args.need_text("Content")?;
    if content.len() > MAX_SIZE {
        return Err(Fault::new(
            "MaxDocumentSizeExceeded",
            "The size limit of a document is 64 KB.",
        ));
    }
    if let Some(format) = args
        .text("DocumentFormat")?
        .filter(|format| *format != "JSON")
    {
        return Err(Fault::new(
            "InvalidDocumentContent",
            format!("The lab has documents in JSON only, not in {format}."),
        ));
    }
    Content::read(content)?;
    Ok(content.to_owned())
}

/// `CreateDocument`.
///
/// # Errors
/// `DocumentAlreadyExists`, `DocumentLimitExceeded`, `InvalidDocumentContent`, `InvalidDocumentSchemaVersion`,
/// `MaxDocumentSizeExceeded`, `ValidationException`.
pub fn create(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let name = args.need_text("Name")?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    if !(3..=128).contains(&name.len()) || !name.chars().all(allowed) {
        return Err(Fault::validation(format!(
            "1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: Member must satisfy \
             regular expression pattern: ^[a-zA-Z0-9_\\-.]{{3,128}}$"
        )));
    }
    let lower = name.to_ascii_lowercase();
    if RESERVED.iter().any(|start| lower.starts_with(start)) {
        return Err(Fault::validation(format!(
            "Document name {name} starts with a reserved prefix."
        )));
    }
    if let Some(kind) = args.text("DocumentType")?.filter(|kind| *kind != "Command") {
        return Err(Fault::validation(format!(
            "The lab has documents of type Command only, not {kind}."
        )));
    }
    let tags = tags::read(args)?;
    let content = content_of(args)?;
    let now = lab.now();
    let document = Document {
        name: name.to_owned(),
        owner: Owner::Account,
        target_type: args.text("TargetType")?.map(str::to_owned),
        created: now,
        revisions: BTreeMap::from([(
            1,
            Revision {
                content,
                name: args.text("VersionName")?.map(str::to_owned),
                created: now,
            },
        )]),
        default: 1,
        tags,
    };
    let answer = document.description(1, &lab.aws.account, "Creating");
    let place = lab.aws.regions.entry(region.to_owned()).or_default();
    if place.documents.contains_key(name) {
        return Err(Fault::new(
            "DocumentAlreadyExists",
            format!("Document with same name {name} already exists"),
        ));
    }
    if place.documents.len() >= MAX_DOCUMENTS {
        return Err(Fault::new(
            "DocumentLimitExceeded",
            "You can have at most 500 active Systems Manager documents.",
        ));
    }
    place.documents.insert(name.to_owned(), document);
    Ok(json!({ "DocumentDescription": answer }))
}

/// `UpdateDocument`: adds a version. The default version stays.
///
/// # Errors
/// `InvalidDocument`, `InvalidDocumentVersion`, `DuplicateDocumentContent`, `DuplicateDocumentVersionName`,
/// `DocumentVersionLimitExceeded`, and those of the content.
pub fn update(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let name = args.need_text("Name")?;
    let content = content_of(args)?;
    let version = args.text("VersionName")?.map(str::to_owned);
    let target = args.text("TargetType")?.map(str::to_owned);
    let now = lab.now();
    let account = lab.aws.account.clone();
    let document = own(lab, region, name)?;
    document.revision(args.text("DocumentVersion")?)?;
    if document
        .revisions
        .values()
        .any(|other| other.content == content)
    {
        return Err(Fault::new(
            "DuplicateDocumentContent",
            "The content of the document matches another version of it. Change the content and try again.",
        ));
    }
    if version.is_some()
        && document
            .revisions
            .values()
            .any(|other| other.name == version)
    {
        return Err(Fault::new(
            "DuplicateDocumentVersionName",
            "The version name has already been used in this document.",
        ));
    }
    if document.revisions.len() >= MAX_VERSIONS {
        return Err(Fault::new(
            "DocumentVersionLimitExceeded",
            "The document has too many versions.",
        ));
    }
    let number = document.latest() + 1;
    let revision = Revision {
        content,
        name: version,
        created: now,
    };
    document.revisions.insert(number, revision);
    if target.is_some() {
        document.target_type = target;
    }
    Ok(json!({ "DocumentDescription": document.description(number, &account, "Updating") }))
}

/// `UpdateDocumentDefaultVersion`.
///
/// # Errors
/// `InvalidDocument`, `InvalidDocumentVersion`.
pub fn set_default(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let wanted = args.need_text("DocumentVersion")?;
    let document = own(lab, region, args.need_text("Name")?)?;
    let (number, revision) = document.revision(Some(wanted))?;
    let mut shown = json!({ "Name": document.name, "DefaultVersion": number.to_string() });
    if let Some(name) = &revision.name {
        shown["DefaultVersionName"] = json!(name);
    }
    document.default = number;
    Ok(json!({ "Description": shown }))
}

/// `DescribeDocument`.
///
/// # Errors
/// `InvalidDocument`, `InvalidDocumentVersion`.
pub fn describe(lab: &LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let document = find(lab, region, args.need_text("Name")?)?;
    let (number, _) = named(&document, args)?;
    Ok(json!({ "Document": document.description(number, &lab.aws.account, "Active") }))
}

/// `GetDocument`.
///
/// # Errors
/// `InvalidDocument`, `InvalidDocumentVersion`.
pub fn get(lab: &LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let document = find(lab, region, args.need_text("Name")?)?;
    let (number, revision) = named(&document, args)?;
    let mut shown = json!({
        "Name": document.name,
        "CreatedDate": seconds(revision.created),
        "DocumentVersion": number.to_string(),
        "Status": "Active",
        "Content": revision.content,
        "DocumentType": "Command",
        "DocumentFormat": "JSON",
    });
    if let Some(name) = &revision.name {
        shown["VersionName"] = json!(name);
    }
    Ok(shown)
}

/// Returns the version that a call names by number or by name.
fn named<'a>(document: &'a Document, args: Args<'_>) -> Result<(u64, &'a Revision), Fault> {
    let Some(name) = args.text("VersionName")? else {
        return document.revision(args.text("DocumentVersion")?);
    };
    document
        .revisions
        .iter()
        .find(|(_, revision)| revision.name.as_deref() == Some(name))
        .map(|(number, revision)| (*number, revision))
        .ok_or_else(|| Fault::new("InvalidDocumentVersion", ""))
}

/// `DeleteDocument`: the document, or one version of it.
///
/// # Errors
/// `InvalidDocument`, `InvalidDocumentVersion`, `InvalidDocumentOperation` for the default version.
pub fn delete(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    let name = args.need_text("Name")?;
    let document = own(lab, region, name)?;
    if args.get("DocumentVersion").is_some() || args.get("VersionName").is_some() {
        let (number, _) = named(document, args)?;
        if number == document.default {
            return Err(Fault::new(
                "InvalidDocumentOperation",
                "The default version of a document cannot be deleted.",
            ));
        }
        document.revisions.remove(&number);
    } else if let Some(place) = lab.aws.regions.get_mut(region) {
        place.documents.remove(name);
    }
    Ok(json!({}))
}

/// `DescribeDocumentPermission`: no document is shared.
///
/// # Errors
/// `InvalidDocument`, `InvalidPermissionType`.
pub fn permission(lab: &mut LabState, region: &str, args: Args<'_>) -> Result<Json, Fault> {
    if args.need_text("PermissionType")? != "Share" {
        return Err(Fault::new("InvalidPermissionType", ""));
    }
    own(lab, region, args.need_text("Name")?)?;
    Ok(json!({ "AccountIds": [], "AccountSharingInfoList": [] }))
}
