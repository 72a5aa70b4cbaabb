//! `stayput config`: check, schema, init. Contacts no system.

use serde_json::json;
use stayput_messages::Message;

use crate::cli::ConfigCommand;
use crate::cli::Global;
use crate::error::CommandError;
use crate::output::Output;
use crate::session::ca_files_exist;
use crate::session::load_estate;

pub fn run(global: &Global, command: &ConfigCommand) -> Result<Output, CommandError> {
    match command {
        ConfigCommand::Check => {
            let estate = load_estate(&global.file)?;
            ca_files_exist(&estate)?;
            let text = Message::new("config-is-right")
                .with("file", global.file.display())
                .with("estate", &estate.name)
                .count("networks", estate.networks.len())
                .count("sites", estate.sites.len())
                .count("waves", estate.waves.len())
                .count("edges", estate.edges.len());
            let names = |keys: Vec<String>| keys;
            let json = json!({
                "ok": true,
                "estate": estate.name,
                "networks": names(estate.networks.keys().map(ToString::to_string).collect()),
                "sites": names(estate.sites.keys().map(ToString::to_string).collect()),
                "waves": names(estate.waves.keys().map(ToString::to_string).collect()),
                "edges": names(estate.edges.keys().map(ToString::to_string).collect()),
            });
            Ok(Output::line(&text, json))
        }
        ConfigCommand::Schema => {
            let schema = stayput_estate::json_schema();
            Ok(Output::new(format!("{schema:#}\n"), schema))
        }
        ConfigCommand::Init => Ok(Output::new(
            stayput_estate::TEMPLATE,
            json!({ "template": stayput_estate::TEMPLATE }),
        )),
    }
}
