//! The content of a document: its parameters and its steps.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use serde_json::Map;
use serde_json::Value as Json;
use serde_json::json;

use crate::aws::json::Fault;
use crate::aws::ssm::Platform;

/// Versions of the schema that a document for commands can have.
const SCHEMAS: [&str; 3] = ["1.2", "2.0", "2.2"];

/// A document that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// `schemaVersion`.
    pub schema: String,
    /// `description`.
    pub description: Option<String>,
    /// Declared parameters in order of their names.
    pub parameters: BTreeMap<String, Parameter>,
    /// Steps in order.
    pub steps: Vec<Step>,
}

/// A declared parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// `String`, `StringList`, …
    pub kind: String,
    /// Description.
    pub description: String,
    /// Value if none is sent.
    pub default: Option<Json>,
    /// The values that are allowed; empty: all.
    pub allowed: Vec<String>,
}

/// A step: a script for the shell of a platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its name; that of its plugin in schema 1.2.
    pub name: String,
    /// The shell that runs it.
    pub plugin: Platform,
    /// The platform that the precondition demands.
    pub precondition: Option<String>,
    /// `runCommand`, not yet with the values of parameters: a list of lines, or the text of one parameter.
    run: Json,
}

fn invalid(why: impl Into<String>) -> Fault {
    Fault::new("InvalidDocumentContent", why.into())
}

impl Content {
    /// Reads the text of a document.
    ///
    /// # Errors
    /// `InvalidDocumentContent`, `InvalidDocumentSchemaVersion`.
    pub fn read(text: &str) -> Result<Self, Fault> {
        let Ok(Json::Object(members)) = serde_json::from_str(text) else {
            return Err(invalid("Content of document is not a valid JSON object."));
        };
        let schema = members
            .get("schemaVersion")
            .and_then(Json::as_str)
            .ok_or_else(|| invalid("Document must have a schemaVersion."))?;
        if !SCHEMAS.contains(&schema) {
            return Err(Fault::new(
                "InvalidDocumentSchemaVersion",
                format!("The schema version {schema} of the document is not supported."),
            ));
        }
        let steps = if schema == "1.2" {
            steps_of_plugins(&members)?
        } else {
            steps_of_main(&members)?
        };
        let read = Self {
            schema: schema.to_owned(),
            description: text_of(&members, "description"),
            parameters: parameters(&members)?,
            steps,
        };
        for step in &read.steps {
            for name in names(&step.run) {
                if !read.parameters.contains_key(name) {
                    return Err(invalid(format!(
                        "Parameter \"{name}\" is used in step {} and not declared.",
                        step.name
                    )));
                }
            }
        }
        Ok(read)
    }

