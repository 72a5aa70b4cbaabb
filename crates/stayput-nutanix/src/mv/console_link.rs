//! Which VM a machine became: Move tells it only inside a link (Move reference §5).

use stayput_estate::VmExtId;

/// The VM in a `VmConsoleLink`, whose path has `vm/<uuid>/proxy`. Strict: anything else is none.
pub(super) fn vm_of(link: &str) -> Option<VmExtId> {
    const BEFORE: &str = "vm/";
    const AFTER: &str = "/proxy";
    const UUID: usize = 36;
    link.match_indices(BEFORE).find_map(|(start, _)| {
        // A longer word that ends in `vm` is another word.
        if link[..start].ends_with(|before: char| before.is_alphanumeric()) {
            return None;
        }
        let rest = &link[start + BEFORE.len()..];
        let uuid = rest.get(..UUID)?;
        let matches = is_uuid(uuid) && rest[UUID..].starts_with(AFTER);
        matches.then(|| VmExtId::new(uuid.to_ascii_lowercase()))
    })
}

/// Whether a text is hex in groups of 8-4-4-4-12.
fn is_uuid(text: &str) -> bool {
    text.bytes().enumerate().all(|(place, byte)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "bdbbad7a-a401-4f9a-a789-2b8406905b56";

    #[test]
    fn the_vm_is_read_from_the_path_of_the_link() {
        let link = format!(
            "https://pc:9440/console/lib/noVNC/vnc_auto.html?path=vnc/vm/{UUID}/proxy&name=app01"
        );
        assert_eq!(vm_of(&link), Some(UUID.into()));
    }

    #[test]
    fn the_id_is_lower_case_as_prism_spells_it() {
        let link = format!("/vm/{}/proxy", UUID.to_uppercase());
        assert_eq!(vm_of(&link), Some(UUID.into()));
    }

    #[test]
    fn a_link_of_another_form_gives_nothing() {
        for link in [
            "",
            "vm/",
            "vm/app01/proxy",
            &format!("vm/{UUID}"),
            &format!("vm/{UUID}0/proxy"),
            &format!("myvm/{UUID}/proxy"),
            "vm/bdbbad7a-a401-4f9a-a789-2b8406905b5g/proxy",
            "vm/ééééééééééééééééééééééééééééééééééééé/proxy",
        ] {
            assert_eq!(vm_of(link), None, "{link}");
        }
    }

    #[test]
    fn a_first_part_that_does_not_match_does_not_hide_a_second() {
        let link = format!("https://vm/console?path=/vm/{UUID}/proxy");
        assert_eq!(vm_of(&link), Some(UUID.into()));
    }
}
