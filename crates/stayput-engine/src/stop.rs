//! Asking a run to stop: no new steps, calls in flight are waited for.

use tokio::sync::watch;

/// Where a run looks whether it shall stop.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// Where it is asked to.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

impl Stop {
    /// A pair: one end to ask, the other to look.
    pub fn channel() -> (Stopper, Self) {
        let (sender, receiver) = watch::channel(false);
        (Stopper(sender), Self(receiver))
    }

    /// One that is never asked.
    pub fn never() -> Self {
        Self::channel().1
    }

    /// Whether the run shall stop.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the run shall stop; for ever if nobody can ask any more.
    pub async fn asked(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Stopper {
    /// Asks the run to begin no new steps and to end its waits.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }
}
