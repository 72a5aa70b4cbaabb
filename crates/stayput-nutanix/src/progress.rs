//! What is told while a task is waited for.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use stayput_estate::SiteName;
use stayput_estate::TaskExtId;
use stayput_messages::Message;

/// A look at a task that is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskProgress {
    /// The site whose Prism Central runs it.
    pub site: SiteName,
    /// What it is for, such as `add a NIC with … to VM …`.
    pub what: Message,
    /// The task.
    pub task: TaskExtId,
    /// Its status as received.
    pub status: String,
    /// How far it is, 0 to 100.
    pub percent: Option<u8>,
    /// How long it has been waited for.
    pub waited: Duration,
}

type Listener = dyn Fn(&TaskProgress) + Send + Sync;

/// Who is told of looks at tasks.
#[derive(Clone, Default)]
pub(crate) struct Progress(Option<Arc<Listener>>);

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "told" } else { "not told" })
    }
}

impl Progress {
    pub(crate) fn to(listener: impl Fn(&TaskProgress) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(listener)))
    }

    pub(crate) fn tell(&self, progress: impl FnOnce() -> TaskProgress) {
        if let Some(listener) = &self.0 {
            listener(&progress());
        }
    }
}
