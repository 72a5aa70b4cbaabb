//! Recognises the capture scripts of this project, sent as they are or compressed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::aws::ssm::Platform;

/// The script for Linux of this version of the project.
const LINUX: &str = include_str!("../../../../../../guest/capture.sh");
/// Largest size of a script that is unpacked.
const MAX_SIZE: usize = 1 << 20;

/// A capture script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureScript {
    /// Its system.
    pub platform: Platform,
    /// Its text.
    pub text: String,
}

impl CaptureScript {
    /// Finds one in what a guest is to run.
    pub fn find(script: &str) -> Option<Self> {
        let text = unpacked(script).unwrap_or_else(|| script.to_owned());
        if !text.contains("\"stayput_guest\":1") && !text.contains("\\\"stayput_guest\\\":1") {
            return None;
        }
        let platform = if text.contains("\"os\":\"windows\"") {
            Platform::Windows
        } else {
            Platform::Linux
        };
        Some(Self { platform, text })
    }

    /// Whether it is exactly the script of this version. No other script is ever run for real: a client of the lab must not be
    /// able to run commands on this machine.
    pub fn is_ours(&self) -> bool {
        let plain = |text: &str| text.replace("\r\n", "\n").trim().to_owned();
        plain(&self.text) == plain(LINUX)
    }
}

/// Returns the text behind base64 and gzip.
fn unpacked(script: &str) -> Option<String> {
    let packed = if let Some((_, rest)) = script.split_once("FromBase64String('") {
        rest.split_once('\'')?.0
    } else {
        let (before, _) = script.split_once("| base64 -d | gzip -dc |")?;
        let word = before.split_whitespace().next_back()?;
        word.trim_matches(|c| c == '\'' || c == '"')
    };
    let bytes = STANDARD.decode(packed).ok()?;
    String::from_utf8(gunzip(&bytes)?).ok()
}

/// Unpacks one member of a gzip file (RFC 1952). The checksum is not compared: a damaged text is no capture script.
fn gunzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let (header, mut rest) = bytes.split_at_checked(10)?;
    let [0x1f, 0x8b, 8, flags, ..] = *header else {
        return None;
    };
    if flags & 0x04 != 0 {
        let (size, after) = rest.split_first_chunk::<2>()?;
        rest = after.get(usize::from(u16::from_le_bytes(*size))..)?;
    }
    for text in [0x08, 0x10] {
        if flags & text != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = rest.get(end + 1..)?;
        }
    }
    if flags & 0x02 != 0 {
        rest = rest.get(2..)?;
    }
    miniz_oxide::inflate::decompress_to_vec_with_limit(rest, MAX_SIZE).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOWS: &str = include_str!("../../../../../../guest/capture.ps1");

    /// Packs a text as `gzip` does.
    fn packed(text: &str) -> String {
        let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
        bytes.extend(miniz_oxide::deflate::compress_to_vec(text.as_bytes(), 6));
        bytes.extend(crc32fast::hash(text.as_bytes()).to_le_bytes());
        bytes.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        STANDARD.encode(bytes)
    }

    #[test]
    fn capture_scripts_are_recognised_as_sent_or_packed() {
        let base64 = packed(LINUX);
        for script in [
            LINUX.to_owned(),
            format!("printf %s '{base64}' | base64 -d | gzip -dc | bash -s"),
            format!("echo {base64} | base64 -d | gzip -dc | bash -s"),
        ] {
            let found = CaptureScript::find(&script).unwrap();
            assert_eq!(found.platform, Platform::Linux);
            assert!(found.is_ours());
        }
        let windows = format!(
            "$bytes = [Convert]::FromBase64String('{}')\n$packed = …",
            packed(WINDOWS)
        );
        let found = CaptureScript::find(&windows).unwrap();
        assert_eq!(found.platform, Platform::Windows);
    }

    #[test]
    fn other_scripts_and_changed_ones_are_not_ours() {
        assert_eq!(CaptureScript::find("hostname"), None);
        assert_eq!(
            CaptureScript::find("echo AAAA | base64 -d | gzip -dc | bash -s"),
            None
        );
        let changed = format!("touch /tmp/x\n{LINUX}");
        assert!(!CaptureScript::find(&changed).unwrap().is_ours());
    }
}
