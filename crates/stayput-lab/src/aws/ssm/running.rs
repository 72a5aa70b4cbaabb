//! Running a command on an instance: its steps, one after the other.

use super::CommandStep;
use super::Outcome;
use super::Platform;
use super::StepOutcome;
use super::guest;
use super::guest::GuestJob;
use super::guest::NoShell;
use super::guest::Ran;
use super::guest::ScriptOutput;
use crate::aws::model::InstanceState;
use crate::faults::Fate;
use crate::state::LabState;

/// Ends a run: what the scripts do in the guest happens now.
pub fn end(lab: &mut LabState, region: &str, id: &str, instance: &str) {
    let now = lab.now();
    let Some(place) = lab.aws.regions.get(region) else {
        return;
    };
    let Some(command) = place.commands.get(id) else {
        return;
    };
    let pending = command
        .invocations
        .get(instance)
        .is_some_and(|invocation| invocation.outcome.is_none());
    if !pending {
        return;
    }
    if command.fate == Some(Fate::Fails) {
        let steps = command.steps.first().map(|step| StepOutcome {
            name: step.name.clone(),
            code: 1,
            stdout: String::new(),
            stderr: "the document worker exited unexpectedly".to_owned(),
            skipped: None,
        });
        let outcome = Outcome {
            status: "Failed",
            details: "Failed",
            code: 1,
            steps: steps.into_iter().collect(),
            ended: now,
        };
        return finish(lab, region, id, instance, outcome);
    }
    let machine = place.instances.get(instance);
    let platform = machine
        .filter(|machine| machine.state == InstanceState::Running)
        .map(|machine| Platform::of(&machine.platform_details));
    match platform {
        Some(platform) => run(lab, region, id, instance, platform),
        None => {
            let outcome = Outcome::without_steps("TimedOut", "DeliveryTimedOut", now);
            finish(lab, region, id, instance, outcome);
        }
    }
}

/// Runs the steps that are left.
fn run(lab: &mut LabState, region: &str, id: &str, instance: &str, platform: Platform) {
    while let Some(step) = next_step(lab, region, id, instance) {
        let done = match skips(&step, platform) {
            Some(why) => StepOutcome {
                name: step.name,
                code: 0,
                stdout: String::new(),
                stderr: String::new(),
                skipped: Some(why),
            },
            None => match guest::run(lab, region, id, instance, &step.script) {
                Ran::Ended(said) => said_by(step.name, said),
                Ran::Waits(job) => return lab.guests.jobs.push(*job),
            },
        };
        let Some(invocation) = invocation(lab, region, id, instance) else {
            return;
        };
        invocation.done.push(done);
    }
    let now = lab.now();
    let Some(invocation) = invocation(lab, region, id, instance) else {
        return;
    };
    let steps = std::mem::take(&mut invocation.done);
    let code = steps
        .iter()
        .map(|step| step.code)
        .find(|code| *code != 0)
        .unwrap_or(0);
    let status = if code == 0 { "Success" } else { "Failed" };
    let outcome = Outcome {
        status,
        details: status,
        code,
        steps,
        ended: now,
    };
    finish(lab, region, id, instance, outcome);
}

/// Continues a run whose step a shell has run, or could not run.
pub fn resume(lab: &mut LabState, job: &GuestJob, said: Result<ScriptOutput, NoShell>) {
    let (region, id) = (&job.guest.region, &job.command);
    let instance = &job.guest.instance;
    // It was cancelled meanwhile.
    if invocation(lab, region, id, instance).is_none_or(|found| found.outcome.is_some()) {
        return;
    }
    let Some(step) = next_step(lab, region, id, instance) else {
        return;
    };
    let done = said_by(step.name, guest::answered(lab, job, said));
    if let Some(invocation) = invocation(lab, region, id, instance) {
        invocation.done.push(done);
    }
    run(lab, region, id, instance, job.guest.kind.platform());
}

fn said_by(name: String, said: ScriptOutput) -> StepOutcome {
    StepOutcome {
        name,
        code: said.code,
        stdout: said.stdout,
        stderr: said.stderr,
        skipped: None,
    }
}

fn next_step(lab: &LabState, region: &str, id: &str, instance: &str) -> Option<CommandStep> {
    let command = lab.aws.regions.get(region)?.commands.get(id)?;
    let done = command.invocations.get(instance)?.done.len();
    command.steps.get(done).cloned()
}

/// Why the agent does not run a step; `None`: it runs it.
fn skips(step: &CommandStep, platform: Platform) -> Option<String> {
    let name = &step.name;
    match &step.precondition {
        Some(wanted) if wanted != platform.name() => Some(format!(
            "Step execution skipped due to unsatisfied preconditions: '\"StringEquals\": [platformType, {wanted}]'. \
             Step name: {name}"
        )),
        // Only guests with Windows have PowerShell, and they have no other shell.
        _ if step.plugin != platform => Some(format!(
            "Step execution skipped due to unsupported plugin: {}. Step name: {name}",
            step.plugin.plugin()
        )),
        _ => None,
    }
}

fn invocation<'a>(
    lab: &'a mut LabState,
    region: &str,
    id: &str,
    instance: &str,
) -> Option<&'a mut super::Invocation> {
    let place = lab.aws.regions.get_mut(region)?;
    place.commands.get_mut(id)?.invocations.get_mut(instance)
}

fn finish(lab: &mut LabState, region: &str, id: &str, instance: &str, outcome: Outcome) {
    let command = lab
        .aws
        .regions
        .get_mut(region)
        .and_then(|region| region.commands.get_mut(id));
    let Some(command) = command else {
        return;
    };
    if command.fate == Some(Fate::Vanishes) {
        command.invocations.remove(instance);
    } else if let Some(invocation) = command.invocations.get_mut(instance) {
        invocation.outcome = Some(outcome);
    }
}
