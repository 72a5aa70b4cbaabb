//! Observing: everything the estate touches, read at once into one world.

use std::collections::BTreeSet;

use futures::future::try_join_all;
use stayput_aws::Known;
use stayput_estate::Estate;
use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_world::Facts;
use stayput_world::World;

use crate::Clients;
use crate::EngineError;
use crate::Event;
use crate::Events;

/// Reads AWS in every region, every Prism Central and every Move, of which those of lost sites need not answer. Only reads.
pub async fn observe(
    estate: &Estate,
    clients: &Clients,
    facts: &Facts,
    events: &Events,
    lost: &BTreeSet<SiteName>,
) -> Result<World, EngineError> {
    let needed = &regions_needed(estate, lost);
    let aws = try_join_all(estate.regions().into_iter().map(|region| async move {
        let what = format!("AWS {region}");
        let expected = expected(estate, &region, facts);
        let reading = clients.aws.observe(&region, &expected);
        let observed = read(events, what, reading, needed.contains(&region)).await?;
        Ok::<_, EngineError>(observed.map(|observed| (region, observed)))
    }));
    let prism = try_join_all(clients.prism.iter().map(|(site, client)| async move {
        let what = format!("Prism Central of {site}");
        let observed = read(events, what, client.observe(), !lost.contains(site)).await?;
        Ok::<_, EngineError>(observed.map(|observed| (site.clone(), observed)))
    }));
    let moves = try_join_all(clients.moves.iter().filter_map(|(site, client)| {
        let config = estate.sites.get(site)?.mv.as_ref()?;
        Some(async move {
            let what = format!("Move of {site}");
            let reading = client.observe(
                &config.source_provider,
                &config.target_provider,
                &estate.source.region,
            );
            let observed = read(events, what, reading, !lost.contains(site)).await?;
            Ok::<_, EngineError>(observed.map(|observed| (site.clone(), observed)))
        })
    }));
    let (aws, prism, moves) = futures::try_join!(aws, prism, moves)?;
    Ok(World {
        aws: aws.into_iter().flatten().collect(),
        prism: prism.into_iter().flatten().collect(),
        moves: moves.into_iter().flatten().collect(),
        ..World::default()
    })
}

/// What must be in a region by the configuration and the ledger: asked for by id if no list shows it.
fn expected(estate: &Estate, region: &Region, facts: &Facts) -> Known {
    let mut known = Known::default();
    let source = &estate.source;
    if source.region == *region {
        known.vpcs.insert(source.vpc.clone());
        known.tgws.insert(source.tgw.clone());
        let networks = estate.networks.values();
        known
            .subnets
            .extend(networks.map(|network| network.ec2_subnet.clone()));
        let waves = estate.waves.values();
        known
            .instances
            .extend(waves.flat_map(|wave| wave.select.ids.iter().cloned()));
        known.instances.extend(facts.machines.keys().cloned());
        let in_ec2 = facts
            .machines
            .iter()
            .filter(|(machine, _)| !facts.vms.contains_key(*machine));
        let nics = in_ec2.flat_map(|(_, facts)| &facts.nics);
        known.enis.extend(nics.map(|nic| nic.eni.clone()));
    }
    for site in estate.sites.values().filter(|site| site.region == *region) {
        known.vpcs.insert(site.vpc.clone());
        known.tgws.insert(site.tgw.clone());
    }
    for edge in estate.edges.values().filter(|edge| edge.region == *region) {
        known.tgws.insert(edge.tgw.clone());
        known.attachments.insert(edge.attachment.clone());
    }
    known
}

/// Reads one system; one that need not answer is told of if it does not.
async fn read<T, E: Into<EngineError>>(
    events: &Events,
    what: String,
    reading: impl Future<Output = Result<T, E>>,
    is_needed: bool,
) -> Result<Option<T>, EngineError> {
    events.send(Event::Observing { what: what.clone() });
    match reading.await {
        Ok(observed) => Ok(Some(observed)),
        Err(error) if is_needed => Err(error.into()),
        Err(error) => {
            let why = error.into().to_string();
            events.send(Event::Unobserved { what, why });
            Ok(None)
        }
    }
}

/// Regions in which something is not lost.
fn regions_needed(estate: &Estate, lost: &BTreeSet<SiteName>) -> BTreeSet<Region> {
    let sites = estate.sites.values();
    let mut needed: BTreeSet<_> = sites
        .filter(|site| !lost.contains(&site.name))
        .map(|site| site.region.clone())
        .collect();
    if lost.is_empty() {
        needed.extend(estate.regions());
    }
    needed
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
