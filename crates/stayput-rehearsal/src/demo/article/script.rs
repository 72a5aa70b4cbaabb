//! The article's order, as data, made from stayput's own plan of the same chapter: the same work on the same machines, the same tables
//! and targets; only what the article does in another way differs.
//!
//! - The prefixes stand on both Flow VPCs beforehand (the article sets them when it makes the overlay).
//! - EC2 → NC2: the EC2 VPC is detached from its Transit Gateway, then the static routes are made.
//! - Failover: the far table first, then the recovery region's, and that one gets the whole EC2 VPC's prefix.

use std::collections::BTreeSet;
use std::sync::Arc;

use stayput_estate::AttachmentId;
use stayput_estate::Cidr;
use stayput_estate::Estate;
use stayput_estate::Region;
use stayput_estate::TgwRouteTableId;
use stayput_fabric::Change;
use stayput_messages::Message;
use stayput_plan::Action;
use stayput_plan::ErpScope;
use stayput_plan::Phase;
use stayput_plan::Plan;
use stayput_plan::Step;
use stayput_plan::StepId;
use stayput_world::World;
use stayput_world::aws::AttachmentKind;
use stayput_world::aws::TgwTarget;

/// What the article's operator does to routing, one thing at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Detaches the EC2 VPC from its Transit Gateway.
    Detach {
        /// Its region.
        region: Region,
        /// The attachment.
        attachment: AttachmentId,
    },
    /// Makes, or replaces, a static route.
    Route {
        /// Region of the table.
        region: Region,
        /// The table.
        table: TgwRouteTableId,
        /// The prefix.
        cidr: Cidr,
        /// Where it leads.
        to: AttachmentId,
    },
}

impl Operation {
    /// The same for the fabric.
    pub fn change(&self) -> Change {
        match self {
            Self::Detach { region, attachment } => Change::Attachment {
                region: region.clone(),
                attachment: attachment.clone(),
                attached: false,
            },
            Self::Route {
                region,
                table,
                cidr,
                to,
            } => Change::TgwRoute {
                region: region.clone(),
                table: table.clone(),
                cidr: *cidr,
                target: Some(TgwTarget::Attachment(to.clone())),
            },
        }
    }

    /// The same for the prover; `None` where stayput has no such step.
    fn step(&self) -> Option<Step> {
        let Self::Route {
            region,
            table,
            cidr,
            to,
        } = self
        else {
            return None;
        };
        Some(Step {
            id: StepId(format!("route/{region}/{table}/{cidr}/{to}").into()),
            phase: Phase::Route,
            needs: Arc::default(),
            action: Action::TgwRoute {
                region: region.clone(),
                table: table.clone(),
                cidr: *cidr,
                from: None,
                to: Some(TgwTarget::Attachment(to.clone())),
            },
            why: Message::new("demo-why-article").into(),
            inverse: None,
        })
    }

    /// One line for people, with names where the plan has them.
    fn title(&self, plan: &Plan) -> Message {
        match self {
            Self::Detach { .. } => Message::new("demo-step-detach"),
            Self::Route {
                table, cidr, to, ..
            } => Message::new("demo-step-route")
                .with("cidr", cidr)
                .with("to", plan.names.name(to.as_str()))
                .with("table", plan.names.name(table.as_str())),
        }
    }
}

/// One chapter in the article's order.
pub struct Script {
    /// Stayput's own plan of it.
    pub plan: Plan,
    /// Work that touches no traffic; each part must be over before the next.
    pub prepare: Vec<Vec<Step>>,
    /// Work that moves the machines, in one part: a cutover finds its Move plan by the replication before it.
    pub machines: Vec<Step>,
    /// What is then done to routing, each with a line for people.
    pub operations: Vec<(Operation, String)>,
    /// What of all this the prover can be asked about, in this order.
    pub proven: Vec<Step>,
}

/// Why there is no such script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// The EC2 VPC is not attached.
    #[error("{}", Message::new("article-not-attached"))]
    NotAttached,
    /// No prefix of the EC2 VPC covers the network that fails over.
    #[error("{}", Message::new("article-not-covered").with("cidr", .0))]
    NotCovered(Cidr),
}

impl Script {
    /// EC2 → NC2, from stayput's plan to move.
    pub fn of_move(plan: Plan, estate: &Estate, world: &World) -> Result<Self, ScriptError> {
        let region = &estate.source.region;
        let attachment = world
            .aws
            .get(region)
            .into_iter()
            .flat_map(|aws| &aws.attachments)
            .find(|(_, attachment)| {
                attachment.tgw == estate.source.tgw
                    && matches!(&attachment.kind, AttachmentKind::Vpc { vpc, .. } if *vpc == estate.source.vpc)
            })
            .map(|(id, _)| id.clone())
            .ok_or(ScriptError::NotAttached)?;
        let detach = Operation::Detach {
            region: region.clone(),
            attachment,
        };
        let operations = std::iter::once(detach).chain(routes(&plan)).collect();
        Ok(Self::with(plan, operations))
    }

