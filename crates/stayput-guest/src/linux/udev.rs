//! Rules of udev that name interfaces, and the older tables `iftab` and `mactab`.

use crate::ConfigFile;

use super::profile::By;
use super::profile::Configuration;
use super::profile::Renaming;
use super::profile::Selector;

/// A part of a rule, such as `ATTR{address}=="…"`.
struct Part {
    key: String,
    operator: String,
    value: String,
}

/// Reads all files.
pub(crate) fn read<'a>(files: impl IntoIterator<Item = &'a ConfigFile>, into: &mut Configuration) {
    for file in files {
        let is_table = file.path.ends_with("/iftab") || file.path.ends_with("/mactab");
        for (line, text) in lines(&file.text) {
            let renaming = if is_table {
                table_line(file, line, &text)
            } else {
                rule(file, line, &text)
            };
            into.renamings.extend(renaming);
        }
    }
}

/// Whether Debian's helper for cloud images writes a configuration for every interface that appears.
pub(crate) fn has_cloud_helper<'a>(files: impl IntoIterator<Item = &'a ConfigFile>) -> bool {
    let mut files = files.into_iter();
    files.any(|file| file.text.contains("cloud-ifupdown-helper"))
}

fn lines(text: &str) -> Vec<(u32, String)> {
    let mut found: Vec<(u32, String)> = Vec::new();
    let mut joined = false;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        let content = line.trim_end_matches('\\');
        match found.last_mut() {
            Some((_, last)) if joined => last.push_str(content),
            Some(_) | None => found.push((number, content.to_owned())),
        }
        joined = line.ends_with('\\');
    }
    found.retain(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    found
}

fn table_line(file: &ConfigFile, line: u32, text: &str) -> Option<Renaming> {
    let name = text.split_whitespace().next()?;
    let mac = text
        .split_whitespace()
        .skip(1)
        .find(|word| word.matches(':').count() == 5)?;
    Some(Renaming {
        path: file.path.clone(),
        line,
        selectors: vec![Selector::new(By::Mac, mac, line)],
        name: name.to_owned(),
    })
}

fn rule(file: &ConfigFile, line: u32, text: &str) -> Option<Renaming> {
    let parts = parts(text);
    let name = parts
        .iter()
        .find(|part| part.key == "NAME" && matches!(part.operator.as_str(), "=" | ":="))?;
    // A name that udev computes is not bound to the device by this rule.
    if name.value.is_empty() || name.value.contains(['$', '%']) {
        return None;
    }
    let conditions = parts
        .iter()
        .filter(|part| matches!(part.operator.as_str(), "==" | "!="));
    let selectors = conditions.filter_map(|part| {
        let by = match part.key.as_str() {
            "ATTR{address}" | "ATTRS{address}" | "SYSFS{address}" => By::Mac,
            "KERNELS" | "ENV{ID_PATH}" | "ID" | "DEVPATH" => By::Path,
            "DRIVERS" | "DRIVER" | "ENV{ID_NET_DRIVER}" => By::Driver,
            "KERNEL" | "NAME" => By::KernelName,
            // Every network card of both platforms has these.
            "SUBSYSTEM" | "SUBSYSTEMS" | "ACTION" | "ATTR{type}" | "ATTR{dev_id}"
            | "ATTR{dev_port}" => {
                return None;
            }
            _ => By::Other,
        };
        let negation = if part.operator == "!=" { "!" } else { "" };
        let value = part.value.replace('|', &format!(" {negation}"));
        Some(Selector::new(by, &format!("{negation}{value}"), line))
    });
    Some(Renaming {
        path: file.path.clone(),
        line,
        selectors: selectors.collect(),
        name: name.value.clone(),
    })
}

/// The parts of a rule. Values stand in quotation marks and may hold commas.
fn parts(text: &str) -> Vec<Part> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('"') {
        let head = rest[..open].trim_matches([' ', '\t', ',']);
        let at = head.find(['=', '!', '+', '-', ':']).unwrap_or(head.len());
        let (key, operator) = head.split_at(at);
        let Some(close) = rest[open + 1..].find('"') else {
            break;
        };
        found.push(Part {
            key: key.trim().to_owned(),
            operator: operator.trim().to_owned(),
            value: rest[open + 1..open + 1 + close].to_owned(),
        });
        rest = &rest[open + close + 2..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_divided_into_keys_operators_and_values() {
        let parts = parts("SUBSYSTEM==\"net\", ATTR{address}==\"06:1a,x\" , NAME:=\"eth0\", X==\"");
        let parts: Vec<_> = parts
            .iter()
            .map(|part| {
                (
                    part.key.as_str(),
                    part.operator.as_str(),
                    part.value.as_str(),
                )
            })
            .collect();
        assert_eq!(
            parts,
            [
                ("SUBSYSTEM", "==", "net"),
                ("ATTR{address}", "==", "06:1a,x"),
                ("NAME", ":=", "eth0")
            ]
        );
    }
}
