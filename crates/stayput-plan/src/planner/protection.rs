//! What protects a network, compared with what is planned: its policy, its recovery plan, the category of its VMs.
//!
//! Where something is missing, `protect` adds it; where something exists and differs, it may be intended, so it is an obstacle. A
//! failover takes either as a reason not to stop any machine.

use std::collections::BTreeSet;

use stayput_estate::CategoryExtId;
use stayput_estate::DomainManagerId;
use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_estate::SubnetExtId;
use stayput_messages::Message;
use stayput_messages::list::and;
use stayput_world::ObjectKind;
use stayput_world::Prism;
use stayput_world::prism::NetworkMapping;
use stayput_world::prism::ProtectionPolicy;
use stayput_world::prism::RecoveryPlan;

use super::Draft;
use super::protect::recovery_name;
use crate::Gap;
use crate::Obstacle;
use crate::Warning;
use crate::object;
use crate::object::listed;
use crate::step::OverlayKind;
use crate::survey::Place;
use crate::survey::overlay_subnet;

/// A network and the two sites it is protected between.
#[derive(Debug, Clone, Copy)]
pub(super) struct Protected<'p> {
    pub(super) network: &'p NetworkName,
    /// Where its machines are.
    pub(super) site: &'p SiteName,
    /// Where their recovery points go.
    pub(super) other: &'p SiteName,
}

/// How much of a thing that `protect` makes is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// There is none of that name.
    Absent,
    /// It lacks parts that can be added without changing what is there.
    Incomplete,
    /// It is as planned, or differs, which is an obstacle.
    Whole,
}

/// What a recovery plan is compared for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Parts that are missing will be added.
    Protect,
    /// It will be run as it is.
    Failover,
}

/// A property that is not as planned.
struct Difference {
    property: String,
    expected: String,
    found: String,
}

/// A value, or that Prism Central does not tell it: unknown is not right.
fn told(value: Option<impl ToString>) -> String {
    value.map_or_else(
        || Message::new("value-not-told").into(),
        |value| value.to_string(),
    )
}

fn difference(property: &Message, expected: impl ToString, found: impl ToString) -> Difference {
    Difference {
        property: property.to_string(),
        expected: expected.to_string(),
        found: found.to_string(),
    }
}

/// What shall be there and is not.
fn absent(property: &Message) -> Difference {
    let (present, absent) = (Message::new("value-present"), Message::new("value-absent"));
    difference(property, present, absent)
}

