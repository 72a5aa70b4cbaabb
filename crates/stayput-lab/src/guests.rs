//! Threads that run the scripts of guests, outside the lab's lock.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::thread;

use crate::aws::ssm;
use crate::aws::ssm::guest::GuestJob;
use crate::aws::ssm::guest::GuestShell;
use crate::state::LabState;

/// How many guests run at the same time: a script needs a processor for about a second.
const AT_ONCE: usize = 2;

/// The threads. They end with it, after the scripts that they are running.
pub(crate) struct GuestPool(mpsc::Sender<GuestJob>);

impl fmt::Debug for GuestPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuestPool")
    }
}

impl GuestPool {
    /// Starts the threads. Without any, the lab is told that it has no shell.
    pub(crate) fn start(shell: &Arc<dyn GuestShell>, state: &Arc<Mutex<LabState>>) -> Self {
        let (jobs, queue) = mpsc::channel::<GuestJob>();
        let queue = Arc::new(Mutex::new(queue));
        let mut started = 0;
        for _ in 0..AT_ONCE {
            let (shell, state) = (Arc::clone(shell), Arc::clone(state));
            let queue = Arc::clone(&queue);
            let work = move || {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = next else { return };
                    let said = shell.run(&job.guest, &job.script);
                    let mut lab = state.lock().unwrap_or_else(PoisonError::into_inner);
                    lab.catch_up();
                    ssm::resume(&mut lab, &job, said);
                    lab.changed();
                }
            };
            let made = thread::Builder::new().name("guest".to_owned()).spawn(work);
            started += usize::from(made.is_ok());
        }
        let mut lab = state.lock().unwrap_or_else(PoisonError::into_inner);
        lab.guests.has_shell = started > 0;
        Self(jobs)
    }

    /// Hands over the jobs that wait.
    pub(crate) fn take(&self, lab: &mut LabState) {
        for job in lab.guests.jobs.drain(..) {
            // It cannot fail while a thread waits, and without threads there are no jobs.
            let _ = self.0.send(job);
        }
    }
}
