//! One lab of the demo, and stayput run against it.

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use stayput_estate::Estate;
use stayput_lab::Endpoints;
use stayput_messages::Message;

use super::AfterDemo;
use super::DemoOptions;
use crate::control::Control;
use crate::error::RehearsalError;
use crate::lab_engine;
use crate::lab_process::DataPlane;
use crate::lab_process::LabLifetime;
use crate::lab_process::LabProcess;
use crate::narrator::Narrator;
use crate::program::ChildProgress;

/// A lab that runs.
pub struct DemoLab<'a> {
    /// What the demo was asked for.
    pub options: &'a DemoOptions,
    /// The lab's estate.
    pub estate: Arc<Estate>,
    narrator: &'a dyn Narrator,
    process: LabProcess,
}

impl<'a> DemoLab<'a> {
    /// Starts a lab for the demo in this folder.
    pub async fn up(
        options: &'a DemoOptions,
        narrator: &'a dyn Narrator,
        dir: PathBuf,
    ) -> Result<Self, RehearsalError> {
        let launch = options.launch(dir);
        narrator.say(&format!(
            "$ stayput lab up --scenario {} --machines {}{} --dir {}",
            launch.scenario,
            options.machines,
            match options.data_plane {
                DataPlane::Computed => "",
                DataPlane::Kernel => " --dataplane kernel",
            },
            launch.dir.display()
        ));
        let lifetime = match options.after {
            AfterDemo::StopLab => LabLifetime::OfParent,
            AfterDemo::KeepLab => LabLifetime::Independent,
        };
        let process = LabProcess::start(&options.program, &launch, lifetime).await?;
        Ok(Self {
            options,
            estate: lab_engine::load_estate(process.endpoints())?,
            narrator,
            process,
        })
    }

    /// Where everything of the lab is.
    pub fn endpoints(&self) -> &Endpoints {
        self.process.endpoints()
    }

    /// The lab's control.
    pub fn control(&self) -> &Control {
        self.process.control()
    }

    /// Who is told.
    pub fn narrator(&self) -> &'a dyn Narrator {
        self.narrator
    }

    /// Tells.
    pub fn say(&self, text: impl Display) {
        self.narrator.say(&text.to_string());
    }

    /// Tells that a chapter begins.
    pub fn begin_chapter(&self, title: &Message) {
        self.say(heading(title));
    }

    /// Stops the lab, or says how to use it.
    pub async fn leave(self) -> Result<(), RehearsalError> {
        match self.options.after {
            AfterDemo::KeepLab => {
                let dir = self.endpoints().dir.display();
                self.say(Message::new("demo-lab-goes-on").with("dir", dir));
                Ok(())
            }
            AfterDemo::StopLab => Ok(self.process.stop().await?),
        }
    }

    /// Runs a stayput command as its user would, shown with its progress, and gives its JSON.
    pub async fn command<A: AsRef<str>>(&self, args: &[A]) -> Result<Value, RehearsalError> {
        let words: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
        self.say(format!("\n$ stayput {}", words.join(" ")));
        self.run(args, self.options.progress).await
    }

    /// The same, unseen.
    pub async fn ask<A: AsRef<str>>(&self, args: &[A]) -> Result<Value, RehearsalError> {
        self.run(args, ChildProgress::Hidden).await
    }

    async fn run<A: AsRef<str>>(
        &self,
        args: &[A],
        progress: ChildProgress,
    ) -> Result<Value, RehearsalError> {
        let env = self.endpoints().env();
        self.options.program.run(args, env, progress).await
    }
}

/// A chapter's title, as it is told.
pub fn heading(title: &Message) -> String {
    format!("\n── {title} ──")
}
