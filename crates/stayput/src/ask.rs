//! Confirmation on the terminal.

use std::io::IsTerminal;
use std::io::Write;

use stayput_messages::Message;

use crate::cli::Global;
use crate::error::CommandError;
use crate::error::Kind;
use crate::ui;

/// Whether a person can be asked.
pub fn is_possible(global: &Global) -> bool {
    !global.no_input && !global.json && std::io::stdin().is_terminal()
}

/// Asks for one line; `None` if it is empty. Ask only if [it is possible](is_possible).
pub fn line(prompt: &Message) -> Option<String> {
    let mut terminal = anstream::stderr();
    let _ = write!(terminal, "{} ", ui::clean_lines(&prompt.to_string()));
    let _ = terminal.flush();
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).ok()?;
    let answer = answer.trim();
    (!answer.is_empty()).then(|| answer.to_owned())
}

/// Shows what will be done and asks for confirmation.
///
/// # Errors
/// There is no terminal to confirm on; the answer was not `yes`.
pub fn confirm(global: &Global, shown: &str, look_first: Message) -> Result<(), CommandError> {
    if !is_possible(global) {
        return Err(
            CommandError::new(Kind::Usage, Message::new("not-applied-without-terminal"))
                .hint(look_first),
        );
    }
    let mut terminal = anstream::stderr();
    let shown = ui::clean_lines(shown);
    let _ = write!(terminal, "{shown}\n{} ", Message::new("confirm"));
    let _ = terminal.flush();
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    if read.is_ok() && answer.trim() == "yes" {
        Ok(())
    } else {
        Err(CommandError::new(Kind::Failed, Message::new("not-applied")))
    }
}
