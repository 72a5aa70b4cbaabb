//! Items of one DynamoDB table: conditional writes of single items and consistent reads, all that a shared ledger needs (AWS reference §6).

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::Serialize;
use serde_json::json;
use stayput_estate::Region;
use stayput_messages::Message;

use crate::client::AwsClient;
use crate::endpoint::Service;
use crate::error::AwsError;
use crate::xml::Malformed;

/// What a condition that does not hold is answered with.
const NOT_SO: &str = "ConditionalCheckFailedException";

/// What a table that does not exist is answered with.
const NO_TABLE: &str = "ResourceNotFoundException";

/// The partition key of tables that stayput creates, of type S.
pub const PARTITION: &str = "pk";

/// Their sort key, of type N.
pub const SORT: &str = "sk";

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Attribute {
    /// A text.
    S(String),
    /// A number, as DynamoDB spells it.
    N(String),
}

impl Attribute {
    /// The text; `None` for a number.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::S(text) => Some(text),
            Self::N(_) => None,
        }
    }

    /// The whole number, 0 or more; `None` for anything else.
    pub fn number(&self) -> Option<u64> {
        match self {
            Self::N(number) => number.parse().ok(),
            Self::S(_) => None,
        }
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S(value) | Self::N(value) => f.pad(value),
        }
    }
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        Self::S(text.to_owned())
    }
}

impl From<u64> for Attribute {
    fn from(number: u64) -> Self {
        Self::N(number.to_string())
    }
}

/// An item: attributes by name.
pub type Item = BTreeMap<String, Attribute>;

