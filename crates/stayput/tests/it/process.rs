//! Processes that a test watches: whether they run, and when they have ended.

use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;

use crate::lab::Answer;

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

/// A running command whose standard error is followed.
pub struct Waiting {
    child: Child,
    lines: Receiver<String>,
}

impl Waiting {
    /// Starts it.
    pub fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = std::io::BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in std::io::BufRead::lines(stderr).map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for a line with this text.
    #[track_caller]
    pub fn until(&self, text: &str) {
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(text) => return,
                Ok(line) => seen.push(line),
                Err(_) => panic!("no `{text}` in\n{}", seen.join("\n")),
            }
        }
    }

    /// Sends it what Ctrl-C sends.
    pub fn interrupt(&self) {
        assert!(signal(self.id(), "INT"));
    }

    /// Waits for its end.
    pub fn end(mut self) -> Answer {
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        let err: Vec<String> = self.lines.iter().collect();
        Answer {
            command: "apply".to_owned(),
            code,
            out: Value::Null.to_string(),
            err: err.join("\n"),
        }
    }
}
