//! Reading the objects of a list one by one, so that an odd one does not hide the others.

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;
use stayput_messages::Message;
use stayput_world::ObjectKind;
use stayput_world::Unreadable;
use stayput_world::UnreadableExtent;

use crate::redact::Redactor;

/// Properties of one object that are read as unknown before the whole object is given up.
const MOST_ODD_PROPERTIES: usize = 8;

/// An object that lists contain.
pub(crate) trait Listed: DeserializeOwned {
    /// What it is.
    const KIND: ObjectKind;

    /// Its id, to notice an object that is listed twice; `None` for kinds without.
    fn key(&self) -> Option<&str>;

    /// Id and name of an object that may not be understood otherwise.
    fn label(json: &Value) -> (Option<String>, Option<String>) {
        let ext_id = text_at(json, &["extId"]);
        let name = text_at(json, &["name"]).or_else(|| {
            // Categories have no other name.
            Some(format!(
                "{}:{}",
                text_at(json, &["key"])?,
                text_at(json, &["value"])?
            ))
        });
        (ext_id, name)
    }
}

/// A text inside an object; an empty one is none.
pub(crate) fn text_at(json: &Value, path: &[&str]) -> Option<String> {
    let found = path.iter().try_fold(json, |json, key| json.get(key))?;
    let text = found.as_str().filter(|text| !text.is_empty())?;
    Some(text.to_owned())
}

/// One object of a list, as far as it could be read.
#[derive(Debug)]
pub(crate) struct Entry<T> {
    /// Its id.
    pub(crate) key: Option<String>,
    /// The object; `None` when it is unreadable as a whole.
    pub(crate) value: Option<T>,
    /// What could not be read.
    pub(crate) notes: Vec<Unreadable>,
}

impl<T: Listed> Entry<T> {
    /// An object that was read without trouble. An empty id is none.
    pub(crate) fn read(value: T) -> Self {
        match value.key() {
            Some("") => Self {
                key: None,
                value: None,
                notes: vec![Unreadable {
                    kind: T::KIND,
                    ext_id: None,
                    name: None,
                    path: "extId".to_owned(),
                    reason: Message::new("malformed-empty").to_string(),
                    extent: UnreadableExtent::Whole,
                }],
            },
            key => Self {
                key: key.map(str::to_owned),
                value: Some(value),
                notes: Vec::new(),
            },
        }
    }

    /// Reads an object. A property that is not understood is read as unknown if the object allows that, and noted; otherwise the
    /// object as a whole is noted and left out.
    pub(crate) fn parse(json: Value, redactor: &Redactor) -> Self {
        let (ext_id, name) = T::label(&json);
        let note = |path: String, reason: String, extent| Unreadable {
            kind: T::KIND,
            ext_id: ext_id.clone(),
            name: name.clone(),
            path: redactor.clean(&path),
            reason: redactor.clean(&reason),
            extent,
        };
        let mut rest = json;
        let mut notes = Vec::new();
        for _ in 0..=MOST_ODD_PROPERTIES {
            let error = match serde_path_to_error::deserialize::<_, T>(&rest) {
                Ok(value) => {
                    let mut entry = Self::read(value);
                    for note in &mut entry.notes {
                        note.name.clone_from(&name);
                    }
                    entry.notes.extend(notes);
                    return entry;
                }
                Err(error) => error,
            };
            let segments: Vec<Segment> = error.path().iter().cloned().collect();
            let path = error.path().to_string();
            let reason = error.into_inner().to_string();
            if forget(&mut rest, &segments) {
                notes.push(note(path, reason, UnreadableExtent::Property));
            } else {
                let whole = note(path, reason, UnreadableExtent::Whole);
                return Self::left_out(ext_id, whole);
            }
        }
        let reason = Message::new("malformed-several-properties").to_string();
        let whole = note(".".to_owned(), reason, UnreadableExtent::Whole);
        Self::left_out(ext_id, whole)
    }

    fn left_out(key: Option<String>, note: Unreadable) -> Self {
        Self {
            key,
            value: None,
            notes: vec![note],
        }
    }
}

