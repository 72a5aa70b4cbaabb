//! Move appliances of a scenario.

use stayput_messages::Message;

use super::Fault;
use super::build::Build;
use super::build::find;
use super::format;
use super::ids;
use crate::mv::model::MoveState;
use crate::mv::model::Provider;
use crate::mv::model::ProviderKind;

/// Creates the Move appliances, in the order of their names.
pub(super) fn make(build: &mut Build<'_>) -> Result<(), Fault> {
    let file = build.file;
    for (name, described) in &file.moves {
        find(
            &file.prisms,
            &described.prism,
            Message::new("lab-kind-prism"),
        )?;
        let pc = file
            .prisms
            .keys()
            .position(|prism| prism == described.prism.get_ref())
            .unwrap_or(0);
        let prism = described.prism.get_ref();
        let mut state = MoveState {
            name: name.clone(),
            pc,
            credentials: (described.username.clone(), described.password.clone()),
            token_ttl_secs: described.token_ttl_secs,
            ..MoveState::default()
        };
        for (provider, described) in &described.providers {
            let kind = match described.kind {
                format::ProviderKind::Aws => ProviderKind::Aws {
                    access_key: file
                        .account
                        .as_ref()
                        .map_or_else(String::new, |account| account.access_key.clone()),
                },
                format::ProviderKind::Aos => ProviderKind::Aos {
                    address: format!("prism-{prism}.lab"),
                },
            };
            state.providers.insert(
                ids::uuid("move-provider", &format!("{name}/{provider}")),
                Provider {
                    name: provider.clone(),
                    kind,
                },
            );
        }
        build.lab.moves.push(state);
    }
    Ok(())
}
