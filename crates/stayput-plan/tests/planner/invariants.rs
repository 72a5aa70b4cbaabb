//! What holds for every plan of every estate.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use proptest::prelude::*;

use stayput_estate::Cidr;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_fabric::Fabric;
use stayput_fabric::Source;
use stayput_plan::Action;
use stayput_plan::ErpScope;
use stayput_plan::Goal;
use stayput_plan::Phase;
use stayput_plan::Plan;
use stayput_plan::RecoveryRun;
use stayput_plan::Step;
use stayput_plan::StepId;
use stayput_world::aws::TgwTarget;

use crate::fixture::*;
use crate::resume::interleaved;
use crate::resume::keeps_promises;

/// Everything a step needs, and what that needs; every step of an earlier phase among it.
pub fn needs_of(steps: &[Step], step: &Step) -> BTreeSet<StepId> {
    let by_id: BTreeMap<_, _> = steps.iter().map(|step| (&step.id, step)).collect();
    let earlier = steps.iter().filter(|other| other.phase < step.phase);
    let mut all: BTreeSet<_> = earlier.map(|other| other.id.clone()).collect();
    let mut next: Vec<&StepId> = step.needs.iter().collect();
    while let Some(id) = next.pop() {
        if all.insert(id.clone()) {
            next.extend(&*by_id[id].needs);
        }
    }
    all
}

/// A route an extra table may have.
#[derive(Debug, Clone, Copy)]
enum Extra {
    /// The whole EC2 VPC, by where it is.
    Cover,
    /// The whole EC2 VPC, nowhere.
    Fence,
    /// One network, by where it is.
    Exact(usize),
    /// Everything, by where the EC2 VPC is.
    Default,
    /// Something else, nowhere.
    Unrelated,
}

/// A machine: whether in the goals' networks; of each interface which network and how many secondaries; whether it runs.
type Dweller = (bool, Vec<(usize, usize)>, bool);

/// An estate as it may be.
#[derive(Debug, Clone)]
struct Town {
    /// Networks of the goals, of app, db and dmz.
    moved: [bool; 3],
    /// Machines beside one for each network of the goals.
    machines: Vec<Dweller>,
    /// Where addresses start.
    salt: u32,
    /// Whether Osaka leads the EC2 VPC to Tokyo from its edge, and from its VPCs.
    covers: [bool; 2],
    /// Further VPCs with tables of their own: whether in Osaka, and their routes.
    spokes: Vec<(bool, Vec<Extra>)>,
    /// Whether on-prem reaches Tokyo by Direct Connect instead of a VPN.
    direct_connect: bool,
    /// Whether on-prem prefers Osaka's edge.
    prefers_osaka: bool,
    /// Whether Tokyo's edge has routes of its own to the goals' networks in EC2.
    pinned: bool,
    /// Whether the prefixes stand on Tokyo's transit VPC from the beginning.
    prefixes_stand: bool,
}

const NETWORKS: [&str; 3] = ["app", "db", "dmz"];
const PREFIXES: [[u8; 4]; 3] = [[172, 30, 1, 0], [172, 30, 3, 0], [172, 30, 2, 0]];

fn towns() -> impl Strategy<Value = Town> {
    let extra = prop_oneof![
        Just(Extra::Cover),
        Just(Extra::Fence),
        (0usize..3).prop_map(Extra::Exact),
        Just(Extra::Default),
        Just(Extra::Unrelated),
    ];
    let nics = prop::collection::vec((0usize..3, 0usize..4), 1..=3);
    let machine = (prop::bool::weighted(0.8), nics, prop::bool::weighted(0.85));
    (
        any::<[bool; 3]>().prop_filter("at least one network", |moved| moved.contains(&true)),
        prop::collection::vec(machine, 0..8),
        0u32..245,
        any::<[bool; 2]>(),
        prop::collection::vec((any::<bool>(), prop::collection::vec(extra, 0..4)), 0..3),
        any::<[bool; 4]>(),
    )
        .prop_map(|(moved, machines, salt, covers, spokes, edges)| Town {
            moved,
            machines,
            salt,
            covers,
            spokes,
            direct_connect: edges[0],
            prefers_osaka: edges[1],
            pinned: edges[2],
            prefixes_stand: edges[3],
        })
}

