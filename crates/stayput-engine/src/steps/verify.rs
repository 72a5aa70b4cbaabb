//! Looking again at everything: what the plan promised must be what is.

use std::collections::BTreeSet;
use std::time::Duration;

use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_fabric::Source;
use stayput_plan::Survey;

use crate::Events;
use crate::StepError;
use crate::observe::observe;
use crate::run::StepContext;

/// How long the world may take to settle before a verification fails: eventual consistency is seconds to tens of seconds
/// (AWS reference §1.5, memory).
const SETTLES_WITHIN: Duration = Duration::from_secs(60);

pub async fn verify(
    context: &StepContext,
    site: &SiteName,
    networks: &BTreeSet<NetworkName>,
    machines: &BTreeSet<InstanceId>,
    lost: &BTreeSet<SiteName>,
) -> Result<bool, StepError> {
    let what = format!("every address delivered at {site}");
    let mut last = String::new();
    let result = context
        .until(&what, SETTLES_WITHIN, async || {
            context.progress(None, "observes and traces everything");
            let facts = context.ledger.facts()?;
            let quiet = Events::none();
            let world = observe(&context.estate, &context.clients, &facts, &quiet, lost)
                .await
                .map_err(observing)?;
            let survey = Survey::without(&context.estate, &world, &facts, networks, lost.clone());
            let fabric = survey.fabric();
            let wanted = |id: &InstanceId| machines.is_empty() || machines.contains(id);
            // Of whom it is not known who they are nothing is traced, so nothing would be wrong.
            let unknown = survey.obstacles.iter().filter(|obstacle| {
                let whose = obstacle.whose_place_is_unknown();
                whose.is_some_and(wanted)
            });
            let mut wrong: Vec<_> = unknown.map(ToString::to_string).collect();
            let mut traced = 0;
            let running = survey.machines.iter().filter(|(id, _)| survey.runs(id));
            for (id, machine) in running.filter(|(id, _)| wanted(id)) {
                for address in machine.addresses() {
                    traced += 1;
                    let verdict = fabric.trace(&Source::OnPrem, address).verdict;
                    if !verdict.is_delivered() || verdict.site() != Some(site) {
                        wrong.push(format!("{} {address}: {verdict}", machine.label(id)));
                    }
                }
            }
            last = wrong.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
            if wrong.is_empty() {
                context.record(&serde_json::json!({"delivered": traced, "site": site}))?;
                Ok(Some(()))
            } else {
                Ok(None)
            }
        })
        .await;
    match result {
        Ok(()) => Ok(false),
        Err(StepError::TooSlow { .. }) => Err(StepError::Failed { what, reason: last }),
        Err(error) => Err(error),
    }
}

fn observing(error: crate::EngineError) -> StepError {
    match error {
        crate::EngineError::Aws(error) => error.into(),
        crate::EngineError::Prism(error) => error.into(),
        crate::EngineError::Move(error) => error.into(),
        crate::EngineError::Ledger(error) => error.into(),
        other => StepError::Failed {
            what: "observing".to_owned(),
            reason: other.to_string(),
        },
    }
}