impl Draft<'_> {
    /// The category of a network, as `key=value`.
    pub(super) fn category_of(&self, network: &NetworkName) -> String {
        format!("{}={network}", self.survey.estate.protection.category)
    }

    /// The id of a network's category at a Prism Central.
    pub(super) fn category_id<'w>(
        &self,
        prism: &'w Prism,
        network: &NetworkName,
    ) -> Option<&'w CategoryExtId> {
        let key = &self.survey.estate.protection.category;
        let mut categories = prism.categories.iter();
        let found = categories.find(|(_, of)| of.key == *key && of.value == network.as_str());
        found.map(|(id, _)| id)
    }

    /// The network's policy at the site of its machines. Each difference is an obstacle.
    pub(super) fn compare_policy(&mut self, of: Protected<'_>) -> Standing {
        let survey = self.survey;
        let name = recovery_name(survey.estate, of.network);
        let Some(prism) = survey.world.prism.get(of.site) else {
            return Standing::Whole;
        };
        if !self.is_readable(of.site, ObjectKind::ProtectionPolicy, Some(&name), None) {
            return Standing::Whole;
        }
        let what = String::from(object::policy(&name));
        let named = prism.policies.iter();
        let named = named.filter(|(_, policy)| policy.name == name);
        let Some((id, policy)) = self.only(of.site, &what, named) else {
            return Standing::Absent;
        };
        self.is_readable(
            of.site,
            ObjectKind::ProtectionPolicy,
            None,
            Some(id.as_str()),
        );
        let mut found = Vec::new();
        let category = self.category_id(prism, of.network);
        if category.is_none_or(|category| !policy.categories.contains(category)) {
            let has = names_of(prism, &policy.categories);
            found.push(difference(
                &Message::new("property-category-of-policy"),
                self.category_of(of.network),
                has,
            ));
        }
        if let Some(there) = survey.world.prism.get(of.other) {
            found.extend(self.schedule_differences(policy, prism, there, of));
        }
        self.tell(of, what, found);
        Standing::Whole
    }

    /// Locations, directions, objective and retention of a policy.
    fn schedule_differences(
        &self,
        policy: &ProtectionPolicy,
        here: &Prism,
        there: &Prism,
        of: Protected<'_>,
    ) -> Vec<Difference> {
        let protection = &self.survey.estate.protection;
        let ends = [
            (of.site, &here.domain_manager),
            (of.other, &there.domain_manager),
        ];
        let mut found = Vec::new();
        let locations: BTreeSet<_> = policy.locations.iter().collect();
        if locations != ends.iter().map(|(_, end)| *end).collect() {
            let locations = locations.into_iter().map(|end| self.site_called(end));
            found.push(difference(
                &Message::new("property-locations"),
                and([of.site, of.other]),
                listed(locations),
            ));
        }
        for ((from, source), (to, target)) in [(ends[0], ends[1]), (ends[1], ends[0])] {
            let mut replications = policy
                .replications
                .iter()
                .filter(|one| one.source == *source && one.target == *target)
                .peekable();
            let direction = Message::new("property-replication")
                .with("from", from)
                .with("to", to);
            if replications.peek().is_none() {
                found.push(absent(&direction));
            }
            for one in replications {
                let objective = protection.rpo.as_secs();
                if one.rpo_seconds != Some(objective) {
                    found.push(difference(
                        &Message::new("property-rpo").part("direction", direction.clone()),
                        format!("{objective} s"),
                        told(one.rpo_seconds.map(|rpo| format!("{rpo} s"))),
                    ));
                }
                if one.retention != Some(protection.retention) {
                    found.push(difference(
                        &Message::new("property-retention").part("direction", direction.clone()),
                        protection.retention,
                        told(one.retention),
                    ));
                }
            }
        }
        found
    }

    /// The network's recovery plan as each of the two Prism Centrals has it, with the mappings of these networks. Each difference is an
    /// obstacle, and so is what is missing of a plan that shall be run.
    pub(super) fn compare_recovery_plan(
        &mut self,
        of: Protected<'_>,
        mapped: &BTreeSet<NetworkName>,
        purpose: Purpose,
    ) -> Standing {
        let survey = self.survey;
        let name = recovery_name(survey.estate, of.network);
        let what = String::from(object::recovery_plan(&name));
        let mut standing = Standing::Absent;
        let mut told = BTreeSet::new();
        for at in [of.site, of.other] {
            let Some(prism) = survey.world.prism.get(at) else {
                continue;
            };
            if !self.is_readable(at, ObjectKind::RecoveryPlan, Some(&name), None) {
                standing = Standing::Whole;
                continue;
            }
            let plans = prism.recovery_plans.iter();
            let plans = plans.filter(|(_, plan)| plan.name == name);
            let Some((id, plan)) = self.only(at, &what, plans) else {
                continue;
            };
            self.is_readable(at, ObjectKind::RecoveryPlan, None, Some(id.as_str()));
            let PlanCheck {
                wrong: mut found,
                lacking,
                dangling,
            } = self.check_plan(plan, prism, of, mapped);
            // A part that is missing may be one that could not be read.
            if !lacking.is_empty() {
                for kind in [ObjectKind::NetworkMapping, ObjectKind::RecoveryStage] {
                    self.is_readable(at, kind, Some(&name), None);
                }
            }
            // Parts are added at the site of the machines.
            if at == of.site {
                standing = match lacking.is_empty() {
                    true => Standing::Whole,
                    false => Standing::Incomplete,
                };
            }
            match purpose {
                Purpose::Protect => {}
                Purpose::Failover => found.extend(lacking),
            }
            for (property, subnet) in dangling {
                let warning = Message::new("warning-subnet-does-not-exist")
                    .with("what", &what)
                    .with("at", at)
                    .with("property", &property)
                    .with("subnet", subnet);
                if told.insert(property) {
                    self.warnings.push(Warning::general(warning));
                }
            }
            // Paired Prism Centrals show the same plan: what is wrong with it is told once.
            found.retain(|difference| told.insert(difference.property.clone()));
            self.tell(Protected { site: at, ..of }, what.clone(), found);
        }
        standing
    }

    /// What is wrong with a plan, and what it lacks.
    fn check_plan(
        &self,
        plan: &RecoveryPlan,
        prism: &Prism,
        of: Protected<'_>,
        mapped: &BTreeSet<NetworkName>,
    ) -> PlanCheck {
        let mut check = PlanCheck::default();
        let wanted = self.category_of(of.network);
        let category: BTreeSet<_> = self
            .category_id(prism, of.network)
            .cloned()
            .into_iter()
            .collect();
        // The other Prism Central may not know the category before a machine that carries it has come there.
        let is_known = !category.is_empty() || self.site_of(&prism.domain_manager) == Some(of.site);
        let property = &Message::new("property-category");
        if plan.categories.is_empty() {
            check
                .lacking
                .push(difference(property, wanted, object::none()));
        } else if is_known && plan.categories != category {
            let has = names_of(prism, &plan.categories);
            check.wrong.push(difference(property, wanted, has));
        } else if !plan.in_several_stages.is_empty() {
            let has = Message::new("value-in-several-stages");
            check.wrong.push(difference(property, wanted, has));
        }
        let ends = [&plan.primary, &plan.recovery].map(|end| self.site_of(end));
        // Of a site that was not observed it is not known which Prism Central is its.
        let is_between = |wanted: [&SiteName; 2]| {
            ends.iter().zip(wanted).all(|(end, site)| match end {
                Some(end) => *end == site,
                None => !self.survey.world.prism.contains_key(site),
            })
        };
        if !is_between([of.site, of.other]) && !is_between([of.other, of.site]) {
            let locations = [&plan.primary, &plan.recovery];
            check.wrong.push(difference(
                &Message::new("property-locations"),
                and([of.site, of.other]),
                listed(locations.into_iter().map(|end| self.site_called(end))),
            ));
            return check;
        }
        for network in mapped {
            let property = Message::new("property-mapping").with("network", network);
            let sides = self.sides(ends, network);
            let touching: Vec<_> = plan
                .mappings
                .iter()
                .filter(|mapping| sides.touch(mapping))
                .collect();
            match touching.as_slice() {
                [] => check.lacking.push(absent(&property)),
                [mapping] => sides.check(&property, mapping, &mut check),
                several => {
                    let one = Message::new("value-one-mapping");
                    let count = Message::new("value-mappings").count("mappings", several.len());
                    check.wrong.push(difference(&property, one, count));
                }
            }
        }
        check
    }

    /// The subnets that a network's mapping shall have; `None` for a site that was not observed.
    fn sides(&self, ends: [Option<&SiteName>; 2], network: &NetworkName) -> Sides {
        let subnet = |end: Option<&SiteName>, kind| {
            let prism = self.survey.world.prism.get(end?)?;
            let found = overlay_subnet(self.survey.estate, prism, end?, kind, network);
            Some(found.ok().flatten().map(|(id, _)| id.clone()))
        };
        let [primary, recovery] = ends;
        Sides {
            primary: subnet(primary, OverlayKind::Production),
            recovery: subnet(recovery, OverlayKind::Production),
            primary_test: subnet(primary, OverlayKind::Test),
            recovery_test: subnet(recovery, OverlayKind::Test),
        }
    }

    /// VMs at the site that carry the network's category and are none of its machines. What a machine was there before may keep it.
    pub(super) fn category_is_its_own(
        &mut self,
        of: Protected<'_>,
        machines: &BTreeSet<InstanceId>,
    ) {
        let survey = self.survey;
        let Some(prism) = survey.world.prism.get(of.site) else {
            return;
        };
        let Some(category) = self.category_id(prism, of.network) else {
            return;
        };
        let own = machines.iter().filter_map(|id| survey.vm_at(id, of.site));
        let mut own: BTreeSet<_> = own.map(|(vm, _)| vm).collect();
        let former = machines.iter().filter_map(|id| survey.former.get(id));
        let former = former.flatten().filter(|(site, _)| site == of.site);
        own.extend(former.map(|(_, vm)| vm));
        let mut strangers = Vec::new();
        for (id, vm) in &prism.vms {
            if vm.categories.contains(category) && !own.contains(id) {
                strangers.push(Obstacle::CarriesCategory {
                    site: of.site.clone(),
                    vm: id.clone(),
                    name: vm.name.clone(),
                    category: self.category_of(of.network),
                    network: of.network.clone(),
                });
            }
        }
        self.obstacles.extend(strangers);
    }

    /// Refuses a failover of these machines while it would leave one of them behind, or bring it up with other addresses.
    pub(super) fn is_protected(&mut self, of: Protected<'_>, machines: &BTreeSet<InstanceId>) {
        let survey = self.survey;
        let mut mapped: BTreeSet<_> = [of.network.clone()].into();
        for facts in machines.iter().filter_map(|id| survey.machines.get(id)) {
            mapped.extend(facts.nics.iter().map(|nic| nic.network.clone()));
        }
        if self.compare_policy(of) == Standing::Absent {
            self.obstacle(Obstacle::Missing {
                site: of.site.clone(),
                what: object::policy(recovery_name(survey.estate, of.network)).into(),
                remedy: self.protect_first(of.network),
            });
        }
        self.compare_recovery_plan(of, &mapped, Purpose::Failover);
        self.category_is_its_own(of, machines);
        let here = survey.world.prism.get(of.site);
        let category = here.and_then(|prism| self.category_id(prism, of.network));
        let points = survey.world.prism.get(of.other);
        let points = points.map(|prism| &prism.recovery_points);
        for machine in machines {
            // Where it is not known which VM it is, that is said.
            let mut known = self.obstacles.iter();
            if known.any(|obstacle| obstacle.whose_identity() == Some(machine)) {
                continue;
            }
            let Some((id, vm)) = survey.vm_at(machine, of.site) else {
                continue;
            };
            self.is_readable(of.site, ObjectKind::Vm, None, Some(id.as_str()));
            let mut gaps = Vec::new();
            if !category.is_some_and(|category| vm.categories.contains(category)) {
                gaps.push(Gap::NoCategory {
                    site: of.site.clone(),
                    category: self.category_of(of.network),
                });
            }
            if points.is_some_and(|points| !points.contains_key(id)) {
                gaps.push(Gap::NoRecoveryPoint {
                    site: of.other.clone(),
                });
            }
            for gap in gaps {
                self.obstacle(Obstacle::NotProtected {
                    machine: machine.clone(),
                    label: survey.label(machine),
                    networks: survey.linked_with(&[of.network.clone()].into()),
                    gap,
                });
            }
        }
    }

    /// The first of that name. Several are an obstacle.
    fn only<T>(
        &mut self,
        site: &SiteName,
        what: &str,
        mut named: impl Iterator<Item = T>,
    ) -> Option<T> {
        let first = named.next();
        let more = named.count();
        if more == 0 {
            return first;
        }
        self.obstacle(Obstacle::NotUnique {
            site: site.clone(),
            what: what.to_owned(),
            count: more + 1,
        });
        first
    }

    /// Makes differences of something that protects a network obstacles.
    fn tell(&mut self, of: Protected<'_>, what: String, differences: Vec<Difference>) {
        let survey = self.survey;
        let machines = self.first_nic_in(of.network);
        let uncovered: BTreeSet<_> = machines
            .iter()
            .filter(|id| matches!(survey.places.get(*id), Some(Place::At(..))))
            .map(|id| survey.label(id))
            .collect();
        for difference in differences {
            self.obstacle(Obstacle::Differs {
                site: of.site.clone(),
                what: what.clone(),
                property: difference.property,
                expected: difference.expected,
                found: difference.found,
                uncovered: uncovered.clone(),
            });
        }
    }

    /// The site a Prism Central is of.
    pub(super) fn site_of(&self, domain_manager: &DomainManagerId) -> Option<&SiteName> {
        let mut prisms = self.survey.world.prism.iter();
        let found = prisms.find(|(_, prism)| prism.domain_manager == *domain_manager);
        found.map(|(site, _)| site)
    }

    fn site_called(&self, domain_manager: &DomainManagerId) -> String {
        let site = self.site_of(domain_manager);
        site.map_or_else(|| domain_manager.to_string(), ToString::to_string)
    }
}

