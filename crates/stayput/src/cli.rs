//! The command line.

mod lab;
mod simulate;

use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;

pub use lab::FaultAddArgs;
pub use lab::FaultCommand;
pub use lab::InstanceCommand;
pub use lab::PlaceArgs;
pub use lab::RegionCommand;
pub use lab::SiteCommand;
pub use lab::VmArgs;
pub use lab::VmCommand;
pub use simulate::SimulateArgs;
pub use simulate::Singles;
pub use simulate::Span;

/// Moves machines from EC2 to NC2 and between NC2 sites without changing one IP address.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    max_term_width = 100,
    after_help = "\
Examples:
  stayput demo                            rehearse migration, failover and failback on this computer
  stayput config check                    check stayput.toml
  stayput plan move app db                show the plan for moving two networks, with its proof
  stayput apply move app db               show the plan, ask, apply it; after a kill, run it again
  stayput apply failover app db --to osaka
  stayput rollback 4a81cb7a               take back what a run did
  stayput trace on-prem 172.30.1.34       show where packets go now

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 world changed since the plan,
4 obstacles found, 5 another process is working on the estate."
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The estate file.
    #[arg(
        long,
        short,
        global = true,
        env = "STAYPUT_FILE",
        default_value = "stayput.toml",
        value_name = "PATH"
    )]
    pub file: PathBuf,
    /// One JSON object on standard output instead of text.
    #[arg(long, global = true)]
    pub json: bool,
    /// Never prompt; fail where a confirmation is needed.
    #[arg(long, global = true)]
    pub no_input: bool,
    /// No progress on standard error.
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check an estate file, or print its schema or an example.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Record the machines and their addresses in the ledger.
    Capture(CaptureArgs),
    /// Show the plan for a goal, with its proof. Changes nothing.
    Plan(PlanArgs),
    /// Show a plan, ask, and apply it. Run it again to resume after a failure or a kill.
    Apply(ApplyArgs),
    /// Take back what a run did: show the plan, ask, and apply it. Run it again to resume after a failure or a kill.
    Rollback(RollbackArgs),
    /// Show where each network and machine is now, and whether it is reached.
    Status(StatusArgs),
    /// Show the path of packets from SRC to DST, hop by hop, and why they take it.
    Trace(TraceArgs),
    /// Save the observed world to a file.
    #[command(subcommand)]
    World(WorldCommand),
    /// Link a machine to its VM by hand. Contacts only the Prism Central of that site.
    Adopt(AdoptArgs),
    /// Remove a machine that was terminated or deleted from the ledger. Its history is kept.
    Retire(RetireArgs),
    /// Set whether a machine must run after a move or failover.
    Expect(ExpectArgs),
    /// Show the runs, or the steps of one run: what was done, when, and by which user.
    Journal(JournalArgs),
    /// Run the emulator: AWS, two Prism Centrals and Move on loopback.
    #[command(subcommand)]
    Lab(LabCommand),
    /// Rehearse the whole procedure in the lab: EC2 → NC2 Tokyo → NC2 Osaka → NC2 Tokyo.
    Demo(DemoArgs),
    /// Print shell completions.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Write man pages into a folder.
    Man {
        /// The folder; created if absent.
        dir: PathBuf,
    },
    /// Measure planning for large estates, and NIC restores against a slow lab.
    #[command(hide = true)]
    Bench(BenchArgs),
}

/// Estate files.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the file. Contacts no system.
    Check,
    /// Print the JSON Schema, for editors.
    Schema,
    /// Print a commented example file.
    Init,
}

/// Worlds on file.
#[derive(Debug, Subcommand)]
pub enum WorldCommand {
    /// Observe everything and write it into a file, for `--world`.
    Save {
        /// The file.
        path: PathBuf,
    },
}

/// Reads a saved world instead of the systems.
#[derive(Debug, Clone, Args)]
pub struct WorldArg {
    /// A world that `stayput world save` wrote; nothing is contacted.
    #[arg(long, global = true, value_name = "FILE")]
    pub world: Option<PathBuf>,
}

