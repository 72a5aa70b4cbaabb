//! The command line.

use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;

/// Moves machines from EC2 to NC2 and between NC2 sites without changing one IP address.
#[derive(Debug, Parser)]
#[command(
    version,
    about,
    max_term_width = 100,
    after_help = "\
Examples:
  stayput demo                            rehearse the whole story on this machine
  stayput config check                    is stayput.toml right?
  stayput plan move app db                show what moving two networks would do, and the proof
  stayput apply move app db               show it, ask, do it; killed anywhere, run it again
  stayput apply failover app db --to osaka
  stayput trace on-prem 172.30.1.34       where do packets go now?

Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 world changed since the plan,
4 obstacles found, 5 somebody else is working on the estate."
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
    /// Never ask; what would need an answer is an error.
    #[arg(long, global = true)]
    pub no_input: bool,
    /// No progress on standard error.
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check, explain or start an estate file.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Write down who the machines are and which addresses they have.
    Capture(CaptureArgs),
    /// Show what reaching a goal would do, with its proof. Changes nothing.
    Plan(PlanArgs),
    /// Show a plan, ask, and apply it. Run it again after a failure or a kill: it goes on.
    Apply(ApplyArgs),
    /// Where every network and machine is now, and whether it is reached.
    Status(StatusArgs),
    /// Where packets from SRC to DST go, hop by hop, and why.
    Trace(TraceArgs),
    /// The world as observed, on file.
    #[command(subcommand)]
    World(WorldCommand),
    /// Link a machine to its VM by hand, where no system can say which it is. Asks the Prism Central of that site alone.
    Adopt(AdoptArgs),
    /// Strike a machine from the ledger: one that was terminated, or deleted for good. Its history stays.
    Retire(RetireArgs),
    /// Say whether a machine must run after a move or failover.
    Expect(ExpectArgs),
    /// What was done, when, by whom: runs, or one run's steps.
    Journal(JournalArgs),
    /// The emulator: AWS, two Prism Centrals and Move on loopback.
    #[command(subcommand)]
    Lab(LabCommand),
    /// The whole story against the lab: EC2 → NC2 Tokyo → NC2 Osaka → NC2 Tokyo.
    Demo(DemoArgs),
    /// Shell completions on standard output.
    Completions {
        /// For this shell.
        shell: clap_complete::Shell,
    },
    /// Man pages into a folder.
    Man {
        /// The folder; made if absent.
        dir: PathBuf,
    },
    /// Measure: planning for large estates, NIC restores against a slow lab.
    #[command(hide = true)]
    Bench(BenchArgs),
}

/// Estate files.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Check the file; contacts nobody.
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

/// Look into a file instead of at the systems.
#[derive(Debug, Clone, Args)]
pub struct WorldArg {
    /// A world that `stayput world save` wrote; nothing is contacted.
    #[arg(long, global = true, value_name = "FILE")]
    pub world: Option<PathBuf>,
}

/// `capture`.
#[derive(Debug, Args)]
pub struct CaptureArgs {
    /// Networks; all of them if none is named.
    #[arg(value_name = "NET")]
    pub networks: Vec<String>,
    /// Take over what EC2 shows of this machine, by instance id or Name tag, although it has moved, and so are its facts on record.
    /// Shows the difference and asks. Repeatable.
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
    /// What to look at.
    #[command(flatten)]
    pub world: WorldArg,
    /// Write the plan into a file, for `apply --plan`.
    #[arg(long, global = true, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Explain one step, by its number or id: why, after what, whose packets it leads where, which holes it opens and closes.
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
    /// Apply exactly the plan in this file, which `plan --out` wrote; a world that has changed since stops it.
    #[arg(long, value_name = "FILE", required = true)]
    pub plan: Option<PathBuf>,
    /// Do not ask before applying.
    #[arg(long, short, global = true)]
    pub yes: bool,
    /// Stop after this phase. The same command goes on from there.
    #[arg(long, global = true, value_enum, value_name = "PHASE")]
    pub until: Option<PhaseName>,
    /// Let no machine stop before this time (RFC 3339, such as 2026-12-01T02:00:00+09:00); copies are seeded meanwhile.
    #[arg(long, global = true, value_name = "TIME")]
    pub cutover_after: Option<String>,
}

