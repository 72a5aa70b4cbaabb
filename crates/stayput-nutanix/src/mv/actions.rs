//! Changes that Move would not recognise when they are repeated: sent once, and after doubt only when a look shows that they had no
//! effect; and the actions on one VM of a plan (Move reference §6).

use serde::Serialize;
use stayput_estate::MovePlanId;
use stayput_estate::MoveVmId;
use stayput_messages::Message;
use stayput_world::mv::MoveVm;
use tokio::time::Instant;

use super::MoveClient;
use super::api::Ask;
use super::error::MoveError;
use super::error::NotOffered;
use crate::retry;
use crate::retry::Looks;
use crate::retry::Past;
use crate::retry::Repeat;
use crate::transport::Reply;

/// What became of a change.
pub(super) enum Settled<T> {
    /// It was accepted just now.
    Accepted(Reply),
    /// A look shows that it has taken effect.
    There(T),
}

/// Whether an error of a change means that the thing may already be so.
pub(super) fn is_conflict(error: &MoveError) -> bool {
    matches!(error, MoveError::Api(error) if error.status == 409)
}

/// What is asked of one VM of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum VmAction {
    Cutover,
    Retry,
    Discard,
    Abort,
}

impl VmAction {
    /// As a request spells it; Move offers it in upper case.
    fn word(self) -> &'static str {
        match self {
            Self::Cutover => "cutover",
            Self::Retry => "retry",
            Self::Discard => "discard",
            Self::Abort => "abort",
        }
    }

    fn what(self, plan: &MovePlanId, vm: &MoveVmId) -> Message {
        match self {
            Self::Cutover => Message::new("call-cut-over")
                .with("vm", vm)
                .with("plan", plan),
            Self::Retry => Message::new("call-retry").with("vm", vm).with("plan", plan),
            Self::Discard => Message::new("call-discard")
                .with("vm", vm)
                .with("plan", plan),
            Self::Abort => Message::new("call-abort").with("vm", vm).with("plan", plan),
        }
    }

    fn is_offered(self, vm: &MoveVm) -> bool {
        let offers = |action: &String| action.eq_ignore_ascii_case(self.word());
        vm.actions.iter().any(offers)
    }

    /// Whether it is under way or over; only asked where it is not offered. State words are those seen or inferred (Move reference
    /// §7).
    fn is_done(self, vm: &MoveVm) -> bool {
        let state = vm.state.to_ascii_lowercase();
        match self {
            Self::Cutover => vm.completed || (state.contains("cutover") && vm.error.is_none()),
            Self::Retry => vm.error.is_none() && !state.is_empty() && !state.contains("fail"),
            Self::Discard | Self::Abort => ["abort", "discard", "cancel"]
                .iter()
                .any(|word| state.contains(word)),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ActionAsked {
    spec: ActionSpec,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ActionSpec {
    action: &'static str,
}

impl MoveClient {
    /// Sends a change. After an answer that was lost, and after a conflict, `done` looks several times whether it has taken effect,
    /// and only if not the change is sent again.
    pub(super) async fn settle<T, F>(
        &self,
        ask: &Ask,
        done: impl Fn() -> F,
    ) -> Result<Settled<T>, MoveError>
    where
        F: Future<Output = Result<Option<T>, MoveError>>,
    {
        let started = Instant::now();
        let patience = self.api.change_patience();
        let mut past = Past::new(self.api.entropy());
        let mut unclear = 0;
        loop {
            let error = match self.api.change(ask).await {
                Ok(reply) => return Ok(Settled::Accepted(reply)),
                Err(error) => error,
            };
            unclear += error.call().map_or(0, |call| call.unclear_attempts);
            if unclear > 0 || is_conflict(&error) {
                match self.api.look(Looks::Several, &done).await {
                    Ok(Some(there)) => return Ok(Settled::There(there)),
                    Ok(None) => {}
                    Err(look) if unclear > 0 => {
                        return Err(look.not_looked_up(&self.api.call_of(ask)));
                    }
                    // The refusal tells more than why the look failed.
                    Err(_) => return Err(error),
                }
            }
            let pause = error.outcome().and_then(|outcome| {
                let attempt = past.add(outcome, started, None);
                retry::pause(Repeat::AfterALook, outcome, attempt, patience)
            });
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error.with_unclear_attempts(unclear)),
            }
        }
    }

    /// Asks for the cutover of one VM: Move stops the instance, copies the rest and makes the VM. Returns once it is asked for; look at
    /// [`plan_status`](Self::plan_status) until the VM is completed. One that is on its way or over is fine.
    ///
    /// # Errors
    /// [`MoveError::NotOffered`] when Move does not offer it now; [`MoveError::Missing`] when the VM is not in the plan; those of any
    /// change.
    pub async fn cutover(&self, plan: &MovePlanId, vm: &MoveVmId) -> Result<(), MoveError> {
        self.act(plan, vm, VmAction::Cutover).await
    }

    /// Asks Move to try a VM again that failed, from where it failed. Returns once it is asked for. One that did not fail is fine.
    ///
    /// # Errors
    /// As [`cutover`](Self::cutover).
    pub async fn retry_vm(&self, plan: &MovePlanId, vm: &MoveVmId) -> Result<(), MoveError> {
        self.act(plan, vm, VmAction::Retry).await
    }

    /// Gives up a VM that failed: its copy at the target is dropped (inferred), the source stays as it is. One that is given up
    /// already is fine.
    ///
    /// # Errors
    /// As [`cutover`](Self::cutover).
    pub async fn discard_vm(&self, plan: &MovePlanId, vm: &MoveVmId) -> Result<(), MoveError> {
        self.act(plan, vm, VmAction::Discard).await
    }

    /// Stops the migration of one VM before its cutover; the source stays as it is. One that is given up already is fine.
    ///
    /// # Errors
    /// As [`cutover`](Self::cutover).
    pub async fn abort_vm(&self, plan: &MovePlanId, vm: &MoveVmId) -> Result<(), MoveError> {
        self.act(plan, vm, VmAction::Abort).await
    }

    async fn act(
        &self,
        plan: &MovePlanId,
        vm: &MoveVmId,
        action: VmAction,
    ) -> Result<(), MoveError> {
        let what = action.what(plan, vm);
        let (now, reply) = self.vm_of(plan, vm, &what).await?;
        if !action.is_offered(&now) {
            if action.is_done(&now) {
                return Ok(());
            }
            return Err(MoveError::from(Box::new(NotOffered {
                call: reply.call,
                vm: vm.clone(),
                state: now.state.clone(),
                offered: now.actions.clone(),
            })));
        }
        let path = ["plans", plan.as_str(), "workloads", vm.as_str(), "action"];
        let ask = Ask::post(&path, what.clone()).body(&ActionAsked {
            spec: ActionSpec {
                action: action.word(),
            },
        });
        let done = || async {
            let (now, _) = self.vm_of(plan, vm, &what).await?;
            Ok((!action.is_offered(&now) && action.is_done(&now)).then_some(()))
        };
        self.settle(&ask, done).await?;
        Ok(())
    }

    /// One VM of a plan as it is now.
    async fn vm_of(
        &self,
        plan: &MovePlanId,
        vm: &MoveVmId,
        what: &Message,
    ) -> Result<(MoveVm, Reply), MoveError> {
        let (mut status, reply) = self.look_at_plan(plan, what).await?;
        match status.vms.remove(vm) {
            Some(now) => Ok((now, reply)),
            None => Err(MoveError::Missing {
                call: reply.call,
                what: Message::new("thing-vm").with("vm", vm),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vm(state: &str, actions: &[&str], error: Option<&str>) -> MoveVm {
        MoveVm {
            state: state.to_owned(),
            actions: actions.iter().map(|&action| action.to_owned()).collect(),
            progress: None,
            vm: None,
            error: error.map(str::to_owned),
            completed: state == "Completed",
        }
    }

    #[test]
    fn an_action_is_done_when_the_state_of_the_vm_says_so() {
        for (action, state, error, done) in [
            (VmAction::Cutover, "CutoverLastSync", None, true),
            (VmAction::Cutover, "CutoverFailed", Some("no space"), false),
            (VmAction::Cutover, "Completed", None, true),
            (VmAction::Cutover, "SeedingData", None, false),
            (VmAction::Retry, "SeedingData", None, true),
            (VmAction::Retry, "Failed", Some("no space"), false),
            (VmAction::Retry, "Failed", None, false),
            (VmAction::Retry, "", None, false),
            (VmAction::Discard, "Aborted", None, true),
            (VmAction::Discard, "Failed", Some("no space"), false),
            (VmAction::Abort, "Discarded", None, true),
            (VmAction::Abort, "SeedingData", None, false),
        ] {
            let vm = vm(state, &[], error);
            assert_eq!(action.is_done(&vm), done, "{action:?} {state}");
        }
    }

    #[test]
    fn offers_are_compared_whatever_their_case() {
        let vm = vm("Failed", &["RETRY", "discard"], None);
        assert!(VmAction::Retry.is_offered(&vm));
        assert!(VmAction::Discard.is_offered(&vm));
        assert!(!VmAction::Cutover.is_offered(&vm));
    }
}
