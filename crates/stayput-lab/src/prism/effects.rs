//! Changes that tasks make when they complete.

use crate::prism::machines;
use crate::prism::machines::VmEffect;
use crate::prism::model::Failure;
use crate::prism::pairing;
use crate::prism::pairing::PairingEffect;
use crate::prism::plans;
use crate::prism::plans::PlanEffect;
use crate::prism::policies;
use crate::prism::policies::PolicyEffect;
use crate::prism::recovery;
use crate::prism::subnets;
use crate::prism::subnets::SubnetEffect;
use crate::prism::vpcs;
use crate::prism::vpcs::VpcEffect;
use crate::state::LabState;

/// The change that a task makes when it completes.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Changes the VM with this id.
    Vm(String, VmEffect),
    /// Changes the subnet with this id.
    Subnet(String, SubnetEffect),
    /// Changes the Flow VPC with this id.
    Vpc(String, VpcEffect),
    /// Changes the protection policy with this id.
    Policy(String, PolicyEffect),
    /// Changes the recovery plan with this id.
    Plan(String, PlanEffect),
    /// Changes the pairing with another Prism Central.
    Pairing(PairingEffect),
    /// Deletes the test copies of this recovery plan.
    CleanUp(String),
}

/// Completion details of a task: name, value.
pub type Details = Vec<(String, String)>;

/// Applies the change.
///
/// # Errors
/// The reason why it is not possible; nothing has changed then.
pub fn apply(lab: &mut LabState, pc: usize, effect: Effect) -> Result<Details, Failure> {
    match effect {
        Effect::Vm(id, effect) => machines::apply(lab, pc, &id, effect),
        Effect::Subnet(id, effect) => subnets::apply(lab, pc, &id, effect),
        Effect::Vpc(id, effect) => vpcs::apply(lab, pc, &id, effect),
        Effect::Policy(id, effect) => policies::apply(lab, pc, &id, effect),
        Effect::Plan(id, effect) => plans::apply(lab, pc, &id, effect),
        Effect::Pairing(effect) => pairing::apply(lab, pc, effect),
        Effect::CleanUp(plan) => {
            recovery::clean_up(lab, pc, &plan);
            Ok(Vec::new())
        }
    }
}
