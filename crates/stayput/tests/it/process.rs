//! Processes that a test watches: whether they run, and when they have ended.

use std::process::Command;
use std::time::Duration;
use std::time::Instant;

/// How long something may take that happens by itself.
const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two looks at it.
const LOOK: Duration = Duration::from_millis(20);

/// Looks again and again; `false` if it is not so in time.
pub fn until(mut is_so: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while !is_so() {
        if started.elapsed() > PATIENCE {
            return false;
        }
        std::thread::sleep(LOOK);
    }
    true
}

/// Sends a process a signal; `false` if there is no such process.
pub fn signal(pid: u32, signal: &str) -> bool {
    let kill = format!("kill -{signal} {pid} 2>/dev/null");
    let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
    sent.success()
}

/// Whether a process runs.
pub fn is_running(pid: u32) -> bool {
    signal(pid, "0")
}