    /// Returns the platforms on which a step can run, as the service derives them from plugins and preconditions.
    pub fn platforms(&self) -> Vec<&'static str> {
        let mut found: BTreeSet<&str> = BTreeSet::new();
        for step in &self.steps {
            let plugin: &[&'static str] = match step.plugin {
                Platform::Linux => &["Linux", "MacOS"],
                Platform::Windows => &["Windows", "Linux", "MacOS"],
            };
            let wanted = step.precondition.as_deref();
            found.extend(
                plugin
                    .iter()
                    .filter(|name| wanted.is_none_or(|wanted| wanted == **name)),
            );
        }
        ["Windows", "Linux", "MacOS"]
            .into_iter()
            .filter(|name| found.contains(name))
            .collect()
    }

    /// Returns the platforms of the lab's guests that have the shell of a step. A real guest with Linux may have PowerShell, so the
    /// service also accepts `aws:runPowerShellScript` for Linux; no guest of the lab has it there, and the lab refuses.
    pub fn runs_on(&self) -> Vec<&'static str> {
        [Platform::Windows, Platform::Linux]
            .into_iter()
            .filter(|platform| {
                self.steps.iter().any(|step| {
                    let wanted = step.precondition.as_deref();
                    step.plugin == *platform
                        && wanted.is_none_or(|wanted| wanted == platform.name())
                })
            })
            .map(Platform::name)
            .collect()
    }

    /// Checks the parameters of a command.
    ///
    /// # Errors
    /// `InvalidParameters` when one is not declared, not allowed or missing; `SerializationException` when it is no list.
    pub fn check(&self, sent: &Map<String, Json>) -> Result<(), Fault> {
        for (name, value) in sent {
            let Some(declared) = self.parameters.get(name) else {
                return Err(Fault::new(
                    "InvalidParameters",
                    format!("Parameter \"{name}\" is not defined in document"),
                ));
            };
            let Some(values) = value
                .as_array()
                .filter(|list| list.iter().all(Json::is_string))
            else {
                return Err(Fault::new(
                    "SerializationException",
                    format!("parameter {name} is not a list of strings"),
                ));
            };
            let wrong = values.iter().filter_map(Json::as_str).find(|value| {
                !declared.allowed.is_empty()
                    && !declared.allowed.iter().any(|allowed| allowed == value)
            });
            if let Some(wrong) = wrong {
                return Err(Fault::new(
                    "InvalidParameters",
                    format!(
                        "Parameter \"{name}\" has the value {wrong}, which is not in its allowedValues"
                    ),
                ));
            }
        }
        for (name, declared) in &self.parameters {
            let empty = sent
                .get(name)
                .and_then(Json::as_array)
                .is_none_or(Vec::is_empty);
            if empty && declared.default.is_none() {
                return Err(Fault::new(
                    "InvalidParameters",
                    format!("Parameter \"{name}\" requires a value"),
                ));
            }
        }
        Ok(())
    }

    /// Returns the script of a step with the values of the parameters.
    pub fn script(&self, step: &Step, sent: &Map<String, Json>) -> String {
        let value = |name: &str| {
            let value = sent
                .get(name)
                .or_else(|| self.parameters.get(name)?.default.as_ref());
            value.map(lines).unwrap_or_default().join("\n")
        };
        let mut script = lines(&step.run).join("\n");
        for name in names(&step.run) {
            for written in [format!("{{{{ {name} }}}}"), format!("{{{{{name}}}}}")] {
                script = script.replace(&written, &value(name));
            }
        }
        script
    }

    /// Returns the parameters as `DescribeDocument` shows them.
    pub fn parameters_json(&self) -> Json {
        let parameters = self.parameters.iter().map(|(name, parameter)| {
            let mut shown = json!({
                "Name": name,
                "Type": parameter.kind,
                "Description": parameter.description,
            });
            if let Some(default) = &parameter.default {
                let text = default.as_str().map(str::to_owned);
                shown["DefaultValue"] = json!(text.unwrap_or_else(|| default.to_string()));
            }
            shown
        });
        Json::from(parameters.collect::<Vec<_>>())
    }
}

fn text_of(members: &Map<String, Json>, name: &str) -> Option<String> {
    members.get(name).and_then(Json::as_str).map(str::to_owned)
}

fn lines(value: &Json) -> Vec<&str> {
    match value {
        Json::String(text) => vec![text.as_str()],
        Json::Array(list) => list.iter().filter_map(Json::as_str).collect(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_) => Vec::new(),
    }
}

/// Returns the parameters that a text uses: names between two pairs of braces.
fn names(value: &Json) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for line in lines(value) {
        for part in line.split("{{").skip(1) {
            let Some((name, _)) = part.split_once("}}") else {
                continue;
            };
            let name = name.trim();
            let plain = name.chars().all(|c| c.is_ascii_alphanumeric());
            if plain && !name.is_empty() {
                found.insert(name);
            }
        }
    }
    found
}