impl Town {
    fn networks(&self) -> Vec<&'static str> {
        (0..3)
            .filter(|at| self.moved[*at])
            .map(|at| NETWORKS[at])
            .collect()
    }

    fn goals(&self) -> [Goal; 5] {
        let networks = self.networks();
        [
            move_in(&networks),
            protect(&networks),
            failover(&networks, OSAKA),
            protect(&networks),
            failback(&networks),
        ]
    }

    fn build(&self) -> Setup {
        let mut setup = Setup::without_machines();
        for network in setup.estate.networks.values_mut() {
            network.recovery = Some(OSAKA.into());
        }
        for (table, covered) in ["o-edges", "o-vpcs"].into_iter().zip(self.covers) {
            if !covered {
                setup.table(table).static_routes.remove(&cidr(LEGACY));
            }
        }
        if self.direct_connect {
            setup.direct_connect_to_tokyo();
        }
        for at in (0..3).filter(|at| self.pinned && self.moved[*at]) {
            let statics = &mut setup.table("t-edges").static_routes;
            statics.insert(prefix(at), to("tgw-attach-legacy"));
        }
        for at in (0..3).filter(|at| self.prefixes_stand && self.moved[*at]) {
            setup.erp(&TOKYO.into(), ErpScope::Transit, prefix(at), true);
        }
        if self.prefers_osaka {
            let edge = setup.estate.edges.get_mut(&OSAKA.into()).unwrap();
            edge.local_preference = 300;
        }
        let mut used = [0u32; 3];
        let mut address = |network: usize| {
            used[network] += 1;
            // 37 and 245 have no common factor, so no address comes twice.
            let offset = 5 + (self.salt + used[network] * 37) % 245;
            prefix(network).nth(offset).unwrap().to_string()
        };
        // Every network of the goals has at least one machine that runs.
        let resident = |at: usize| (true, vec![(at, 0)], true);
        let residents = (0..3).filter(|at| self.moved[*at]).map(resident);
        for (number, (mover, nics, runs)) in
            residents.chain(self.machines.iter().cloned()).enumerate()
        {
            let group: Vec<usize> = (0..3).filter(|at| self.moved[*at] == mover).collect();
            let nics: Vec<String> = nics
                .into_iter()
                .filter(|_| !group.is_empty())
                .map(|(at, secondaries)| {
                    let at = if group.contains(&at) {
                        at
                    } else {
                        group[at % group.len()]
                    };
                    (0..=secondaries)
                        .map(|_| address(at))
                        .collect::<Vec<_>>()
                        .join(" ")
                })
                .collect();
            if !nics.is_empty() {
                setup.machine(&format!("m{number:02}"), &nics, runs);
            }
        }
        for (number, (osaka, extras)) in self.spokes.iter().enumerate() {
            let (letter, there) = if *osaka {
                ("o", to("tgw-attach-peer"))
            } else {
                ("t", to("tgw-attach-legacy"))
            };
            let statics: Vec<_> = extras
                .iter()
                .map(|extra| match extra {
                    Extra::Cover => (cidr(LEGACY), there.clone()),
                    Extra::Fence => (cidr(LEGACY), TgwTarget::Blackhole),
                    Extra::Exact(at) => (prefix(*at), there.clone()),
                    Extra::Default => (Cidr::ALL, there.clone()),
                    Extra::Unrelated => (cidr("10.9.0.0/16"), TgwTarget::Blackhole),
                })
                .collect();
            setup.spoke(letter, &format!("spoke{number}"), &statics);
        }
        setup
    }
}

fn prefix(network: usize) -> Cidr {
    Cidr::containing(PREFIXES[network].into(), 24)
}

fn steps_are_ordered(plan: &Plan) -> Result<(), TestCaseError> {
    let mut seen = BTreeSet::new();
    let phases: Vec<_> = plan.steps.iter().map(|step| step.phase).collect();
    prop_assert!(phases.is_sorted(), "{phases:?}");
    for step in &plan.steps {
        prop_assert!(
            step.needs.is_subset(&seen),
            "{} needs what is not before it",
            step.id
        );
        prop_assert!(seen.insert(step.id.clone()), "{} is there twice", step.id);
    }
    Ok(())
}

