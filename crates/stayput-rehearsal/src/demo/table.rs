//! The demo's last words: what each machine had at each moment.

use comfy_table::Table;
use comfy_table::presets;
use stayput_messages::Message;

use super::Stage;
use super::story::Machine;
use super::story::moments;
use stayput_plan::seconds;

/// Machines shown one by one before the rest is only counted.
const SHOWN: usize = 12;

/// Both tables.
pub fn render(machines: &[Machine], stages: &[Stage]) -> String {
    let mut text = String::from("\n");
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    let moments = moments();
    let titles = moments.iter().map(|(_, title)| title.clone());
    table.set_header(std::iter::once(Message::new("demo-machine")).chain(titles));
    let no_name = Message::new("demo-no-name").to_string();
    for machine in machines.iter().take(SHOWN) {
        let name = machine.name.as_deref().unwrap_or(&no_name);
        let cells = moments.iter().map(|(key, _)| {
            let site = machine.site.get(key).map_or("", String::as_str);
            let lines = [&machine.addresses, &machine.macs]
                .map(|of| of.get(key).cloned().unwrap_or_default().join("\n"));
            format!("{site}\n{}\n{}", lines[0], lines[1])
        });
        table.add_row(std::iter::once(format!("{name}\n{}", machine.instance_id)).chain(cells));
    }
    text.push_str(&format!("{table}\n"));
    if machines.len() > SHOWN {
        let more = Message::new("demo-more-machines").count("machines", machines.len() - SHOWN);
        text.push_str(&format!("{more}\n"));
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        Message::new("demo-stage"),
        Message::new("demo-stage-steps"),
        Message::new("demo-stage-wall"),
        Message::new("demo-stage-virtual"),
        Message::new("demo-stage-reached"),
    ]);
    for stage in stages {
        table.add_row([
            stage.name.to_owned(),
            stage.steps.to_string(),
            seconds(stage.wall_ms),
            seconds(stage.virtual_ms),
            Message::new("demo-some-of-all")
                .with("some", stage.traces_delivered)
                .with("all", stage.traces_total)
                .into(),
        ]);
    }
    text.push_str(&format!("\n{table}\n"));
    text
}