/// A part of a run. Between two of them the world is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PhaseName {
    /// Everything that can stand beforehand, and all validations; no machine stops.
    Prepare,
    /// Move copies disks while the sources run.
    Seed,
    /// Machines stop, start at the new home and get their own addresses.
    CutOver,
    /// Prefixes and routes lead to the new home.
    Route,
    /// Everything is observed again and traced.
    Verify,
    /// What the old home no longer needs is removed.
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
    /// The machines' identities and addresses are in the ledger.
    Capture {
        /// Networks; all of them if none is named.
        #[arg(value_name = "NET")]
        networks: Vec<String>,
    },
    /// The networks' machines run at their primary site, with their addresses, and are routed there.
    Move {
        /// Networks; those that share machines must be named together.
        #[arg(value_name = "NET", required = true)]
        networks: Vec<String>,
        /// Move only this machine for now, by id or Name tag, with a route of its own; repeat for more. The whole move takes it over later.
        #[arg(long, value_name = "MACHINE")]
        canary: Vec<String>,
        /// Leave this machine behind, by instance id or Name tag; its addresses are not reached afterwards. Repeatable.
        #[arg(long, value_name = "MACHINE")]
        leave_out: Vec<String>,
    },
    /// The networks could fail over: overlay, policy, recovery plan, recovery points.
    Protect {
        /// Networks.
        #[arg(value_name = "NET", required = true)]
        networks: Vec<String>,
    },
    /// The networks' machines run at another site, with their addresses, and are routed there.
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
        /// By which region on-prem comes in afterwards; if not given, as it is now: path b where the network's halves stand already, else
        /// path a.
        #[arg(long, value_enum)]
        path: Option<Entry>,
        /// Declare a site lost, with `--mode unplanned`: machines seen running there, or routes that cannot be fenced, do not stop the
        /// failover. Repeatable.
        #[arg(long, value_name = "SITE")]
        lost: Vec<String>,
    },
    /// The networks' machines run at their primary site again.
    Failback {
        /// Networks; those that share machines must be named together.
        #[arg(value_name = "NET", required = true)]
        networks: Vec<String>,
    },
    /// Former VMs of the networks' machines at a site that returned are powered off; never the VM that a machine is.
    CleanUp {
        /// Networks.
        #[arg(value_name = "NET", required = true)]
        networks: Vec<String>,
        /// The site the former VMs are at.
        #[arg(long, value_name = "SITE")]
        site: String,
        /// Delete them, too, with their disks.
        #[arg(long)]
        remove: bool,
    },
}

/// How to fail over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Copies in an isolated network, removed afterwards; no route changes.
    Test,
    /// Both sites work: shut down, sync, start at the other site.
    Planned,
    /// The other site or its region is lost: start from recovery points, ask nothing of what does not answer, fence what does.
    Unplanned,
}

/// By which region on-prem comes in after a failover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Entry {
    /// Through the Transit Gateway of the old region and its peering; halves of an earlier path b are removed.
    A,
    /// Straight into the recovery region, drawn there by two more specific halves of each network.
    B,
}

/// `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Networks; all of them if none is named.
    #[arg(value_name = "NET")]
    pub networks: Vec<String>,
    /// List every machine, however many there are.
    #[arg(long)]
    pub all: bool,
    /// What to look at.
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
    /// Where it goes: an address, an instance id, a machine's name, or a prefix: then one trace for all addresses that behave alike.
    #[arg(value_name = "DST")]
    pub destination: String,
    /// Look at the state a plan to this goal leads to.
    #[command(subcommand)]
    pub goal: Option<GoalCommand>,
    /// Look at the state this plan leads to, which `plan --out` wrote.
    #[arg(long, global = true, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Look at the state after this step of the plan, by its number or id; without, when all are done.
    #[arg(long, global = true, value_name = "STEP")]
    pub after: Option<String>,
    /// Show what is otherwise than now.
    #[arg(long, global = true)]
    pub diff: bool,
    /// Show what is otherwise in this other world that `stayput world save` wrote.
    #[arg(long, global = true, value_name = "FILE")]
    pub against: Option<PathBuf>,
    /// What to look at.
    #[command(flatten)]
    pub world: WorldArg,
}