/// `capture`.
#[derive(Debug, Args)]
pub struct CaptureArgs {
    /// Networks; all if none is given.
    #[arg(value_name = "NET")]
    pub networks: Vec<String>,
    /// Replace the recorded facts of this machine, by instance id or Name tag, with what EC2 shows, although it has moved. Shows the
    /// difference and asks. Repeatable.
    #[arg(long, value_name = "MACHINE", conflicts_with = "networks")]
    pub replace: Vec<String>,
    /// Do not ask before replacing.
    #[arg(long, short, requires = "replace")]
    pub yes: bool,
}

/// `plan`.
#[derive(Debug, Args)]
pub struct PlanArgs {
    /// What to reach.
    #[command(subcommand)]
    pub goal: GoalCommand,
    /// Where to read the world.
    #[command(flatten)]
    pub world: WorldArg,
    /// Write the plan into a file, for `apply --plan`.
    #[arg(long, global = true, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Explain one step, by its number or id: its reason, its dependencies, its effect on packets, and the outages that it starts and ends.
    #[arg(long, global = true, value_name = "STEP")]
    pub explain: Option<String>,
}

/// `apply`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ApplyArgs {
    /// What to reach.
    #[command(subcommand)]
    pub goal: Option<GoalCommand>,
    /// Apply exactly the plan in this file, which `plan --out` wrote; fails if the world has changed since.
    #[arg(long, value_name = "FILE", required = true)]
    pub plan: Option<PathBuf>,
    /// Do not ask before applying.
    #[arg(long, short, global = true)]
    pub yes: bool,
    /// Stop after this phase. The same command resumes from there.
    #[arg(long, global = true, value_enum, value_name = "PHASE")]
    pub until: Option<PhaseName>,
    /// Stop no machine before this time (RFC 3339, such as 2026-12-01T02:00:00+09:00); disks are copied meanwhile.
    #[arg(long, global = true, value_name = "TIME")]
    pub cutover_after: Option<String>,
}

/// `rollback`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stayput journal                         list the runs
  stayput plan rollback 4a81cb7a          show what a rollback would do
  stayput rollback 4a81cb7a               show it, ask, apply it
  stayput plan rollback 4a81cb7a --out undo.json
  stayput apply --plan undo.json          apply exactly the plan that was reviewed")]
pub struct RollbackArgs {
    /// The run, by its id or the beginning of it, as `stayput journal` lists them.
    #[arg(value_name = "RUN")]
    pub run: String,
    /// Do not ask before applying.
    #[arg(long, short)]
    pub yes: bool,
}

/// A phase of a run. The world is read again after each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PhaseName {
    /// Everything that can be prepared, and all validations; no machine stops.
    Prepare,
    /// Move copies disks while the sources run.
    Seed,
    /// Machines stop, start at the new site and get their own addresses.
    CutOver,
    /// Prefixes and routes are changed to the new site.
    Route,
    /// Everything is observed again, and paths are traced.
    Verify,
    /// What the old site no longer needs is removed.
    Close,
}

impl From<PhaseName> for stayput_plan::Phase {
    fn from(name: PhaseName) -> Self {
        match name {
            PhaseName::Prepare => Self::Prepare,
            PhaseName::Seed => Self::Seed,
            PhaseName::CutOver => Self::CutOver,
            PhaseName::Route => Self::Route,
            PhaseName::Verify => Self::Verify,
            PhaseName::Close => Self::Close,
        }
    }
}

