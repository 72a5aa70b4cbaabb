//! A lab of a test's own, and stayput run in its environment.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use stayput_aws::AwsClient;
use stayput_engine::Clients;
use stayput_engine::Engine;
use stayput_engine::Events;
use stayput_estate::Estate;
use stayput_lab::Endpoints;
use stayput_lab::LabOptions;
use stayput_lab::RunningLab;
use stayput_ledger::Ledger;
use stayput_ledger::SqliteLedger;
use stayput_nutanix::Credentials;
use stayput_nutanix::MoveClient;
use stayput_nutanix::PrismClient;
use stayput_world::Facts;
use stayput_world::World;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Two virtual hours a second: the longest copy of the scenario takes just over a second.
pub const FAST: &str = "7200";

/// Both networks that move.
pub const NETS: [&str; 2] = ["app", "db"];

/// The binary, in an environment where only what is needed is set.
pub fn stayput() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stayput"));
    command.env_clear().stdin(Stdio::null());
    for kept in ["PATH", "TMPDIR", "SystemRoot"] {
        command.envs(std::env::var_os(kept).map(|value| (kept, value)));
    }
    command
}

/// The output of a command.
#[derive(Debug)]
pub struct Answer {
    /// What was run.
    pub command: String,
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Answer {
    /// Takes the output of a process.
    pub fn new(command: String, output: Output) -> Self {
        Self {
            command,
            // A signal has no exit code.
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The same, if the exit code is this one.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "`{}` said:\n{}\n{}",
            self.command, self.out, self.err
        );
        self
    }

    /// The one JSON object on standard output.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.out) {
            Ok(value) => value,
            Err(error) => panic!("`{}`: {error} in {}\n{}", self.command, self.out, self.err),
        }
    }

    /// Asserts that standard error has each of these texts.
    #[track_caller]
    pub fn says(&self, texts: &[&str]) -> &Self {
        for text in texts {
            assert!(
                self.err.contains(text),
                "`{}` does not say `{text}`:\n{}",
                self.command,
                self.err
            );
        }
        self
    }

    /// The obstacles of an error, as JSON.
    pub fn obstacles(&self) -> Vec<Value> {
        let answer = self.json();
        let obstacles = answer["error"]["obstacles"].as_array().unwrap();
        obstacles
            .iter()
            .map(|obstacle| {
                assert!(!obstacle["remedy"].as_str().unwrap().is_empty());
                assert!(!obstacle["id"].as_str().unwrap().is_empty());
                assert!(!obstacle["message"].as_str().unwrap().is_empty());
                obstacle["obstacle"].clone()
            })
            .collect()
    }
}

/// A lab that ends with its test.
pub struct Lab {
    dir: TempDir,
    endpoints: Endpoints,
    runtime: Runtime,
    /// The client for its control API.
    client: reqwest::Client,
    /// The lab, when it is in this process and not one of its own.
    inside: Option<RunningLab>,
}

impl Lab {
    /// Starts one with `stayput lab up`.
    pub fn up(args: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let lab = dir.path().join("lab");
        let output = stayput()
            .args(["lab", "up", "--dir"])
            .arg(&lab)
            .args(args)
            .output()
            .unwrap();
        Answer::new(format!("lab up {}", args.join(" ")), output).exits(0);
        Self::with(dir, runtime(), Endpoints::read(&lab).unwrap(), None)
    }

    /// Starts the default scenario.
    pub fn fast() -> Self {
        Self::up(&["--speed", FAST])
    }

