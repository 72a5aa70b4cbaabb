//! Objects that a list contained and that could not be read: what is left out is not absent, and what is unknown is not right.

use stayput_estate::SiteName;
use stayput_world::ObjectKind;
use stayput_world::Unreadable;

use super::Draft;
use crate::Obstacle;

impl Draft<'_> {
    /// Whether everything of this kind that a Prism Central lists under this name or id could be read. What could not is an obstacle.
    pub(super) fn is_readable(
        &mut self,
        site: &SiteName,
        kind: ObjectKind,
        name: Option<&str>,
        id: Option<&str>,
    ) -> bool {
        let Some(prism) = self.survey.world.prism.get(site) else {
            return true;
        };
        let named = name
            .into_iter()
            .flat_map(|name| prism.unreadable_named(kind, name));
        let of_id = id
            .into_iter()
            .flat_map(|id| prism.unreadable_object(kind, id));
        let matters = |object: &&Unreadable| kind != ObjectKind::Vm || is_about_addresses(object);
        let unreadable: Vec<_> = named.chain(of_id).filter(matters).cloned().collect();
        for object in &unreadable {
            self.obstacle(Obstacle::Unreadable {
                site: site.clone(),
                object: object.clone(),
            });
        }
        unreadable.is_empty()
    }
}

/// Whether a property of a VM that could not be read may be one that plans rest on: its NICs' subnets and addresses, its categories.
fn is_about_addresses(object: &Unreadable) -> bool {
    let path = object.path.to_ascii_lowercase();
    let of_no_concern = ["mac", "cluster", "power"];
    object.is_left_out() || !of_no_concern.iter().any(|word| path.contains(word))
}
