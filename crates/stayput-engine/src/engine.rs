//! One estate, how its systems are reached, and where what must survive is kept.

use std::sync::Arc;

use stayput_estate::Estate;
use stayput_ledger::Ledger;
use stayput_plan::Action;
use stayput_plan::Plan;
use stayput_world::Facts;
use stayput_world::World;

use crate::Clients;
use crate::EngineError;
use crate::Events;
use crate::observe;

/// What was seen at one time.
#[derive(Debug, Clone)]
pub struct Observation {
    /// The world, perhaps in part: it names what could not be read.
    pub world: Arc<World>,
    /// What the ledger knows.
    pub facts: Arc<Facts>,
}

/// What every use case works with. Cloning it is cheap, and the clones share everything.
#[derive(Clone)]
pub struct Engine {
    /// The estate.
    pub estate: Arc<Estate>,
    /// How its systems are reached.
    pub clients: Clients,
    /// What survives.
    pub ledger: Arc<dyn Ledger>,
    /// Who is told.
    pub events: Events,
}

impl Engine {
    /// Reads everything that answers; the world names what does not. Only reads.
    ///
    /// `facts` is what the ledger knows: what it names is asked for by id before a list that lacks it is believed.
    pub async fn observe(&self, facts: &Facts) -> World {
        observe::observe(&self.estate, &self.clients, &self.events, facts).await
    }

    /// Reads the ledger, then everything that answers. Changes nothing, not even the ledger.
    ///
    /// # Errors
    /// The ledger.
    pub async fn look(&self) -> Result<Observation, EngineError> {
        let facts = self.ledger.facts().await?;
        let world = self.observe(&facts).await;
        Ok(Observation {
            world: Arc::new(world),
            facts: Arc::new(facts),
        })
    }

    /// Asks by dry run whether every route of the plan may be written: rights that are missing must not be found out when
    /// the machines have been stopped already.
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
        Ok(())
    }
}
