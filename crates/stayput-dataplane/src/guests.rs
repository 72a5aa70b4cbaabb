//! Machines in which scripts of the lab's guests are really run.

use stayput_lab::Guest;
use stayput_lab::GuestShell;
use stayput_lab::NoShell;
use stayput_lab::ScriptOutput;

use crate::privilege::Privilege;

/// Runs each script in network namespaces of its own.
#[derive(Debug, Clone, Copy)]
pub struct GuestMachines(
    #[expect(dead_code, reason = "it shows that namespaces can be made")] Privilege,
);

impl GuestMachines {
    /// Creates it for a process that may create namespaces.
    pub fn new(privilege: Privilege) -> Self {
        Self(privilege)
    }
}

impl GuestShell for GuestMachines {
    #[cfg(target_os = "linux")]
    fn run(&self, guest: &Guest, script: &str) -> Result<ScriptOutput, NoShell> {
        crate::linux::run_script(guest, script)
            .map_err(|error| NoShell(format!("no machine for the guest can be made: {error}")))
    }

    #[cfg(not(target_os = "linux"))]
    fn run(&self, _: &Guest, _: &str) -> Result<ScriptOutput, NoShell> {
        Err(NoShell("network namespaces need Linux".to_owned()))
    }
}
