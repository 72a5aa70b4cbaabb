//! What must survive: facts, runs and the journal of intents and outcomes.
