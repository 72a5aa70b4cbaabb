//! Verification: observes everything again and compares it with the plan.

use std::collections::BTreeSet;
use std::time::Duration;

use stayput_estate::InstanceId;
use stayput_estate::NetworkName;
use stayput_estate::SiteName;
use stayput_messages::Message;
use stayput_plan::ExpectedRoute;
use stayput_plan::Survey;
use stayput_plan::Verification;

use crate::Events;
use crate::StepError;
use crate::context::StepContext;
use crate::observe::observe;
use crate::observe::silent_of_lost;

/// How long the world may take to settle before a verification fails: eventual consistency is seconds to tens of seconds
/// (AWS reference §1.5, memory).
const SETTLES_WITHIN: Duration = Duration::from_secs(60);

pub async fn verify(
    context: &StepContext,
    site: &SiteName,
    networks: &BTreeSet<NetworkName>,
    machines: &BTreeSet<InstanceId>,
    lost: &BTreeSet<SiteName>,
    routes: &[ExpectedRoute],
) -> Result<bool, StepError> {
    let what = Message::new("wait-verified").with("site", site).to_string();
    let mut last = Verification::default();
    // Before the run is called done they are asked again.
    let silent = silent_of_lost(&context.estate, &context.world, lost);
    let result = context
        .until(&what, SETTLES_WITHIN, async || {
            context.progress(None, Message::new("note-tracing"));
            let facts = context.ledger.facts().await?;
            let world = observe(
                &context.estate,
                &context.clients,
                &Events::none(),
                &facts,
                &silent,
            )
            .await;
            let survey = Survey::without(&context.estate, &world, &facts, networks, lost.clone());
            last = stayput_plan::verify(&survey, site, machines).of_routes(&world, routes);
            Ok(last.is_passed().then_some(()))
        })
        .await;
    context
        .record(&serde_json::json!({"verification": last, "site": site}))
        .await?;
    match result {
        Ok(()) => {
            context.progress(None, last.summary());
            Ok(false)
        }
        Err(StepError::TooSlow { .. }) => Err(StepError::NotVerified {
            what,
            site: site.clone(),
            verification: Box::new(last),
        }),
        Err(error) => Err(error),
    }
}
