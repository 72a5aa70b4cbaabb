//! Observing: everything the estate touches, read at once into one world.

use futures::future::try_join_all;
use stayput_estate::Estate;
use stayput_world::Facts;
use stayput_world::World;

use crate::Clients;
use crate::EngineError;
use crate::Event;
use crate::Events;

/// Reads AWS in every region, every Prism Central and every Move. Only reads.
pub async fn observe(
    estate: &Estate,
    clients: &Clients,
    events: &Events,
) -> Result<World, EngineError> {
    let aws = try_join_all(estate.regions().into_iter().map(|region| async move {
        events.send(Event::Observing {
            what: format!("AWS {region}"),
        });
        let observed = clients.aws.observe(&region).await?;
        Ok::<_, EngineError>((region, observed))
    }));
    let prism = try_join_all(clients.prism.iter().map(|(site, client)| async move {
        events.send(Event::Observing {
            what: format!("Prism Central of {site}"),
        });
        Ok::<_, EngineError>((site.clone(), client.observe().await?))
    }));
    let moves = try_join_all(clients.moves.iter().filter_map(|(site, client)| {
        let config = estate.sites.get(site)?.mv.as_ref()?;
        Some(async move {
            events.send(Event::Observing {
                what: format!("Move of {site}"),
            });
            let observed = client
                .observe(
                    &config.source_provider,
                    &config.target_provider,
                    &estate.source.region,
                )
                .await?;
            Ok::<_, EngineError>((site.clone(), observed))
        })
    }));
    let (aws, prism, moves) = futures::try_join!(aws, prism, moves)?;
    Ok(World {
        aws: aws.into_iter().collect(),
        prism: prism.into_iter().collect(),
        moves: moves.into_iter().collect(),
        ..World::default()
    })
}

/// The facts of the ledger, and of machines not captured yet what EC2 shows now.
pub fn captured_or_observed(estate: &Estate, world: &World, facts: &Facts) -> Facts {
    let everything = estate.networks.keys().cloned().collect();
    let (observed, _) = stayput_plan::observe_facts(estate, world, &everything);
    let mut all = facts.clone();
    for (id, machine) in observed {
        all.machines.entry(id).or_insert(machine);
    }
    all
}
