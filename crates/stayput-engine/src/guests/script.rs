//! The scripts that guests run, and how a document carries them.

use std::io::Read;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;
use stayput_aws::AgentPlatform;

/// `guest/capture.sh`.
const LINUX: &str = include_str!("../../../../guest/capture.sh");
/// `guest/capture.ps1`.
const WINDOWS: &str = include_str!("../../../../guest/capture.ps1");
/// More than either script has: a document is not trusted to unpack into less.
const MOST: u64 = 1 << 20;
/// A text in base64 that is shorter is no script.
const LEAST: usize = 1000;

/// A platform that a script is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ScriptFor {
    Linux,
    Windows,
}

impl ScriptFor {
    pub(super) fn of(platform: &AgentPlatform) -> Option<Self> {
        match platform {
            AgentPlatform::Linux => Some(Self::Linux),
            AgentPlatform::Windows => Some(Self::Windows),
            AgentPlatform::Other(_) => None,
        }
    }

    /// As AWS names the platform.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Linux => "Linux",
            Self::Windows => "Windows",
        }
    }

    /// The document of AWS that runs commands on it.
    pub(super) fn aws_document(self) -> &'static str {
        match self {
            Self::Linux => "AWS-RunShellScript",
            Self::Windows => "AWS-RunPowerShellScript",
        }
    }

    fn script(self) -> &'static str {
        match self {
            Self::Linux => LINUX,
            Self::Windows => WINDOWS,
        }
    }

    /// The commands that run the script. It is compressed: Systems Manager limits the size of what is sent, and reads two braces as a
    /// parameter.
    pub(super) fn commands(self) -> Vec<String> {
        let packed = packed(self.script());
        match self {
            Self::Linux => vec![format!(
                "printf %s '{packed}' | base64 -d | gzip -dc | bash -s"
            )],
            Self::Windows => vec![
                format!("$bytes = [Convert]::FromBase64String('{packed}')"),
                "$packed = New-Object IO.MemoryStream(, $bytes)".to_owned(),
                "$text = New-Object IO.Compression.GzipStream($packed, [IO.Compression.CompressionMode]::Decompress)".to_owned(),
                "& ([scriptblock]::Create((New-Object IO.StreamReader($text)).ReadToEnd()))".to_owned(),
            ],
        }
    }

    /// The step of a document's content that runs this build's script, if the document runs nothing else.
    pub(super) fn step_in(self, content: &str) -> Option<String> {
        let content: Value = serde_json::from_str(content).ok()?;
        let steps = content.get("mainSteps")?.as_array()?;
        let is_known = |step: &Value| Self::Linux.is_run_by(step) || Self::Windows.is_run_by(step);
        if !steps.iter().all(is_known) {
            return None;
        }
        let step = steps.iter().find(|step| self.is_run_by(step))?;
        Some(step.get("name")?.as_str()?.to_owned())
    }

    /// Whether a step has exactly the commands that run this build's script. How it is compressed may differ.
    fn is_run_by(self, step: &Value) -> bool {
        let inputs = step
            .get("inputs")
            .and_then(|inputs| inputs.get("runCommand"));
        let Some(found) = inputs.and_then(Value::as_array) else {
            return false;
        };
        let script = with_line_feeds(self.script());
        let ours = self.commands();
        let is_same = |found: &Value, ours: &String| {
            let found = found.as_str().unwrap_or_default();
            let (found, ours): (Vec<_>, Vec<_>) =
                (found.split('\'').collect(), ours.split('\'').collect());
            let is_alike = |(found, ours): (&&str, &&str)| {
                let is_script = ours.len() >= LEAST && unpacked(found).as_ref() == Some(&script);
                found == ours || is_script
            };
            found.len() == ours.len() && found.iter().zip(&ours).all(is_alike)
        };
        found.len() == ours.len()
            && found
                .iter()
                .zip(&ours)
                .all(|(found, ours)| is_same(found, ours))
    }
}

fn with_line_feeds(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn packed(script: &str) -> String {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    // Neither fails in memory.
    let written = gzip.write_all(with_line_feeds(script).as_bytes());
    let bytes = written.and_then(|()| gzip.finish()).unwrap_or_default();
    STANDARD.encode(bytes)
}

fn unpacked(literal: &str) -> Option<String> {
    let bytes = STANDARD.decode(literal).ok()?;
    let mut text = String::new();
    let mut gzip = GzDecoder::new(&*bytes).take(MOST);
    gzip.read_to_string(&mut text).ok()?;
    Some(with_line_feeds(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_with_the_commands_of_this_build_is_recognised() {
        let of = |linux: &[String]| {
            serde_json::json!({
                "schemaVersion": "2.2",
                "mainSteps": [
                    { "name": "captureLinux", "action": "aws:runShellScript", "inputs": { "runCommand": linux } },
                    { "name": "captureWindows", "action": "aws:runPowerShellScript",
                      "inputs": { "runCommand": ScriptFor::Windows.commands() } },
                ],
            })
            .to_string()
        };
        let both = of(&ScriptFor::Linux.commands());
        let step = |of: ScriptFor, content: &str| of.step_in(content);
        assert_eq!(
            step(ScriptFor::Linux, &both).as_deref(),
            Some("captureLinux")
        );
        let windows = step(ScriptFor::Windows, &both);
        assert_eq!(windows.as_deref(), Some("captureWindows"));
        let other = packed(&LINUX.replace("stayput", "stayputt"));
        let other = of(&[format!(
            "printf %s '{other}' | base64 -d | gzip -dc | bash -s"
        )]);
        assert_eq!(step(ScriptFor::Linux, &other), None);
        assert_eq!(step(ScriptFor::Windows, &other), None);
        let mut more = ScriptFor::Linux.commands();
        more.insert(0, "touch /tmp/more".to_owned());
        assert_eq!(step(ScriptFor::Linux, &of(&more)), None);
        assert_eq!(step(ScriptFor::Linux, "mainSteps: []"), None);
    }

    #[test]
    fn commands_are_smaller_than_a_document_may_be() {
        for of in [ScriptFor::Linux, ScriptFor::Windows] {
            let commands = of.commands();
            let size: usize = commands.iter().map(String::len).sum();
            assert!((LEAST..65_536).contains(&size), "{}: {size}", of.name());
            assert!(commands.iter().all(|command| !command.contains("{{")));
        }
    }
}