/// What to reach.
#[derive(Debug, Clone, Subcommand)]
pub enum GoalCommand {
    /// Record the machines' identities and addresses in the ledger.
    Capture {
        /// Networks; all if none is given.
        #[arg(value_name = "NET")]
        networks: Vec<String>,
    },
    /// Move the networks' machines to their primary site, with their addresses and routes.
    Move {
        /// Networks; those that share machines must be named together.
        #[arg(value_name = "NET", required = true)]
        networks: Vec<String>,
        /// Move only this machine for now, by id or Name tag, with its own route. A later move of the network includes it. Repeatable.
        #[arg(long, value_name = "MACHINE")]
        canary: Vec<String>,
        /// Leave this machine behind, by instance id or Name tag; its addresses are not reached afterwards. Repeatable.
        #[arg(long, value_name = "MACHINE")]
        leave_out: Vec<String>,
    },
    /// Prepare the networks for failover: overlay, policy, recovery plan, recovery points.
    Protect {
        /// Networks.
        #[arg(value_name = "NET", required = true)]
        networks: Vec<String>,
    },
    /// Fail the networks' machines over to another site, with their addresses and routes.
    Failover {
        /// Networks; those that share machines must be named together.
        #[arg(value_name = "NET", required = true)]
        networks: Vec<String>,
        /// The site.
        #[arg(long, value_name = "SITE")]
        to: String,
        /// How.
        #[arg(long, value_enum, default_value_t = Mode::Planned)]
        mode: Mode,
        /// The region through which on-prem enters afterwards. If not given, it stays as it is: path b where the two halves of the network
        /// are announced already, else path a.
        #[arg(long, value_enum)]
        path: Option<OnPremPath>,
        /// Declare a site lost, with `--mode unplanned`: machines seen running there, or routes that cannot be fenced, do not stop the
        /// failover. Repeatable.
        #[arg(long, value_name = "SITE")]
        lost: Vec<String>,
    },
    /// Return the networks' machines to their primary site.
    Failback {
        /// Networks; those that share machines must be named together.
        #[arg(value_name = "NET", required = true)]
        networks: Vec<String>,
    },
    /// Power off former VMs of the networks' machines at a site that returned. Never affects the current VM of a machine.
    CleanUp {
        /// Networks.
        #[arg(value_name = "NET", required = true)]
        networks: Vec<String>,
        /// The site of the former VMs.
        #[arg(long, value_name = "SITE")]
        site: String,
        /// Also delete them, with their disks.
        #[arg(long)]
        remove: bool,
    },
    /// Take back what a run did: machines that it moved start in EC2 again, machines that it failed over go home, routes lead where they led.
    Rollback {
        /// The run, by its id or the beginning of it, as `stayput journal` lists them.
        #[arg(value_name = "RUN")]
        run: String,
    },
}

/// How to fail over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Test with copies in an isolated network, which are removed afterwards; no route changes.
    Test,
    /// Both sites work: shut down, synchronize, start at the other site.
    Planned,
    /// The other site or its region is lost: start from recovery points, fence systems that answer, and skip those that do not.
    Unplanned,
}

/// The region through which on-prem enters after a failover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnPremPath {
    /// Through the Transit Gateway of the old region and its peering; halves of an earlier path b are removed.
    A,
    /// Directly into the recovery region: two longer prefixes, the halves of each network, attract on-prem traffic there.
    B,
}

/// `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Networks; all if none is given.
    #[arg(value_name = "NET")]
    pub networks: Vec<String>,
    /// List every machine, however many there are.
    #[arg(long)]
    pub all: bool,
    /// Where to read the world.
    #[command(flatten)]
    pub world: WorldArg,
}

/// `trace`.
#[derive(Debug, Args)]
pub struct TraceArgs {
    /// Where the packet starts: `on-prem`, an edge's name, `nc2:SITE`, `overlay:NETWORK@SITE`, a subnet's or VPC's id, or an address, a name
    /// or an instance id of a running machine.
    #[arg(value_name = "SRC")]
    pub source: String,
    /// The destination: an address, an instance id, a machine's name, or a prefix, with one trace for each group of addresses that behave
    /// alike.
    #[arg(value_name = "DST")]
    pub destination: String,
    /// Show the state after a plan for this goal.
    #[command(subcommand)]
    pub goal: Option<GoalCommand>,
    /// Show the state after this plan, which `plan --out` wrote.
    #[arg(long, global = true, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Show the state after this step of the plan, by its number or id; by default after the last.
    #[arg(long, global = true, value_name = "STEP")]
    pub after: Option<String>,
    /// Show the differences from the current state.
    #[arg(long, global = true)]
    pub diff: bool,
    /// Show the differences in this other world, which `stayput world save` wrote.
    #[arg(long, global = true, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// Where to read the world.
    #[command(flatten)]
    pub world: WorldArg,
}

