//! Observing: reads everything that the estate uses into one world. What cannot be read is named in the world and is not an error.

use std::collections::BTreeSet;

use futures::future::join_all;
use stayput_aws::AwsError;
use stayput_aws::EndpointState;
use stayput_aws::KnownAwsObjects;
use stayput_estate::Estate;
use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_nutanix::KnownPrismObjects;
use stayput_nutanix::MoveError;
use stayput_nutanix::PrismError;
use stayput_nutanix::Service;
use stayput_world::Facts;
use stayput_world::Silence;
use stayput_world::System;
use stayput_world::Unobserved;
use stayput_world::World;

use crate::Clients;
use crate::Event;
use crate::Events;
use crate::error::chain;

/// Reads AWS in every region, every Prism Central and every Move at the same time. Read-only.
///
/// `facts` is what the ledger knows: an object that it names and a list lacks is requested by id before it counts as absent. `not_asked` are
/// systems that were found silent a short time ago: they are not asked again, and count as they did then.
pub async fn observe(
    estate: &Estate,
    clients: &Clients,
    events: &Events,
    facts: &Facts,
    not_asked: &[Unobserved],
) -> World {
    let is_asked = |system: &System| not_asked.iter().all(|known| known.system != *system);
    let regions = estate.regions().into_iter();
    let regions = regions.filter(|region| is_asked(&System::Aws(region.clone())));
    let aws = join_all(regions.map(|region| async move {
        let expected = expected(estate, &region, facts);
        let before = clients.aws.answers(&region);
        let observed = clients.aws.observe(&region, &expected).await;
        let system = System::Aws(region.clone());
        // A region that has answered other calls meanwhile is not silent: packets may enter there.
        let silence = |error: &AwsError| match silence_of_aws(error) {
            Silence::Silent if clients.aws.answers(&region) > before => Silence::Faulty,
            silence => silence,
        };
        read(events, system, observed, silence).map(|observed| (region, observed))
    }));
    let prism = clients.prism.iter();
    let prism = prism.filter(|(site, _)| is_asked(&System::PrismCentral((*site).clone())));
    let prism = join_all(prism.map(|(site, client)| async move {
        let observed = client.observe(&known_at(site, facts)).await;
        let system = System::PrismCentral(site.clone());
        read(events, system, observed, silence_of_prism).map(|observed| (site.clone(), observed))
    }));
    let moves = join_all(clients.moves.iter().filter_map(|(site, client)| {
        let config = estate.sites.get(site)?.mv.as_ref()?;
        let is_asked = is_asked(&System::Move(site.clone()));
        is_asked.then_some(async move {
            let observed = client
                .observe(
                    &config.source_provider,
                    &config.target_provider,
                    &estate.source.region,
                )
                .await;
            let system = System::Move(site.clone());
            read(events, system, observed, silence_of_move).map(|observed| (site.clone(), observed))
        })
    }));
    let (aws, prism, moves) = futures::join!(aws, prism, moves);
    let mut world = World {
        unobserved: not_asked.to_vec(),
        ..World::default()
    };
    world.aws = seen(aws, &mut world.unobserved);
    world.prism = seen(prism, &mut world.unobserved);
    world.moves = seen(moves, &mut world.unobserved);
    ask_for_named_vms(clients, &mut world).await;
    world
}

/// Systems of sites that are declared lost, and that did not answer the last time. To ask each of them again takes as long as its retries, and
/// machines may be unreachable meanwhile; an answer would change no step that is left.
pub fn silent_of_lost(estate: &Estate, seen: &World, lost: &BTreeSet<SiteName>) -> Vec<Unobserved> {
    let is_of_lost = |system: &System| match system {
        System::Aws(region) => lost
            .iter()
            .filter_map(|site| estate.sites.get(site))
            .any(|site| site.region == *region),
        System::PrismCentral(site) | System::Move(site) => lost.contains(site),
    };
    let unobserved = seen.unobserved.iter();
    unobserved
        .filter(|known| known.silence == Silence::Silent && is_of_lost(&known.system))
        .cloned()
        .collect()
}

/// Requests by id the VMs that Move reports and that their Prism Central does not list: a list may be incomplete.
async fn ask_for_named_vms(clients: &Clients, world: &mut World) {
    for (site, mv) in &world.moves {
        let (Some(client), Some(prism)) = (clients.prism.get(site), world.prism.get_mut(site))
        else {
            continue;
        };
        let made = mv.plans.values().flat_map(|plan| plan.vms.values());
        let made = made.filter_map(|vm| vm.vm.clone());
        let missing: BTreeSet<_> = made
            .filter(|vm| !prism.vms.contains_key(vm) && !prism.confirmed_absent.contains(vm))
            .collect();
        if missing.is_empty() {
            continue;
        }
        // If this fails, they remain not listed.
        if let Ok(found) = client.vms_by_ids(&missing).await {
            let gone = missing.into_iter().filter(|vm| !found.contains_key(vm));
            prism.confirmed_absent.extend(gone);
            prism.vms.extend(found);
        }
    }
}

