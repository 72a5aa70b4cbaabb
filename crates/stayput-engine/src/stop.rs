//! Stops a run on request: no new steps are started, and calls in flight are waited for.

use tokio::sync::watch;

/// The receiving side: whether the run has been asked to stop.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// The sending side: asks the run to stop.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

impl Stop {
    /// A connected pair of both sides.
    pub fn channel() -> (Stopper, Self) {
        let (sender, receiver) = watch::channel(false);
        (Stopper(sender), Self(receiver))
    }

    /// A side that is never asked to stop.
    pub fn never() -> Self {
        Self::channel().1
    }

    /// Whether the run has been asked to stop.
    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until the run is asked to stop; never returns once the [`Stopper`] was dropped without asking.
    pub async fn asked(&self) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|asked| *asked).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Stopper {
    /// Asks the run to start no new steps and to end its waits.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }
}