/// One table at a time, and no route before its prefix and machines.
fn routes_are_ordered(plan: &Plan) -> Result<(), TestCaseError> {
    let mut last: Option<&Step> = None;
    for step in &plan.steps {
        let Action::TgwRoute {
            region,
            table,
            cidr,
            from,
            to,
        } = &step.action
        else {
            continue;
        };
        let needs = needs_of(&plan.steps, step);
        if let Some(last) = last {
            prop_assert!(needs.contains(&last.id), "{} beside {}", step.id, last.id);
        }
        last = Some(step);
        let undone = Action::TgwRoute {
            region: region.clone(),
            table: table.clone(),
            cidr: *cidr,
            from: to.clone(),
            to: from.clone(),
        };
        prop_assert_eq!(step.inverse.as_ref(), Some(&undone));
        for before in &plan.steps {
            let must_stand = match &before.action {
                Action::Erp {
                    scope: ErpScope::Transit,
                    cidr: prefix,
                    present: true,
                    ..
                } => prefix == cidr,
                Action::Cutover { .. } | Action::RestoreNics { .. } => true,
                _ => false,
            };
            prop_assert!(
                !must_stand || needs.contains(&before.id),
                "{} without {}",
                step.id,
                before.id
            );
        }
    }
    Ok(())
}

/// Validation is a barrier: no machine of any network stops before every network of the command is validated.
fn everything_is_validated_first(plan: &Plan) -> Result<(), TestCaseError> {
    let runs = |step: &&Step, wanted: RecoveryRun| matches!(&step.action, Action::RunRecovery { run, .. } if *run == wanted);
    let planned = plan.steps.iter();
    for stops in planned.filter(|step| runs(step, RecoveryRun::Planned)) {
        prop_assert_eq!(stops.phase, Phase::CutOver, "{}", stops.id);
        let needs = needs_of(&plan.steps, stops);
        let all = plan.steps.iter();
        for check in all.filter(|step| runs(step, RecoveryRun::Validate)) {
            prop_assert!(
                needs.contains(&check.id),
                "{} does not wait for {}",
                stops.id,
                check.id
            );
        }
    }
    Ok(())
}

fn machines_are_safe(setup: &Setup, plan: &Plan) -> Result<(), TestCaseError> {
    let ids: BTreeSet<_> = plan.steps.iter().map(|step| step.id.0.as_str()).collect();
    for step in &plan.steps {
        let needs = needs_of(&plan.steps, step);
        let has = |id: &str| !ids.contains(id) || needs.contains(&StepId(id.into()));
        match &step.action {
            Action::RestoreNics { machine, .. } => {
                prop_assert!(has("capture"), "{} without capture", step.id);
                prop_assert!(
                    has(&format!("cutover/{machine}")),
                    "{} without cutover",
                    step.id
                );
            }
            Action::Cutover { .. } => {
                // A subnet moves as one: nothing stops before everything is ready.
                for id in ids
                    .iter()
                    .filter(|id| id.starts_with("replicate/") || id.starts_with("subnet/"))
                {
                    prop_assert!(has(id), "{} without {id}", step.id);
                }
            }
            Action::Erp {
                scope: ErpScope::Transit,
                present: false,
                ..
            } => {
                let verified = needs.iter().any(|id| id.0.starts_with("verify/"));
                prop_assert!(verified, "{} without a look", step.id);
            }
            Action::EnsureSubnet {
                network,
                cidr,
                gateway,
                pools,
                ..
            } => {
                prop_assert_eq!(Some(*gateway), cidr.nth(1));
                let aws = &setup.world.aws[&setup.estate.source.region];
                let subnet = &setup.estate.networks[network].ec2_subnet;
                let held = aws
                    .enis
                    .values()
                    .filter(|eni| eni.subnet == *subnet)
                    .flat_map(|eni| eni.addresses());
                let reserved = (0..4)
                    .filter_map(|at| cidr.nth(at))
                    .chain([cidr.broadcast()]);
                for address in held.chain(reserved) {
                    prop_assert!(
                        !pools.iter().any(|pool| pool.contains(address)),
                        "{}: {address}",
                        step.id
                    );
                }
            }
            Action::Capture { .. }
            | Action::EnsureFlowVpc { .. }
            | Action::Erp { .. }
            | Action::Replicate { .. }
            | Action::TgwRoute { .. }
            | Action::Categorize { .. }
            | Action::ProtectionPolicy { .. }
            | Action::RecoveryPlan { .. }
            | Action::AwaitRecoveryPoints { .. }
            | Action::RunRecovery { .. }
            | Action::PowerOff { .. }
            | Action::DeleteVm { .. }
            | Action::ShutDown { .. }
            | Action::StartSource { .. }
            | Action::CancelMovePlan { .. }
            | Action::ReleaseNics { .. }
            | Action::RemoveCopies { .. }
            | Action::Verify { .. } => {}
        }
    }
    Ok(())
}