/// What the ledger knows of a site: the VMs that machines became there.
fn known_at(site: &SiteName, facts: &Facts) -> KnownPrismObjects {
    let vms = facts.vms.values().filter_map(|at| at.get(site));
    // What a machine was before it returned to EC2 must be seen to be off.
    let was = facts.was.values().flatten().filter(|(at, _)| at == site);
    let vms = vms.chain(was.map(|(_, vm)| vm));
    let elsewhere = facts.vms.values().flatten().filter(|(at, _)| *at != site);
    KnownPrismObjects {
        vms: vms.cloned().collect(),
        protected: elsewhere.map(|(_, vm)| vm.clone()).collect(),
        ..KnownPrismObjects::default()
    }
}

/// Returns the parts that were read; adds the others to the list.
fn seen<T, C: FromIterator<T>>(
    parts: Vec<Result<T, Unobserved>>,
    unobserved: &mut Vec<Unobserved>,
) -> C {
    let seen = parts.into_iter().filter_map(|part| match part {
        Ok(part) => Some(part),
        Err(silent) => {
            unobserved.push(silent);
            None
        }
    });
    seen.collect()
}

fn read<T, E: std::error::Error>(
    events: &Events,
    system: System,
    observed: Result<T, E>,
    silence: impl Fn(&E) -> Silence,
) -> Result<T, Unobserved> {
    observed.map_err(|error| {
        let unobserved = Unobserved {
            silence: silence(&error),
            why: without_name(&system, chain(&error)),
            system,
        };
        events.send(Event::Unobserved {
            what: unobserved.system.to_string(),
            why: unobserved.why.clone(),
        });
        unobserved
    })
}

/// The text of an error without the name of its system, which is shown before it.
fn without_name(system: &System, why: String) -> String {
    let name = match system {
        System::Aws(region) => return why.replacen(&format!(" in {region} ("), " (", 1),
        System::PrismCentral(site) => Service::PrismCentral.of(site),
        System::Move(site) => Service::Move.of(site),
    };
    let rest = why
        .strip_prefix(&name)
        .and_then(|rest| rest.strip_prefix(": "));
    rest.map(str::to_owned).unwrap_or(why)
}

/// What must exist in a region according to the configuration and the ledger: requested by id if no list shows it.
fn expected(estate: &Estate, region: &Region, facts: &Facts) -> KnownAwsObjects {
    let mut known = KnownAwsObjects::default();
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

fn silence_of_aws(error: &AwsError) -> Silence {
    match error.endpoint_state() {
        EndpointState::Silent => Silence::Silent,
        // A call that is not sent, because credentials or settings are missing, tells nothing about the region.
        EndpointState::NotAsked | EndpointState::RefusesUs => Silence::Refused,
        EndpointState::Faulty | EndpointState::Answers => Silence::Faulty,
    }
}

fn silence_of_prism(error: &PrismError) -> Silence {
    match error {
        PrismError::Timeout(_) => Silence::Silent,
        PrismError::Connect(error) if error.tls.is_none() => Silence::Silent,
        PrismError::Connect(_) | PrismError::Setup(_) | PrismError::Auth(_) => Silence::Refused,
        PrismError::Api(error) if matches!(error.status, 401 | 403) => Silence::Refused,
        PrismError::Api(_)
        | PrismError::TaskFailed(_)
        | PrismError::TaskLost(_)
        | PrismError::TaskUndone(_)
        | PrismError::Decode(_)
        | PrismError::Unsupported(_)
        | PrismError::Missing(_)
        | PrismError::Differs(_)
        | PrismError::Ambiguous(_)
        | PrismError::List(_)
        | PrismError::InDoubt(_) => Silence::Faulty,
    }
}

fn silence_of_move(error: &MoveError) -> Silence {
    match error {
        MoveError::Timeout(_) => Silence::Silent,
        MoveError::Connect(error) if error.tls.is_none() => Silence::Silent,
        MoveError::Connect(_) | MoveError::Setup(_) | MoveError::Auth(_) => Silence::Refused,
        MoveError::Api(error) if matches!(error.status, 401 | 403) => Silence::Refused,
        MoveError::Api(_)
        | MoveError::Decode(_)
        | MoveError::NotPrepared(_)
        | MoveError::NotOffered(_)
        | MoveError::Missing { .. }
        | MoveError::Ambiguous(_)
        | MoveError::List(_)
        | MoveError::InDoubt(_) => Silence::Faulty,
    }
}

/// The facts of the ledger, and for machines that are not captured yet what EC2 shows now.
pub fn captured_or_observed(estate: &Estate, world: &World, facts: &Facts) -> Facts {
    let everything = estate.networks.keys().cloned().collect();
    let (observed, _) = stayput_plan::observe_facts(estate, world, &everything);
    let mut all = facts.clone();
    for (id, machine) in observed {
        all.machines.entry(id).or_insert(machine);
    }
    all
}
