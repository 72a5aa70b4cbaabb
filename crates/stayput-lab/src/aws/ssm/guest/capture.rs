//! The article's capture script, by its effect: one DynamoDB item with the instance id, its name and its primary address, and with
//! the attributes that a person has added to the script.

mod attributes;

use super::ScriptOutput;
use crate::aws::dynamodb::value::Item;
use crate::aws::dynamodb::value::Value;
use crate::state::LabState;

/// Name that the script uses for a machine without a `Name` tag.
const NO_NAME: &str = "NoNameTag";

/// A script that captures.
#[derive(Debug, PartialEq)]
pub struct Capture {
    table: String,
    region: Option<String>,
    token: bool,
    attributes: Item,
}

impl Capture {
    /// Finds `aws dynamodb put-item --table-name T` or `Set-DDBItem -TableName T`, with `T` as a literal or in a variable.
    pub fn find(script: &str) -> Option<Self> {
        // A command can span lines that end in a backslash or backtick.
        let joined = script.replace("\\\n", " ").replace("`\n", " ");
        joined.lines().find_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (table, region) = if words
                .windows(2)
                .any(|pair| pair == ["dynamodb", "put-item"])
            {
                ("--table-name", "--region")
            } else if words
                .iter()
                .any(|word| word.eq_ignore_ascii_case("Set-DDBItem"))
            {
                ("-TableName", "-Region")
            } else {
                return None;
            };
            Some(Self {
                table: option(&words, table).and_then(|word| resolve(script, word))?,
                region: option(&words, region).and_then(|word| resolve(script, word)),
                token: script.to_ascii_lowercase().contains("latest/api/token"),
                attributes: attributes::find(script),
            })
        })
    }

    /// Applies the effect of the script.
    pub fn run(&self, lab: &mut LabState, region: &str, instance: &str) -> ScriptOutput {
        let Some((place, machine)) = lab
            .aws
            .regions
            .get(region)
            .and_then(|place| Some((place, place.instances.get(instance)?)))
        else {
            return ScriptOutput::default();
        };
        if machine.metadata_token_required && !self.token {
            return failed("The remote server returned an error: (401) Unauthorized.");
        }
        let address = machine
            .enis
            .values()
            .next()
            .and_then(|eni| place.enis.get(eni))
            .map(|eni| eni.primary.to_string())
            .unwrap_or_default();
        let name = machine
            .tags
            .get("Name")
            .map_or(NO_NAME, String::as_str)
            .to_owned();
        let target = self.region.as_deref().unwrap_or(region);
        let Some(table) = lab
            .aws
            .regions
            .get_mut(target)
            .and_then(|place| place.tables.get_mut(&self.table))
        else {
            return failed(
                "An error occurred (ResourceNotFoundException) when calling the PutItem operation: Requested resource \
                 not found",
            );
        };
        let mut item: Item = [
            ("InstanceId", instance.to_owned()),
            ("InstanceName", name.clone()),
            ("PrivateIp", address),
        ]
        .map(|(attribute, text)| (attribute.to_owned(), Value::S(text)))
        .into();
        for (attribute, value) in &self.attributes {
            item.entry(attribute.clone())
                .or_insert_with(|| value.clone());
        }
        // A table with other key names gets the instance id as its partition key, the name as its sort key.
        let keys = table.keys.clone();
        item.entry(keys.hash)
            .or_insert_with(|| Value::S(instance.to_owned()));
        if let Some(range) = keys.range {
            item.entry(range).or_insert_with(|| Value::S(name));
        }
        match table.put(item) {
            Ok(_) => ScriptOutput::default(),
            Err(fault) => failed(&format!(
                "An error occurred ({}) when calling the PutItem operation: {}",
                fault.code, fault.message
            )),
        }
    }
}

fn failed(error: &str) -> ScriptOutput {
    ScriptOutput {
        code: 255,
        stdout: String::new(),
        stderr: format!("{error}\n"),
    }
}

fn option<'a>(words: &[&'a str], name: &str) -> Option<&'a str> {
    words.iter().enumerate().find_map(|(index, word)| {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        if !key.eq_ignore_ascii_case(name) {
            None
        } else if value.is_empty() {
            words.get(index + 1).copied()
        } else {
            Some(value)
        }
    })
}

/// Returns a word without quotes; for a variable, the value of its first assignment in the script.
fn resolve(script: &str, word: &str) -> Option<String> {
    let bare = unquoted(word);
    let Some(variable) = bare.strip_prefix('$') else {
        return (!bare.is_empty()).then(|| bare.to_owned());
    };
    let variable = variable.trim_start_matches('{').trim_end_matches('}');
    script.lines().find_map(|line| {
        let (left, right) = line.split_once('=')?;
        let left = left.trim().trim_start_matches("export ").trim();
        let value = unquoted(right.trim());
        (left.trim_start_matches('$').eq_ignore_ascii_case(variable)
            && !value.is_empty()
            && !value.starts_with('$'))
        .then(|| value.to_owned())
    })
}

fn unquoted(word: &str) -> &str {
    word.trim_matches(|char| char == '"' || char == '\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_found_as_a_literal_or_in_a_variable_of_both_shells() {
        for script in [
            "aws dynamodb put-item --table-name ips --item file://x",
            "T=ips\naws dynamodb put-item \\\n  --table-name \"${T}\" --item file://x",
            "$dynamoTableName = \"ips\"\naws dynamodb put-item --table-name $dynamoTableName --item file://$f",
            "Set-DDBItem -TableName 'ips' -Item $item",
            "aws dynamodb put-item --table-name=ips --item '{}'",
        ] {
            assert_eq!(
                Capture::find(script).map(|capture| capture.table),
                Some("ips".to_owned()),
                "{script}"
            );
        }
    }

    #[test]
    fn other_scripts_are_not_captures() {
        for script in ["", "hostname", "aws dynamodb get-item --table-name ips"] {
            assert_eq!(Capture::find(script), None, "{script}");
        }
    }
}