    /// Starts one in this process, where its state can be changed in ways no client could.
    pub fn inside() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let runtime = runtime();
        let options = LabOptions {
            dir: dir.path().join("lab"),
            speed: FAST.parse().unwrap(),
            ..LabOptions::default()
        };
        let lab = runtime.block_on(stayput_lab::start(options)).unwrap();
        let endpoints = lab.endpoints().clone();
        Self::with(dir, runtime, endpoints, Some(lab))
    }

    fn with(
        dir: TempDir,
        runtime: Runtime,
        endpoints: Endpoints,
        inside: Option<RunningLab>,
    ) -> Self {
        let pem = fs::read(&endpoints.ca).unwrap();
        let client = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()])
            .no_proxy()
            .build()
            .unwrap();
        Self {
            dir,
            endpoints,
            runtime,
            client,
            inside,
        }
    }

    /// The lab in this process.
    pub fn running(&self) -> &RunningLab {
        self.inside.as_ref().unwrap()
    }

    /// The lab's endpoints.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// A folder beside the lab's.
    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    /// The lab's folder.
    pub fn lab_dir(&self) -> &Path {
        &self.endpoints.dir
    }

    /// A command in the lab's environment, not yet run.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = stayput();
        command.envs(self.endpoints.env()).args(args);
        command
    }

    /// Runs a command.
    pub fn run(&self, args: &[&str]) -> Answer {
        let output = self.command(args).output().unwrap();
        Answer::new(args.join(" "), output)
    }

    /// Runs a command that must succeed, and returns its JSON.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        let mut all = args.to_vec();
        all.extend(["--json", "--quiet"]);
        self.run(&all).exits(0).json()
    }

    /// `status`, every machine.
    #[track_caller]
    pub fn status(&self) -> Value {
        self.json(&["status", "--all"])
    }

    /// Applies a goal to both networks.
    #[track_caller]
    pub fn apply(&self, goal: &[&str]) -> Value {
        self.json(&apply(goal))
    }

    /// Journal entries of all runs.
    pub fn journal(&self) -> Vec<Value> {
        let runs = self.json(&["journal"]);
        let ids = runs["runs"].as_array().unwrap().iter();
        ids.flat_map(|run| {
            let run = self.json(&["journal", run["id"].as_str().unwrap()]);
            run["entries"].as_array().unwrap().clone()
        })
        .collect()
    }

    /// How many steps are recorded as having changed something.
    pub fn steps_done(&self) -> usize {
        let journal = self.journal();
        let outcomes = journal.iter().map(|entry| &entry["outcome"]["outcome"]);
        outcomes.filter(|outcome| **outcome == "done").count()
    }

    /// What the ledger knows.
    pub fn facts(&self) -> Facts {
        let ledger = SqliteLedger::open(&self.lab_dir().join("stayput.db")).unwrap();
        self.wait(ledger.facts()).unwrap()
    }

    /// Adds a fault to the lab; `rule` has the options of `stayput lab fault add` as keys.
    pub fn fault(&self, rule: &Value) {
        let added = self.tell("/faults", rule);
        assert!(added["id"].is_u64(), "{added}");
    }

    /// Removes all faults and asserts that each was applied.
    #[track_caller]
    pub fn clear_faults(&self) {
        for fault in self.ask("/faults")["faults"].as_array().unwrap() {
            assert!(fault["hits"].as_u64() > Some(0), "{fault}");
        }
        self.control(|client, admin| client.delete(format!("{admin}/faults")));
    }

    /// Runs `stayput lab …` on this lab, which must succeed.
    #[track_caller]
    pub fn manage(&self, args: &[&str]) -> Answer {
        let dir = self.lab_dir().to_str().unwrap();
        self.run(&[&["lab"], args, &["--dir", dir]].concat())
            .exits(0)
    }

    /// Sends a GET to the lab's control API.
    pub fn ask(&self, path: &str) -> Value {
        self.control(|client, admin| client.get(format!("{admin}{path}")))
    }

    /// Sends a POST to the lab's control API.
    pub fn tell(&self, path: &str, body: &Value) -> Value {
        self.control(|client, admin| client.post(format!("{admin}{path}")).body(body.to_string()))
    }

    /// A request that the lab's control API refuses: a POST with a body, a GET without.
    pub fn refused(&self, path: &str, body: Option<&Value>) -> (u16, String) {
        let url = format!("{}{path}", self.endpoints.admin);
        let request = match body {
            Some(body) => self.client.post(url).body(body.to_string()),
            None => self.client.get(url),
        };
        self.runtime.block_on(async {
            let request = request.bearer_auth(&self.endpoints.admin_token);
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let bytes = answer.bytes().await.unwrap();
            let said: Value = serde_json::from_slice(&bytes).unwrap();
            (status, said["error"].as_str().unwrap().to_owned())
        })
    }

    fn control(
        &self,
        request: impl FnOnce(&reqwest::Client, &str) -> reqwest::RequestBuilder,
    ) -> Value {
        let request = request(&self.client, &self.endpoints.admin);
        self.runtime.block_on(async {
            let answer = request
                .bearer_auth(&self.endpoints.admin_token)
                .send()
                .await
                .unwrap()
                .error_for_status()
                .unwrap();
            serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
        })
    }

    /// How many requests the lab has answered, without its control API.
    pub fn requests(&self) -> u64 {
        let status = self.ask("/status");
        let counts = status["requests"].as_object().unwrap();
        counts.values().map(|count| count.as_u64().unwrap()).sum()
    }

    /// The estate file's path.
    pub fn estate_file(&self) -> &Path {
        &self.endpoints.estate_file
    }

    /// Another estate file, beside the first so that its relative paths hold, with some of its text replaced.
    pub fn edited(&self, name: &str, changes: &[(&str, &str)]) -> PathBuf {
        let mut text = fs::read_to_string(self.estate_file()).unwrap();
        for (from, to) in changes {
            assert!(text.contains(from), "`{from}` is not in\n{text}");
            text = text.replace(from, to);
        }
        let path = self.lab_dir().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// The estate.
    pub fn estate(&self) -> Estate {
        let text = fs::read_to_string(self.estate_file()).unwrap();
        stayput_estate::parse("stayput.toml", &text, self.lab_dir()).unwrap()
    }

    /// The clients, with the lab's own credentials.
    pub fn clients(&self) -> Clients {
        let estate = self.estate();
        let credentials = &self.endpoints.credentials;
        let account = |account: &Option<(String, String)>| {
            let (user, password) = account.clone().unwrap();
            Credentials::new(user, password)
        };
        let (limit, interval) = (Duration::from_secs(30), Duration::from_millis(20));
        let aws = AwsClient::with_access_key(
            &estate.aws,
            limit,
            &credentials.access_key,
            &credentials.secret_key,
        );
        let mut clients = Clients {
            aws: aws.unwrap(),
            prism: [].into(),
            moves: [].into(),
        };
        for (name, site) in &estate.sites {
            let account_there = account(&credentials.prism);
            let prism = PrismClient::connect(name, &site.prism, &account_there, limit, interval);
            clients.prism.insert(name.clone(), prism.unwrap());
            if let Some(mv) = &site.mv {
                let account_there = account(&credentials.mv);
                let mv = MoveClient::connect(name, &mv.appliance, &account_there, limit, interval);
                clients.moves.insert(name.clone(), mv.unwrap());
            }
        }
        clients
    }

    /// Waits for something asynchronous.
    pub fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Everything, observed as stayput observes it.
    pub fn observe(&self) -> World {
        let engine = Engine {
            estate: Arc::new(self.estate()),
            clients: self.clients(),
            ledger: Arc::new(SqliteLedger::open(&self.folder().join("unused.db")).unwrap()),
            events: Events::none(),
            ambient: stayput_ambient::Ambient::system(),
        };
        World::clone(&self.wait(engine.look()).unwrap().world)
    }

    /// Stops the lab; its folder and the recorded facts are kept.
    pub fn down(&mut self) {
        match self.inside.take() {
            Some(lab) => self.runtime.block_on(lab.shutdown()),
            None => {
                let dir = self.endpoints.dir.to_str().unwrap();
                self.run(&["lab", "down", "--dir", dir]).exits(0);
            }
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if self.inside.is_none() && Endpoints::read(&self.endpoints.dir).is_ok() {
            // By its folder, so that no other lab is stopped.
            let mut down = stayput();
            down.args(["lab", "down", "--dir"]).arg(&self.endpoints.dir);
            let _ = down.output();
        }
    }
}

/// The arguments that apply a goal to both networks.
pub fn apply<'a>(goal: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["apply", goal[0]];
    args.extend(NETS);
    args.extend(&goal[1..]);
    args.push("--yes");
    args
}

fn runtime() -> Runtime {
    // Another test in this process may have installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}