fn parameters(members: &Map<String, Json>) -> Result<BTreeMap<String, Parameter>, Fault> {
    let declared = match members.get("parameters") {
        None => return Ok(BTreeMap::new()),
        Some(Json::Object(declared)) => declared,
        Some(_) => return Err(invalid("The parameters of the document are not an object.")),
    };
    let mut found = BTreeMap::new();
    for (name, parameter) in declared {
        let parameter = parameter
            .as_object()
            .ok_or_else(|| invalid(format!("Parameter \"{name}\" is not an object.")))?;
        let kind = text_of(parameter, "type")
            .ok_or_else(|| invalid(format!("Parameter \"{name}\" has no type.")))?;
        let allowed = parameter.get("allowedValues").map(lines);
        found.insert(
            name.clone(),
            Parameter {
                kind,
                description: text_of(parameter, "description").unwrap_or_default(),
                default: parameter.get("default").cloned(),
                allowed: allowed
                    .unwrap_or_default()
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
            },
        );
    }
    Ok(found)
}

fn plugin(name: &str) -> Result<Platform, Fault> {
    match name {
        "aws:runShellScript" => Ok(Platform::Linux),
        "aws:runPowerShellScript" => Ok(Platform::Windows),
        _ => Err(invalid(format!(
            "The lab has the plugins aws:runShellScript and aws:runPowerShellScript, not {name}."
        ))),
    }
}

fn run_of(inputs: Option<&Json>, step: &str) -> Result<Json, Fault> {
    let run = inputs
        .and_then(|inputs| inputs.get("runCommand"))
        .filter(|run| !lines(run).is_empty());
    run.cloned()
        .ok_or_else(|| invalid(format!("Step {step} has no runCommand.")))
}

fn steps_of_main(members: &Map<String, Json>) -> Result<Vec<Step>, Fault> {
    let steps = members
        .get("mainSteps")
        .and_then(Json::as_array)
        .filter(|steps| !steps.is_empty())
        .ok_or_else(|| invalid("Document must have mainSteps."))?;
    let mut found: Vec<Step> = Vec::new();
    for step in steps {
        let step = step
            .as_object()
            .ok_or_else(|| invalid("A step of the document is not an object."))?;
        let name = text_of(step, "name").ok_or_else(|| invalid("A step has no name."))?;
        let action = text_of(step, "action")
            .ok_or_else(|| invalid(format!("Step {name} has no action.")))?;
        if found.iter().any(|other| other.name == name) {
            return Err(invalid(format!("Step name {name} is used twice.")));
        }
        found.push(Step {
            plugin: plugin(&action)?,
            precondition: precondition(step, &name)?,
            run: run_of(step.get("inputs"), &name)?,
            name,
        });
    }
    Ok(found)
}

/// Reads `{"StringEquals": ["platformType", P]}`, in either order.
fn precondition(step: &Map<String, Json>, name: &str) -> Result<Option<String>, Fault> {
    let Some(precondition) = step.get("precondition") else {
        return Ok(None);
    };
    let operands = precondition.get("StringEquals").map(lines);
    match operands.as_deref() {
        Some(["platformType", platform] | [platform, "platformType"]) => {
            Ok(Some((*platform).to_owned()))
        }
        _ => Err(invalid(format!(
            "The precondition of step {name} is not a StringEquals of platformType."
        ))),
    }
}

/// Reads the `runtimeConfig` of schema 1.2.
fn steps_of_plugins(members: &Map<String, Json>) -> Result<Vec<Step>, Fault> {
    let plugins = members
        .get("runtimeConfig")
        .and_then(Json::as_object)
        .filter(|plugins| !plugins.is_empty())
        .ok_or_else(|| invalid("Document must have a runtimeConfig."))?;
    let mut found = Vec::new();
    for (name, config) in plugins {
        let properties = config.get("properties");
        let first = match properties {
            Some(Json::Array(list)) => list.first(),
            other => other,
        };
        found.push(Step {
            name: name.clone(),
            plugin: plugin(name)?,
            precondition: None,
            run: run_of(first, name)?,
        });
    }
    Ok(found)
}
