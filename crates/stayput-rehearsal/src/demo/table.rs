//! The demo's last words: what each machine had at each moment.

use comfy_table::Table;
use comfy_table::presets;

use super::Stage;
use super::story::MOMENTS;
use super::story::Machine;
use stayput_plan::seconds;

/// Machines shown one by one before the rest is only counted.
const SHOWN: usize = 12;

/// Both tables.
pub fn render(machines: &[Machine], stages: &[Stage]) -> String {
    let mut text = String::from("\n");
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(std::iter::once("machine").chain(MOMENTS.iter().map(|(_, title)| *title)));
    for machine in machines.iter().take(SHOWN) {
        let name = machine.name.as_deref().unwrap_or("(no Name)");
        let cells = MOMENTS.iter().map(|(key, _)| {
            let site = machine.site.get(key).map_or("", String::as_str);
            let lines = [&machine.addresses, &machine.macs]
                .map(|of| of.get(key).cloned().unwrap_or_default().join("\n"));
            format!("{site}\n{}\n{}", lines[0], lines[1])
        });
        table.add_row(std::iter::once(format!("{name}\n{}", machine.instance_id)).chain(cells));
    }
    text.push_str(&format!("{table}\n"));
    if machines.len() > SHOWN {
        text.push_str(&format!("… and {} more machines\n", machines.len() - SHOWN));
    }
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(["stage", "steps", "wall", "virtual", "reached"]);
    for stage in stages {
        table.add_row([
            stage.name.to_owned(),
            stage.steps.to_string(),
            seconds(stage.wall_ms),
            seconds(stage.virtual_ms),
            format!("{} of {}", stage.traces_delivered, stage.traces_total),
        ]);
    }
    text.push_str(&format!("\n{table}\n"));
    text
}
