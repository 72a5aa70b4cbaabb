//! Whether an action does no more than one that was approved.

use crate::Action;

impl Action {
    /// Whether doing this does what was approved, or less of it: the same, for the same machines and networks or fewer. A route or a prefix is
    /// the same or it is not.
    pub fn is_part_of(&self, approved: &Self) -> bool {
        match self {
            Self::Capture { machines } => {
                let Self::Capture { machines: of } = approved else {
                    return false;
                };
                machines.iter().all(|(id, facts)| of.get(id) == Some(facts))
            }
            Self::Replicate {
                site,
                move_plan,
                source_vpc,
                network,
                machines,
            } => {
                let Self::Replicate {
                    site: of_site,
                    move_plan: of_plan,
                    source_vpc: of_vpc,
                    network: of_network,
                    machines: of,
                } = approved
                else {
                    return false;
                };
                (site, move_plan, source_vpc, network) == (of_site, of_plan, of_vpc, of_network)
                    && machines.is_subset(of)
            }
            Self::Categorize {
                site,
                key,
                value,
                machines,
            } => {
                let Self::Categorize {
                    site: of_site,
                    key: of_key,
                    value: of_value,
                    machines: of,
                } = approved
                else {
                    return false;
                };
                (site, key, value) == (of_site, of_key, of_value) && machines.is_subset(of)
            }
            Self::AwaitRecoveryPoints {
                site,
                recovery,
                machines,
            } => {
                let Self::AwaitRecoveryPoints {
                    site: of_site,
                    recovery: of_recovery,
                    machines: of,
                } = approved
                else {
                    return false;
                };
                (site, recovery) == (of_site, of_recovery) && machines.is_subset(of)
            }
            Self::RunRecovery {
                plan,
                run,
                from,
                to,
                machines,
            } => {
                let Self::RunRecovery {
                    plan: of_plan,
                    run: of_run,
                    from: of_from,
                    to: of_to,
                    machines: of,
                } = approved
                else {
                    return false;
                };
                (plan, run, from, to) == (of_plan, of_run, of_from, of_to) && machines.is_subset(of)
            }
            Self::Verify {
                site,
                networks,
                machines,
                lost,
                routes,
            } => {
                let Self::Verify {
                    site: of_site,
                    networks: of_networks,
                    machines: of,
                    lost: of_lost,
                    routes: of_routes,
                } = approved
                else {
                    return false;
                };
                // No machine named: all are meant.
                let no_more = of.is_empty() || !machines.is_empty() && machines.is_subset(of);
                let routes = routes.len() <= of_routes.len()
                    && routes.iter().all(|route| of_routes.contains(route));
                (site, lost) == (of_site, of_lost)
                    && networks.is_subset(of_networks)
                    && no_more
                    && routes
            }
            Self::RestoreNics {
                site,
                machine,
                nics,
                power,
            } => {
                let Self::RestoreNics {
                    site: of_site,
                    machine: of_machine,
                    nics: of,
                    power: of_power,
                } = approved
                else {
                    return false;
                };
                (site, machine, power) == (of_site, of_machine, of_power) && nics.is_within(of)
            }
            Self::EnsureFlowVpc { .. }
            | Self::EnsureSubnet { .. }
            | Self::Erp { .. }
            | Self::Cutover { .. }
            | Self::TgwRoute { .. }
            | Self::ProtectionPolicy { .. }
            | Self::RecoveryPlan { .. }
            | Self::PowerOff { .. }
            | Self::DeleteVm { .. }
            | Self::ShutDown { .. }
            | Self::StartSource { .. }
            | Self::CancelMovePlan { .. }
            | Self::ReleaseNics { .. }
            | Self::RemoveCopies { .. } => self == approved,
        }
    }
}
