//! The documents that belong to AWS and that every account can use.

use std::collections::BTreeMap;

use serde_json::json;

use super::Document;
use super::Owner;
use super::Revision;
use crate::aws::ssm::Platform;
use crate::clock::VTime;

/// When the documents were created: 2017-03-01.
const CREATED: VTime = VTime(1_488_326_400_000);

/// Returns both documents in order of their names.
pub fn all() -> [Document; 2] {
    [Platform::Windows, Platform::Linux].map(document)
}

/// Returns a document by its name.
pub fn find(name: &str) -> Option<Document> {
    all().into_iter().find(|document| document.name == name)
}

/// Schema 1.2, as the real ones. The texts are the lab's own, so the hashes are not those of AWS.
fn document(shell: Platform) -> Document {
    let (name, what) = match shell {
        Platform::Linux => ("AWS-RunShellScript", "shell"),
        Platform::Windows => ("AWS-RunPowerShellScript", "PowerShell"),
    };
    let plugin = shell.plugin();
    let content = json!({
        "schemaVersion": "1.2",
        "description": format!("Runs a {what} script."),
        "parameters": {
            "commands": { "type": "StringList", "description": "Lines of the script.", "minItems": 1 },
            "workingDirectory": { "type": "String", "default": "", "description": "Folder in which it runs." },
            "executionTimeout": { "type": "String", "default": "3600", "description": "Time limit in seconds." },
        },
        "runtimeConfig": { plugin: { "properties": [{
            "id": format!("0.{plugin}"),
            "runCommand": "{{ commands }}",
            "workingDirectory": "{{ workingDirectory }}",
            "timeoutSeconds": "{{ executionTimeout }}",
        }] } },
    });
    Document {
        name: name.to_owned(),
        owner: Owner::Amazon,
        target_type: None,
        created: CREATED,
        revisions: BTreeMap::from([(
            1,
            Revision {
                content: content.to_string(),
                name: None,
                created: CREATED,
            },
        )]),
        default: 1,
        tags: BTreeMap::new(),
    }
}