/// `adopt`.
#[derive(Debug, Args)]
pub struct AdoptArgs {
    /// The machine, by instance id or Name tag.
    #[arg(value_name = "MACHINE")]
    pub machine: String,
    /// The VM it is now.
    #[arg(long, value_name = "UUID")]
    pub vm: String,
    /// The site the VM is at; the primary site of the machine's network if not given.
    #[arg(long, value_name = "SITE")]
    pub site: Option<String>,
}

/// `retire`.
#[derive(Debug, Args)]
pub struct RetireArgs {
    /// The machine, by instance id or Name tag.
    #[arg(value_name = "MACHINE")]
    pub machine: String,
    /// Why, for the record.
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub why: String,
    /// Do not ask before retiring.
    #[arg(long, short)]
    pub yes: bool,
    /// Retire it although its instance or a VM of it runs, or although it cannot be told whether one does.
    #[arg(long)]
    pub force: bool,
}

/// `expect`.
#[derive(Debug, Args)]
pub struct ExpectArgs {
    /// The machine, by instance id or Name tag.
    #[arg(value_name = "MACHINE")]
    pub machine: String,
    /// What it is expected to be.
    #[arg(value_enum)]
    pub state: ExpectedState,
}

/// What a machine is expected to be after a move or failover.
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
    /// What to do with runs instead of showing them.
    #[command(subcommand)]
    pub command: Option<JournalCommand>,
    /// The run; a list of runs if not given.
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
}

/// What is done with runs.
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// Close a run that nobody goes on with. Nothing is undone; the same goal then starts a new run.
    Abandon {
        /// The run, by its id or the beginning of it.
        #[arg(value_name = "RUN")]
        run: String,
        /// Why, for the record.
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
    /// What it is doing and what time it is there.
    Status(LabDirArgs),
    /// Which scenarios there are.
    Scenarios,
    /// Variables for a shell: eval "$(stayput lab env)".
    Env(LabDirArgs),
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
    /// Virtual seconds in a second, 0.001 to 1000000; 0 stops time.
    #[arg(long, default_value_t = 3600.0, value_name = "FACTOR")]
    pub speed: f64,
    /// Wall milliseconds every answer takes at least, 0 to 600000.
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
    /// With --foreground: stop also when standard input is closed, so that the lab ends with the process that holds it open.
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
    /// Leave the lab running and say how to use it.
    #[arg(long)]
    pub keep: bool,
    /// The lab's folder; a temporary one if not given.
    #[arg(long, value_name = "PATH")]
    pub dir: Option<PathBuf>,
    /// Virtual seconds in a second, 1 to 1000000.
    #[arg(long, default_value_t = 3600.0, value_name = "FACTOR")]
    pub speed: f64,
    /// Whose order of steps is run; `article`: stayput's, then beside it on the same machines the order of the article that
    /// this tool was made after.
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
    /// Sizes to measure, instead of the usual ones.
    #[arg(long, value_delimiter = ',', value_name = "N,N")]
    pub machines: Vec<usize>,
    /// How many machines are worked on at once, instead of 1, 16 and 64 (`nics`).
    #[arg(long, value_delimiter = ',', value_name = "N,N")]
    pub concurrency: Vec<usize>,
    /// Pause between two looks at a task (`nics`).
    #[arg(long, default_value_t = 2000, value_name = "MS")]
    pub poll: u64,
    /// Repetitions, of which the median counts.
    #[arg(long, value_name = "N")]
    pub runs: Option<usize>,
}

/// What to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BenchWhat {
    /// Planning time and peak memory for 1,000 and 10,000 machines.
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
