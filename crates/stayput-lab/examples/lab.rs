//! Runs a lab until it is told to stop: `cargo run -p stayput-lab --example lab -- [SCENARIO [DIR [SPEED]]]`.
//!
//! Prints the environment variables to use it, as lines that a shell can evaluate.

use std::error::Error;
use std::path::PathBuf;

use stayput_lab::LabOptions;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut options = LabOptions::default();
    let mut args = std::env::args().skip(1);
    if let Some(scenario) = args.next() {
        options.scenario = scenario;
    }
    if let Some(dir) = args.next() {
        options.dir = PathBuf::from(dir);
    }
    if let Some(speed) = args.next() {
        options.speed = speed.parse()?;
    }
    let lab = stayput_lab::start(options).await?;
    for (name, value) in lab.endpoints().env() {
        println!("export {name}='{value}'");
    }
    lab.wait().await;
    lab.shutdown().await;
    Ok(())
}