/// Makes the property at a path unknown (`null`), or the nearest one around it that is not so already. `false` when only the whole
/// object or an element of a list is left: a list with one element fewer would say that the element is not there.
fn forget(json: &mut Value, path: &[Segment]) -> bool {
    for length in (1..=path.len()).rev() {
        match &path[length - 1] {
            Segment::Map { .. } => {}
            Segment::Enum { .. } => continue,
            Segment::Seq { .. } | Segment::Unknown => return false,
        }
        let target = path[..length]
            .iter()
            .try_fold(&mut *json, |value, segment| match segment {
                Segment::Map { key } => value.get_mut(key),
                Segment::Seq { index } => value.get_mut(*index),
                Segment::Enum { .. } => Some(value),
                Segment::Unknown => None,
            });
        match target {
            Some(value) if !value.is_null() => {
                *value = Value::Null;
                return true;
            }
            Some(_) | None => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use stayput_world::prism::Vm;

    use super::*;
    use crate::prism::WireVm;

    fn parse(json: Value) -> (Option<Vm>, Vec<Unreadable>) {
        let entry = Entry::<WireVm>::parse(json, &Redactor::default());
        (entry.value.map(Vm::from), entry.notes)
    }

    fn vm(nic: Value) -> Value {
        json!({"extId": "v1", "name": "monitor", "powerState": "ON", "nics": [nic]})
    }

    #[test]
    fn an_odd_property_is_unknown_and_named_and_the_rest_is_read() {
        let address = json!({"ipAddress": {"value": "10.0.1.9"}});
        for (nic, path) in [
            (
                json!({"extId": "n", "nicBackingInfo": {"macAddress": ""},
                       "nicNetworkInfo": {"subnet": {"extId": "s"}, "ipv4Config": address}}),
                "nics[0].nicBackingInfo.macAddress",
            ),
            (
                json!({"extId": "n", "nicNetworkInfo": {"subnet": {}, "ipv4Config": address}}),
                "nics[0].nicNetworkInfo.subnet",
            ),
            (
                json!({"extId": "n", "nicNetworkInfo": {"subnet": {"extId": 7}, "ipv4Config": address}}),
                "nics[0].nicNetworkInfo.subnet.extId",
            ),
        ] {
            let (vm, notes) = parse(vm(nic));
            let vm = vm.unwrap();
            assert_eq!(vm.nics[0].address, Some("10.0.1.9".parse().unwrap()));
            assert_eq!(notes[0].path, path);
            assert_eq!(notes[0].extent, UnreadableExtent::Property);
            assert_eq!(notes[0].name.as_deref(), Some("monitor"));
        }
    }

    #[test]
    fn an_address_without_a_value_is_unknown_and_a_cluster_of_null_too() {
        let (vm_, notes) = parse(vm(json!({"extId": "n", "nicNetworkInfo": {
            "subnet": {"extId": "s"}, "ipv4Config": {"ipAddress": {"prefixLength": 32}}}})));
        assert_eq!(vm_.unwrap().nics[0].address, None);
        assert_eq!(notes[0].path, "nics[0].nicNetworkInfo.ipv4Config.ipAddress");
        let (vm, notes) = parse(json!({"extId": "v", "cluster": {"extId": null}}));
        assert_eq!(vm.unwrap().cluster, None);
        assert!(!notes.is_empty());
        assert!(notes.iter().all(|note| !note.is_left_out()));
    }

    #[test]
    fn an_element_of_a_list_is_not_forgotten_but_the_object_left_out() {
        let (vm, notes) = parse(vm(json!({"nicNetworkInfo": {"subnet": {"extId": "s"}}})));
        assert_eq!(vm, None);
        assert_eq!(notes.len(), 1);
        assert!(notes[0].is_left_out());
        assert_eq!(notes[0].ext_id.as_deref(), Some("v1"));
        assert_eq!(notes[0].path, "nics[0]");
        assert!(notes[0].reason.contains("extId"), "{}", notes[0].reason);
    }

    #[test]
    fn what_is_not_an_object_or_has_no_id_is_left_out() {
        for odd in [
            json!(7),
            json!(null),
            json!([]),
            json!({"name": "x"}),
            json!({"extId": 7}),
            json!({"extId": ""}),
        ] {
            let (vm, notes) = parse(odd.clone());
            assert_eq!(vm, None, "{odd}");
            assert!(notes[0].is_left_out(), "{odd}");
        }
    }

    #[test]
    fn secrets_are_not_kept_in_notes() {
        let redactor = Redactor::default().with(["hush-hush"]);
        let json = json!({"extId": "v", "nics": "hush-hush"});
        let entry = Entry::<WireVm>::parse(json, &redactor);
        assert!(!format!("{:?}", entry.notes).contains("hush-hush"));
    }
}
