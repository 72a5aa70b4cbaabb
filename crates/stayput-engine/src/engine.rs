//! One estate with its clients, ledger and events.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use stayput_ambient::Ambient;
use stayput_estate::Estate;
use stayput_ledger::Ledger;
use stayput_plan::Action;
use stayput_plan::Plan;
use stayput_world::Facts;
use stayput_world::Unobserved;
use stayput_world::World;

use crate::Clients;
use crate::EngineError;
use crate::Events;
use crate::observe;

/// What was observed at one time.
#[derive(Debug, Clone)]
pub struct Observation {
    /// The world, possibly incomplete: it names what could not be read.
    pub world: Arc<World>,
    /// What the ledger knows.
    pub facts: Arc<Facts>,
}

/// What every use case works with. Cloning it is cheap, and the clones share everything.
///
/// It reads no file and no environment, starts no thread and spawns no task: everything outside is reached through these fields, so that a
/// simulator can put its own in place.
#[derive(Clone)]
pub struct Engine {
    /// The estate.
    pub estate: Arc<Estate>,
    /// How its systems are reached.
    pub clients: Clients,
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// Where events are sent.
    pub events: Events,
    /// Its wall clock, and its randomness for ids and pauses. Clients have their own.
    pub ambient: Ambient,
}

impl Engine {
    /// The time now, for records.
    pub(crate) fn now(&self) -> Timestamp {
        self.ambient.clock.now()
    }

    /// Reads the ledger, then everything that answers. Changes nothing, not even the ledger.
    ///
    /// # Errors
    /// The ledger.
    pub async fn look(&self) -> Result<Observation, EngineError> {
        self.look_without(&[]).await
    }

    /// The same without these systems, which were found silent a short time ago.
    pub(crate) async fn look_without(
        &self,
        silent: &[Unobserved],
    ) -> Result<Observation, EngineError> {
        let facts = self.ledger.facts().await?;
        let world = observe(&self.estate, &self.clients, &self.events, &facts, silent).await;
        Ok(Observation {
            world: Arc::new(world),
            facts: Arc::new(facts),
        })
    }

    /// Checks by dry run that every route of the plan may be written: missing permissions must be found before any machine is stopped.
    pub(crate) async fn may_write_routes(&self, plan: &Plan) -> Result<(), EngineError> {
        for step in &plan.steps {
            let Action::TgwRoute {
                region,
                table,
                cidr,
                to,
                ..
            } = &step.action
            else {
                continue;
            };
            let aws = &self.clients.aws;
            if let Some(call) = aws
                .denied_route_call(region, table, *cidr, to.as_ref())
                .await?
            {
                return Err(EngineError::NotAllowed {
                    call,
                    region: region.clone(),
                    table: table.clone(),
                });
            }
        }
        self.may_start_sources(plan).await
    }

    /// Every instance that the plan starts may be started by the credentials, asked by dry run before its VM is shut down.
    async fn may_start_sources(&self, plan: &Plan) -> Result<(), EngineError> {
        let mut starts: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for step in &plan.steps {
            if let Action::StartSource {
                region,
                machine,
                start: true,
                ..
            } = &step.action
            {
                starts.entry(region).or_default().push(machine.clone());
            }
        }
        for (region, machines) in starts {
            if !self.clients.aws.may_start(region, &machines).await? {
                let region = region.clone();
                return Err(EngineError::MayNotStart { region });
            }
        }
        Ok(())
    }
}