/// What comparing a recovery plan found.
#[derive(Default)]
struct PlanCheck {
    /// Not as planned.
    wrong: Vec<Difference>,
    /// Missing, and can be added.
    lacking: Vec<Difference>,
    /// Sides of mappings that name a subnet instead of one that does not exist.
    dangling: Vec<(String, SubnetExtId)>,
}

/// A side of a mapping: `None` where it is not known what it shall be, `Some(None)` where its subnet does not exist yet.
type Side = Option<Option<SubnetExtId>>;

/// The subnets of a mapping as they shall be.
struct Sides {
    primary: Side,
    recovery: Side,
    primary_test: Side,
    recovery_test: Side,
}

impl Sides {
    /// Whether a mapping is about the network at either site.
    fn touch(&self, mapping: &NetworkMapping) -> bool {
        let is = |side: &Side, of: &Option<SubnetExtId>| matches!((side, of), (Some(Some(wanted)), Some(of)) if wanted == of);
        is(&self.primary, &mapping.primary) || is(&self.recovery, &mapping.recovery)
    }

    fn check(&self, mapped: &Message, mapping: &NetworkMapping, check: &mut PlanCheck) {
        let text = |side: &Option<SubnetExtId>| match side {
            Some(subnet) => Message::new("value-subnet").with("subnet", subnet),
            None => Message::new("value-no-subnet"),
        };
        let of_mapping = |part: Message| {
            Message::new("property-of-mapping")
                .part("mapping", mapped.clone())
                .part("part", part)
        };
        let sides = [
            (
                Message::new("mapping-primary"),
                &self.primary,
                &mapping.primary,
            ),
            (
                Message::new("mapping-recovery"),
                &self.recovery,
                &mapping.recovery,
            ),
            (
                Message::new("mapping-primary-test"),
                &self.primary_test,
                &mapping.primary_test,
            ),
            (
                Message::new("mapping-recovery-test"),
                &self.recovery_test,
                &mapping.recovery_test,
            ),
        ];
        for (part, wanted, is) in sides {
            let property = of_mapping(part);
            match (wanted, is) {
                // Not known is not wrong: its site was not observed.
                (None, _) => {}
                (Some(None), Some(subnet)) => {
                    check.dangling.push((property.into(), subnet.clone()))
                }
                (Some(None), None) => {
                    let wanted = Message::new("value-subnet-of-network");
                    check.wrong.push(difference(&property, wanted, text(is)));
                }
                (Some(wanted), is) if wanted == is => {}
                (Some(wanted), is) => {
                    check
                        .wrong
                        .push(difference(&property, text(wanted), text(is)));
                }
            }
        }
        if mapping.keeps_addresses != Some(true) {
            let property = of_mapping(Message::new("mapping-of-addresses"));
            let enabled = Message::new("value-enabled");
            let is = match mapping.keeps_addresses {
                Some(_) => Message::new("value-disabled"),
                None => Message::new("value-not-told"),
            };
            check.wrong.push(difference(&property, enabled, is));
        }
    }
}

/// Categories as `key=value`, or their ids.
fn names_of(prism: &Prism, categories: &BTreeSet<CategoryExtId>) -> Message {
    listed(categories.iter().map(|id| match prism.categories.get(id) {
        Some(of) => format!("{}={}", of.key, of.value),
        None => id.to_string(),
    }))
}