fn plan_is_data(setup: &Setup, goal: &Goal, plan: &Plan) -> Result<(), TestCaseError> {
    let again = setup.plan(goal).unwrap();
    prop_assert_eq!(&again, plan);
    let text = serde_json::to_string(plan).unwrap();
    prop_assert_eq!(serde_json::to_string(&again).unwrap(), text.clone());
    prop_assert_eq!(&serde_json::from_str::<Plan>(&text).unwrap(), plan);
    // The proof depends on the steps only.
    let proof = stayput_plan::prove(&setup.estate, &setup.world, &setup.facts, goal, &plan.steps);
    prop_assert_eq!(proof.as_ref(), Ok(&plan.proof));
    Ok(())
}

/// Every running machine of the networks is reached at its home, and what was reached before still is.
fn all_are_reached(
    start: &Setup,
    end: &Setup,
    networks: &BTreeSet<NetworkName>,
    home: &SiteName,
) -> Result<(), TestCaseError> {
    let [before, after] = [start, end].map(|setup| Fabric::new(&setup.estate, &setup.world));
    for facts in end
        .facts
        .machines
        .values()
        .filter(|facts| facts.was_running)
    {
        for address in facts.addresses() {
            let verdict = after.verdict(&Source::OnPrem, address);
            prop_assert_eq!(verdict.site(), Some(home), "{}: {}", address, verdict);
        }
    }
    for address in before.addresses_of_interest() {
        let mine = start
            .estate
            .network_of(address)
            .is_some_and(|network| networks.contains(&network.name));
        let was = before.verdict(&Source::OnPrem, address);
        if !mine && was.is_delivered() {
            let is = after.verdict(&Source::OnPrem, address);
            prop_assert_eq!(is.site(), was.site(), "{}", address);
        }
    }
    Ok(())
}

#[test]
fn no_network_stops_before_every_network_of_the_command_is_validated() {
    let both: &[&str] = &["app", "db"];
    let setup = Setup::new().after(&[move_in(both), protect(both)]);
    let plan = setup.plan(&failover(both, OSAKA)).unwrap();
    let count = |wanted: RecoveryRun| {
        let steps = plan.steps.iter();
        let of = steps.filter(
            |step| matches!(&step.action, Action::RunRecovery { run, .. } if *run == wanted),
        );
        of.count()
    };
    assert_eq!(
        (count(RecoveryRun::Validate), count(RecoveryRun::Planned)),
        (2, 2)
    );
    everything_is_validated_first(&plan).unwrap();
}

proptest! {
    #![proptest_config(crate::cases(24))]

    #[test]
    fn every_plan_of_every_estate_keeps_the_promises_in_every_order(
        town in towns(),
        choices in prop::collection::vec(any::<prop::sample::Index>(), 64),
    ) {
        let mut setup = town.build();
        let homes = [Some(TOKYO), None, Some(OSAKA), None, Some(TOKYO)];
        for (goal, home) in town.goals().iter().zip(homes) {
            let plan = match setup.plan(goal) {
                Ok(plan) => plan,
                Err(obstacles) => return Err(TestCaseError::fail(format!("{goal}: {obstacles:#?}"))),
            };
            prop_assert!(!plan.steps.is_empty(), "{} has no steps", goal);
            plan_is_data(&setup, goal, &plan)?;
            steps_are_ordered(&plan)?;
            machines_are_safe(&setup, &plan)?;
            everything_is_validated_first(&plan)?;
            let start = setup.clone();
            for step in interleaved(&plan, &choices) {
                let before = setup.clone();
                setup.apply(&step);
                keeps_promises(&before, &step, &setup)?;
            }
            prop_assert_eq!(setup.plan(goal).unwrap().steps, []);
            if let Some(home) = home.map(SiteName::from) {
                routes_are_ordered(&plan)?;
                prop_assert_eq!(&plan.proof.states.last().unwrap().undelivered, &[]);
                all_are_reached(&start, &setup, goal.networks(), &home)?;
            }
        }
    }
}