    /// NC2 → NC2, from stayput's plan to fail over.
    pub fn of_failover(
        plan: Plan,
        estate: &Estate,
        world: &World,
        home: &Region,
    ) -> Result<Self, ScriptError> {
        let wide = |cidr: Cidr| {
            let vpc = world
                .aws
                .get(&estate.source.region)
                .and_then(|aws| aws.vpcs.get(&estate.source.vpc));
            let prefixes = vpc.into_iter().flat_map(|vpc| vpc.cidrs.iter().copied());
            prefixes
                .into_iter()
                .find(|prefix| prefix.covers(cidr))
                .ok_or(ScriptError::NotCovered(cidr))
        };
        let mut operations: Vec<Operation> = Vec::new();
        let mut at_home: Vec<Operation> = Vec::new();
        for operation in routes(&plan) {
            match operation {
                Operation::Route {
                    region,
                    table,
                    cidr,
                    to,
                } if region == *home => {
                    let wide = Operation::Route {
                        region,
                        table,
                        cidr: wide(cidr)?,
                        to,
                    };
                    if !at_home.contains(&wide) {
                        at_home.push(wide);
                    }
                }
                Operation::Route { .. } | Operation::Detach { .. } => operations.push(operation),
            }
        }
        operations.append(&mut at_home);
        Ok(Self::with(plan, operations))
    }

    fn with(plan: Plan, operations: Vec<Operation>) -> Self {
        let prepare = vec![part(&plan, is_preparation), part(&plan, is_transit_prefix)];
        let machines = part(&plan, is_of_machines);
        let routes = operations.iter().filter_map(Operation::step);
        let proven = prepare
            .iter()
            .flatten()
            .chain(&machines)
            .cloned()
            .chain(routes)
            .collect();
        let operations = operations
            .into_iter()
            .map(|operation| {
                let title = operation.title(&plan);
                (operation, title.into())
            })
            .collect();
        Self {
            prepare,
            machines,
            operations,
            proven,
            plan,
        }
    }
}

/// The routes of a plan, in its order.
fn routes(plan: &Plan) -> impl Iterator<Item = Operation> {
    plan.steps.iter().filter_map(|step| match &step.action {
        Action::TgwRoute {
            region,
            table,
            cidr,
            to: Some(TgwTarget::Attachment(to)),
            ..
        } => Some(Operation::Route {
            region: region.clone(),
            table: table.clone(),
            cidr: *cidr,
            to: to.clone(),
        }),
        _ => None,
    })
}

/// Steps of a kind, each waiting only for others among them.
fn part(plan: &Plan, wanted: fn(&Action) -> bool) -> Vec<Step> {
    let chosen: Vec<_> = plan
        .steps
        .iter()
        .filter(|step| wanted(&step.action))
        .collect();
    let ids: BTreeSet<_> = chosen.iter().map(|step| &step.id).collect();
    chosen
        .iter()
        .map(|step| {
            let needs = step.needs.iter().filter(|need| ids.contains(need));
            Step {
                needs: Arc::new(needs.cloned().collect()),
                ..(*step).clone()
            }
        })
        .collect()
}

fn is_preparation(action: &Action) -> bool {
    match action {
        Action::Capture { .. }
        | Action::EnsureFlowVpc { .. }
        | Action::EnsureSubnet { .. }
        | Action::Categorize { .. }
        | Action::ProtectionPolicy { .. }
        | Action::RecoveryPlan { .. }
        | Action::AwaitRecoveryPoints { .. }
        | Action::Erp {
            scope: ErpScope::User,
            ..
        } => true,
        Action::Erp { .. }
        | Action::PowerOff { .. }
        | Action::DeleteVm { .. }
        | Action::ShutDown { .. }
        | Action::StartSource { .. }
        | Action::CancelMovePlan { .. }
        | Action::ReleaseNics { .. }
        | Action::RemoveCopies { .. }
        | Action::Replicate { .. }
        | Action::Cutover { .. }
        | Action::RestoreNics { .. }
        | Action::TgwRoute { .. }
        | Action::RunRecovery { .. }
        | Action::Verify { .. } => false,
    }
}

/// The old home's prefix is not taken away: the article does not say to.
fn is_transit_prefix(action: &Action) -> bool {
    matches!(
        action,
        Action::Erp {
            scope: ErpScope::Transit,
            present: true,
            ..
        }
    )
}

fn is_of_machines(action: &Action) -> bool {
    matches!(
        action,
        Action::Replicate { .. }
            | Action::Cutover { .. }
            | Action::RestoreNics { .. }
            | Action::RunRecovery { .. }
    )
}