/// `adopt`.
#[derive(Debug, Args)]
pub struct AdoptArgs {
    /// The machine, by instance id or Name tag.
    #[arg(value_name = "MACHINE")]
    pub machine: String,
    /// Its current VM.
    #[arg(long, value_name = "UUID")]
    pub vm: String,
    /// The site of the VM; by default the primary site of the machine's network.
    #[arg(long, value_name = "SITE")]
    pub site: Option<String>,
}

/// `retire`.
#[derive(Debug, Args)]
pub struct RetireArgs {
    /// The machine, by instance id or Name tag.
    #[arg(value_name = "MACHINE")]
    pub machine: String,
    /// The reason, to be recorded.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub why: String,
    /// Do not ask before retiring.
    #[arg(long, short)]
    pub yes: bool,
    /// Retire it even if its instance or one of its VMs is running, or if this cannot be determined.
    #[arg(long)]
    pub force: bool,
}

/// `expect`.
#[derive(Debug, Args)]
pub struct ExpectArgs {
    /// The machine, by instance id or Name tag.
    #[arg(value_name = "MACHINE")]
    pub machine: String,
    /// The expected state.
    #[arg(value_enum)]
    pub state: ExpectedState,
}

/// The expected state of a machine after a move or failover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExpectedState {
    /// It must run and be reached.
    Running,
    /// It may be off.
    Off,
}

/// `journal`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct JournalArgs {
    /// A change to a run.
    #[command(subcommand)]
    pub command: Option<JournalCommand>,
    /// The run; a list of runs if not given.
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
}

/// A change to a run.
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// Close a run that will not be resumed. Nothing is undone; the same goal then starts a new run.
    Abandon {
        /// The run, by its id or the beginning of it.
        #[arg(value_name = "RUN")]
        run: String,
        /// The reason, to be recorded.
        #[arg(long, value_name = "TEXT", default_value = "abandoned by hand")]
        why: String,
    },
}

/// The lab.
#[derive(Debug, Subcommand)]
pub enum LabCommand {
    /// Start a lab in the background and write its estate file.
    Up(LabUpArgs),
    /// Stop it.
    Down(LabDirArgs),
    /// Show its state and its virtual time.
    Status(LabDirArgs),
    /// List the scenarios.
    Scenarios,
    /// Print variables for a shell: eval "$(stayput lab env)".
    Env(LabDirArgs),
    /// Make calls to its systems fail.
    #[command(subcommand)]
    Fault(FaultCommand),
    /// Take an NC2 site down or up: its Prism Central, its Move and its machines.
    #[command(subcommand)]
    Site(SiteCommand),
    /// Take an AWS region down or up, with the sites in it.
    #[command(subcommand)]
    Region(RegionCommand),
    /// Switch a VM off or on, as a person in Prism Central does.
    #[command(subcommand)]
    Vm(VmCommand),
    /// Start or stop an instance, as a person in the EC2 console does.
    #[command(subcommand)]
    Instance(InstanceCommand),
    /// Tell stories with faults in virtual time, and judge whether every promise was kept.
    Simulate(Box<SimulateArgs>),
}

/// `lab up`.
#[derive(Debug, Clone, Args)]
pub struct LabUpArgs {
    /// A built-in scenario or a scenario file.
    #[arg(long, default_value = "tokyo-osaka", value_name = "NAME|PATH")]
    pub scenario: String,
    /// How many machines move, 1 to what the scenario has.
    #[arg(long, value_name = "N")]
    pub machines: Option<usize>,
    /// Virtual seconds per second, 0.001 to 1000000; 0 stops time.
    #[arg(long, default_value_t = 3600.0, value_name = "FACTOR")]
    pub speed: f64,
    /// Minimum response time in milliseconds, 0 to 600000.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    pub latency: u64,
    /// What carries packets; `kernel`: Linux network namespaces, one for each router and machine.
    #[arg(long, value_enum, default_value_t = DataPlane::None, value_name = "WHAT")]
    pub dataplane: DataPlane,
    /// Where its files go.
    #[command(flatten)]
    pub dir: LabDirArgs,
    /// Stay in the foreground until interrupted.
    #[arg(long)]
    pub foreground: bool,
    /// With --foreground: stop also when standard input is closed, so that the lab ends with its parent process.
    #[arg(long, requires = "foreground")]
    pub until_stdin_closes: bool,
}

