//! Processes that a test watches: whether they run, and when they have ended.

use std::process::Command;
use std::time::Duration;
use std::time::Instant;

/// The longest wait for a condition.
const PATIENCE: Duration = Duration::from_secs(60);
/// The pause between two checks.
const LOOK: Duration = Duration::from_millis(20);

/// Polls until a condition holds; `false` if it does not hold in time.
pub fn until(mut holds: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while !holds() {
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