/// A table, as DynamoDB describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its status: `ACTIVE`, or anything else as reported.
    pub status: String,
    /// Names and types of its keys: partition key first.
    pub keys: Vec<(String, String)>,
    /// Regions with a replica; empty for a table of one region.
    pub replicas: BTreeSet<Region>,
    /// The consistency of a table with replicas: `STRONG`, `EVENTUAL`, or anything else as reported. Tables of one region have none.
    pub consistency: Option<String>,
    /// Regions with a witness.
    pub witnesses: BTreeSet<Region>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    table: RawTable,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawTable {
    table_status: String,
    key_schema: Vec<RawKey>,
    attribute_definitions: Vec<RawType>,
    #[serde(default)]
    replicas: Vec<RawPlace>,
    multi_region_consistency: Option<String>,
    #[serde(default)]
    global_table_witnesses: Vec<RawPlace>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawKey {
    attribute_name: String,
    key_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawType {
    attribute_name: String,
    attribute_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawPlace {
    region_name: Region,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    item: Option<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawItems {
    items: Vec<Item>,
    last_evaluated_key: Option<Item>,
}

/// The answer to a write, of which nothing is needed.
#[derive(Deserialize)]
struct Written {}

impl From<RawTable> for Table {
    fn from(raw: RawTable) -> Self {
        let places = |places: Vec<RawPlace>| places.into_iter().map(|place| place.region_name);
        let mut keys = raw.key_schema;
        keys.sort_by_key(|key| key.key_type != "HASH");
        let type_of = |name: &String| {
            let mut types = raw.attribute_definitions.iter();
            types
                .find(|each| each.attribute_name == *name)
                .map_or_else(String::new, |each| each.attribute_type.clone())
        };
        Self {
            status: raw.table_status,
            keys: keys
                .into_iter()
                .map(|key| (key.attribute_name.clone(), type_of(&key.attribute_name)))
                .collect(),
            replicas: places(raw.replicas).collect(),
            consistency: raw.multi_region_consistency,
            witnesses: places(raw.global_table_witnesses).collect(),
        }
    }
}

impl AwsClient {
    /// A table; `None` if there is none of this name.
    ///
    /// # Errors
    /// Any [`AwsError`].
    pub async fn dynamodb_table(
        &self,
        region: &Region,
        name: &str,
    ) -> Result<Option<Table>, AwsError> {
        let input = json!({ "TableName": name });
        let found = self
            .json::<_, Described>(region, Service::DynamoDb, "DescribeTable", &input)
            .await;
        match found {
            Ok(described) => Ok(Some(described.table.into())),
            Err(error) if error.code() == Some(NO_TABLE) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Begins to create a table of one region with the keys `pk` and `sk`, paid by request and protected against deletion.
    ///
    /// # Errors
    /// Any [`AwsError`]; its code is `ResourceInUseException` if the table exists.
    pub async fn create_dynamodb_table(&self, region: &Region, name: &str) -> Result<(), AwsError> {
        let input = json!({
            "TableName": name,
            "AttributeDefinitions": [
                { "AttributeName": PARTITION, "AttributeType": "S" },
                { "AttributeName": SORT, "AttributeType": "N" },
            ],
            "KeySchema": [
                { "AttributeName": PARTITION, "KeyType": "HASH" },
                { "AttributeName": SORT, "KeyType": "RANGE" },
            ],
            "BillingMode": "PAY_PER_REQUEST",
            "DeletionProtectionEnabled": true,
        });
        self.json::<_, Written>(region, Service::DynamoDb, "CreateTable", &input)
            .await?;
        Ok(())
    }

    /// Writes an item unless there is one with its keys. Gives whether it was written.
    ///
    /// # Errors
    /// Any [`AwsError`].
    pub async fn put_new_item(
        &self,
        region: &Region,
        table: &str,
        item: &Item,
    ) -> Result<bool, AwsError> {
        let input = json!({
            "TableName": table,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(#pk)",
            "ExpressionAttributeNames": { "#pk": PARTITION },
        });
        let put = self
            .json::<_, Written>(region, Service::DynamoDb, "PutItem", &input)
            .await;
        match put {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some(NOT_SO) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes an item over one with its keys whose attribute `epoch` is not greater. Gives whether it was written.
    ///
    /// # Errors
    /// Any [`AwsError`].
    pub async fn put_item_of_epoch(
        &self,
        region: &Region,
        table: &str,
        item: &Item,
        epoch: u64,
    ) -> Result<bool, AwsError> {
        let input = json!({
            "TableName": table,
            "Item": item,
            "ConditionExpression": "attribute_not_exists(#pk) OR #epoch <= :epoch",
            "ExpressionAttributeNames": { "#pk": PARTITION, "#epoch": "epoch" },
            "ExpressionAttributeValues": { ":epoch": Attribute::from(epoch) },
        });
        let put = self
            .json::<_, Written>(region, Service::DynamoDb, "PutItem", &input)
            .await;
        match put {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some(NOT_SO) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// An item as the latest write left it; `None` if there is none.
    ///
    /// # Errors
    /// Any [`AwsError`].
    pub async fn item(
        &self,
        region: &Region,
        table: &str,
        partition: &str,
        sort: u64,
    ) -> Result<Option<Item>, AwsError> {
        let input = json!({
            "TableName": table,
            "Key": { PARTITION: Attribute::from(partition), SORT: Attribute::from(sort) },
            "ConsistentRead": true,
        });
        let found: Found = self
            .json(region, Service::DynamoDb, "GetItem", &input)
            .await?;
        Ok(found.item)
    }

    /// Every item of a partition with a greater sort key, in order, as the latest writes left them; every page is read.
    ///
    /// # Errors
    /// Any [`AwsError`].
    pub async fn items_after(
        &self,
        region: &Region,
        table: &str,
        partition: &str,
        after: u64,
    ) -> Result<Vec<Item>, AwsError> {
        let body = |from: Option<String>| {
            let from: Option<Item> = from.and_then(|key| serde_json::from_str(&key).ok());
            QueryInput {
                table_name: table,
                consistent_read: true,
                key_condition_expression: "#pk = :pk AND #sk > :after",
                expression_attribute_names: [("#pk", PARTITION), ("#sk", SORT)].into(),
                expression_attribute_values: [(":pk", partition.into()), (":after", after.into())]
                    .into(),
                exclusive_start_key: from,
            }
        };
        // A page without items is not the end.
        let split = |page: RawItems| {
            let token = page
                .last_evaluated_key
                .map(|key| serde_json::to_string(&key));
            let next = token.transpose().map_err(|error| {
                let problem = Message::new("answer-no-json")
                    .with("why", error)
                    .with("begin", "LastEvaluatedKey");
                Malformed::new(Message::new("answer-place"), problem)
            })?;
            Ok((page.items, next))
        };
        self.json_list(region, Service::DynamoDb, "Query", body, split)
            .await
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct QueryInput<'a> {
    table_name: &'a str,
    consistent_read: bool,
    key_condition_expression: &'static str,
    expression_attribute_names: BTreeMap<&'static str, &'static str>,
    expression_attribute_values: BTreeMap<&'static str, Attribute>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exclusive_start_key: Option<Item>,
}

#[cfg(test)]
mod tests;
