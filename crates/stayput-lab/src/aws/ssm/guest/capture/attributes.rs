//! Attributes that a person has added to the item of the article's script.

use serde_json::Value as Json;
use serde_json::json;

use super::resolve;
use crate::aws::dynamodb::value::Item;
use crate::aws::dynamodb::value::Value;

/// Returns the attributes whose values stand in the script: `"Owner": {"S": "ops"}` of JSON, or `Owner = @{S = 'ops'}` of
/// PowerShell. A variable has the value of its first assignment. What only a running script could compute is left out.
pub(super) fn find(script: &str) -> Item {
    // JSON in quotation marks of a shell.
    let text = script.replace("\\\"", "\"").replace("`\"", "\"");
    text.match_indices('{')
        .filter_map(|(at, _)| {
            let (before, after) = (text.get(..at)?, text.get(at + 1..)?);
            Some((name(before)?, value(&text, after)?))
        })
        .collect()
}

/// The name before a brace.
fn name(before: &str) -> Option<String> {
    let before = before.trim_end().trim_end_matches('@').trim_end();
    let before = before.strip_suffix([':', '='])?.trim_end();
    let quoted = ['"', '\''].into_iter().find(|mark| before.ends_with(*mark));
    let name = match quoted {
        Some(mark) => before.strip_suffix(mark)?.rsplit(mark).next()?,
        None => before
            .rsplit(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)))
            .next()?,
    };
    (!name.is_empty() && !name.contains(['$', '\n'])).then(|| name.to_owned())
}

/// The value behind a brace: a text, a number or a truth value.
fn value(script: &str, after: &str) -> Option<Value> {
    let (kind, rest) = after.split_once([':', '='])?;
    let kind = kind.trim().trim_matches(['"', '\'']);
    let rest = rest.trim_start();
    let quoted = rest
        .chars()
        .next()
        .filter(|mark| ['"', '\''].contains(mark));
    let (written, rest) = match quoted {
        Some(mark) => rest.get(1..)?.split_once(mark)?,
        None => rest.split_at(rest.find(['}', ';', ','])?),
    };
    // A map or a list of values is none of these.
    if !rest
        .trim_start()
        .trim_start_matches(';')
        .trim_start()
        .starts_with('}')
    {
        return None;
    }
    let text = match quoted {
        Some('\'') | None if !written.contains('$') => written.trim().to_owned(),
        _ if written.contains('$') => resolve(script, written.trim())?,
        _ => written.to_owned(),
    };
    if text.contains(['`', '$']) {
        return None;
    }
    let json = match kind {
        "S" | "N" => json!({ kind: text }),
        "BOOL" => json!({ kind: Json::Bool(text.eq_ignore_ascii_case("true")) }),
        _ => return None,
    };
    Value::from_json(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literal_attributes_of_both_shells_are_found() {
        let bash = "WAVE=7\ncat > /tmp/item.json <<EOF\n{\"InstanceId\": {\"S\": \"$ID\"},\n \"Owner\": {\"S\": \"ops\"},\n \
                    \"Wave\": {\"N\": \"$WAVE\"}, \"Old\": {\"BOOL\": true}}\nEOF\n";
        let escaped = "aws dynamodb put-item --item \"{\\\"Owner\\\":{\\\"S\\\":\\\"ops\\\"}}\"";
        let powershell = "$wave = '7'\n$item = @{ InstanceId = @{ S = $id }; Owner = @{ S = 'ops' }; 'Wave' = @{N=$wave} }";
        let owner = ("Owner".to_owned(), Value::S("ops".to_owned()));
        let wave = Value::from_json(&json!({ "N": "7" })).unwrap();
        for (script, count) in [(bash, 3), (escaped, 1), (powershell, 2)] {
            let found = find(script);
            assert_eq!(found.get(&owner.0), Some(&owner.1), "{script}");
            assert_eq!(found.len(), count, "{found:?}");
            if count > 1 {
                assert_eq!(found.get("Wave"), Some(&wave), "{script}");
            }
        }
    }

    #[test]
    fn what_only_a_running_script_knows_is_left_out() {
        for script in [
            "NAME=$(hostname)\necho '{\"Host\": {\"S\": \"$NAME\"}}'",
            "if ($x) { $y = 1 }",
            "{\"Tags\": {\"M\": {\"a\": \"b\"}}}",
            "${VALUE}",
        ] {
            assert!(find(script).is_empty(), "{script}: {:?}", find(script));
        }
    }
}