/// Where a lab's files are.
#[derive(Debug, Clone, Args)]
pub struct LabDirArgs {
    /// The lab's folder: CA, estate file, ledger, endpoints.
    #[arg(long, default_value = ".stayput-lab", value_name = "PATH")]
    pub dir: PathBuf,
}

/// `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// How many machines move.
    #[arg(long, default_value_t = 12, value_name = "N")]
    pub machines: usize,
    /// Leave the lab running and print how to use it.
    #[arg(long)]
    pub keep: bool,
    /// The lab's folder; a temporary one if not given.
    #[arg(long, value_name = "PATH")]
    pub dir: Option<PathBuf>,
    /// Virtual seconds per second, 1 to 1000000.
    #[arg(long, default_value_t = 3600.0, value_name = "FACTOR")]
    pub speed: f64,
    /// The order of steps to run; `article`: stayput's order, then on the same machines the order of the article that led to this tool.
    #[arg(long, value_enum, default_value_t = Order::Stayput, value_name = "WHOSE")]
    pub order: Order,
    /// What carries packets; `kernel`: Linux network namespaces, through which a prober then really sends.
    #[arg(long, value_enum, default_value_t = DataPlane::None, value_name = "WHAT")]
    pub dataplane: DataPlane,
}

/// What carries packets in a lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DataPlane {
    /// Nothing: routing is computed.
    None,
    /// Network namespaces of this machine's kernel (Linux only).
    Kernel,
}

impl From<DataPlane> for stayput_rehearsal::DataPlane {
    fn from(data_plane: DataPlane) -> Self {
        match data_plane {
            DataPlane::None => Self::Computed,
            DataPlane::Kernel => Self::Kernel,
        }
    }
}

/// Whose order of steps a demo runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Order {
    /// Stayput's own.
    Stayput,
    /// Also the article's: detach the EC2 VPC, then the static route; Tokyo's table first at failover; a /16 in Osaka.
    Article,
}

/// `bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// What to measure.
    #[arg(value_enum)]
    pub what: BenchWhat,
    /// Sizes to measure, instead of the default ones.
    #[arg(long, value_delimiter = ',', value_name = "N,N")]
    pub machines: Vec<usize>,
    /// Concurrent machines, instead of 1, 16 and 64 (`nics`).
    #[arg(long, value_delimiter = ',', value_name = "N,N")]
    pub concurrency: Vec<usize>,
    /// Pause between two reads of a task, in milliseconds (`nics`).
    #[arg(long, default_value_t = 2000, value_name = "MS")]
    pub poll: u64,
    /// Repetitions; the median is reported.
    #[arg(long, value_name = "N")]
    pub runs: Option<usize>,
}

/// What to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BenchWhat {
    /// Planning time and peak memory for 1,000, 10,000 and 100,000 machines.
    Plan,
    /// NIC restores a second at concurrency 1, 16 and 64.
    Nics,
    /// Wall time of the demo with 12, 250 and 2,000 machines.
    Demo,
    /// The routing model at the quota of Transit Gateway routes, for 1,000, 10,000 and 100,000 addresses.
    Fabric,
    /// The part of `fabric` that runs in a process of its own.
    #[value(hide = true)]
    FabricProbe,
    /// The same, with routes for single addresses.
    #[value(hide = true)]
    FabricProbeAddresses,
    /// The part of `plan` that runs in a process of its own.
    #[value(hide = true)]
    PlanProbe,
    /// The part of `nics` that runs in a process of its own.
    #[value(hide = true)]
    NicsProbe,
}
