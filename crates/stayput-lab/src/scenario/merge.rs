//! `extends`: combines a scenario with the one it extends.

use std::collections::BTreeMap;

use super::format::Estate;
use super::format::File;
use super::format::Instance;
use super::format::Timing;
use super::format::Wave;

impl File {
    /// Combines this file with the one it extends: a name in this file replaces the same name there, and everything else is
    /// added.
    pub(super) fn over(self, base: Self) -> Self {
        Self {
            summary: self.summary,
            extends: self.extends,
            regions: {
                let mut regions = base.regions;
                for region in self.regions {
                    if !regions.contains(&region) {
                        regions.push(region);
                    }
                }
                regions
            },
            account: self.account.or(base.account),
            on_prem: self.on_prem.or(base.on_prem),
            timing: self.timing.over(base.timing),
            vpcs: by_name(self.vpcs, base.vpcs),
            interfaces: by_name(self.interfaces, base.interfaces),
            tgws: by_name(self.tgws, base.tgws),
            peerings: by_name(self.peerings, base.peerings),
            vpns: by_name(self.vpns, base.vpns),
            dx_gateways: by_name(self.dx_gateways, base.dx_gateways),
            instances: by_key(self.instances, base.instances, Instance::same),
            machines: by_key(self.machines, base.machines, Instance::same),
            bulk: self.bulk.or(base.bulk),
            crowds: by_name(self.crowds, base.crowds),
            prisms: by_name(self.prisms, base.prisms),
            moves: by_name(self.moves, base.moves),
            faults: base.faults.into_iter().chain(self.faults).collect(),
            policy: self.policy.or(base.policy),
            estate: match (self.estate, base.estate) {
                (Some(mine), Some(base)) => Some(mine.over(base)),
                (mine, base) => mine.or(base),
            },
        }
    }
}

impl Estate {
    fn over(self, base: Self) -> Self {
        Self {
            source: self.source.or(base.source),
            sites: by_name(self.sites, base.sites),
            networks: by_name(self.networks, base.networks),
            waves: by_key(self.waves, base.waves, Wave::same),
            edges: by_name(self.edges, base.edges),
            protection: self.protection.or(base.protection),
        }
    }
}

impl Timing {
    fn over(self, base: Self) -> Self {
        Self {
            prism_task: self.prism_task.or(base.prism_task),
            tgw_route: self.tgw_route.or(base.tgw_route),
            nc2_route: self.nc2_route.or(base.nc2_route),
            instance: self.instance.or(base.instance),
            move_prepare: self.move_prepare.or(base.move_prepare),
            move_bytes_per_second: self.move_bytes_per_second.or(base.move_bytes_per_second),
            move_cutover: self.move_cutover.or(base.move_cutover),
            recovery_stage: self.recovery_stage.or(base.recovery_stage),
            dx_update: self.dx_update.or(base.dx_update),
            ssm_command: self.ssm_command.or(base.ssm_command),
        }
    }
}

impl Instance {
    fn same(&self, other: &Self) -> bool {
        self.key.get_ref() == other.key.get_ref()
    }
}

impl Wave {
    fn same(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

fn by_name<T>(mine: BTreeMap<String, T>, mut base: BTreeMap<String, T>) -> BTreeMap<String, T> {
    base.extend(mine);
    base
}

fn by_key<T>(mine: Vec<T>, mut base: Vec<T>, same: impl Fn(&T, &T) -> bool) -> Vec<T> {
    for new in mine {
        match base.iter_mut().find(|old| same(old, &new)) {
            Some(old) => *old = new,
            None => base.push(new),
        }
    }
    base
}
