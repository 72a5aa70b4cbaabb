//! The command line. Its texts are in the catalogue (`help.ftl`): rustdoc comments here are for readers of the code.

mod lab;
mod simulate;

use std::path::PathBuf;

use clap::Args;
use clap::Parser;
use clap::Subcommand;
use clap::ValueEnum;
use stayput_estate::Region;
use stayput_messages::Message;

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
    about = Message::new("help-stayput").to_string(),
    max_term_width = 100,
    after_help = Message::new("help-after").to_string()
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
    #[arg(
        long,
        short,
        global = true,
        env = "STAYPUT_FILE",
        default_value = "stayput.toml",
        value_name = "PATH"
    )]
    #[arg(help = Message::new("help-file").to_string())]
    pub file: PathBuf,
    #[arg(long, global = true)]
    #[arg(help = Message::new("help-json").to_string())]
    pub json: bool,
    #[arg(long, global = true)]
    #[arg(help = Message::new("help-no-input").to_string())]
    pub no_input: bool,
    #[arg(long, short, global = true)]
    #[arg(help = Message::new("help-quiet").to_string())]
    pub quiet: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    #[command(about = Message::new("help-init").to_string())]
    Init(InitArgs),
    #[command(subcommand)]
    #[command(about = Message::new("help-config").to_string())]
    Config(ConfigCommand),
    #[command(about = Message::new("help-capture").to_string())]
    Capture(CaptureArgs),
    #[command(about = Message::new("help-plan").to_string())]
    Plan(PlanArgs),
    #[command(about = Message::new("help-apply").to_string())]
    Apply(ApplyArgs),
    #[command(about = Message::new("help-rollback").to_string())]
    Rollback(RollbackArgs),
    #[command(about = Message::new("help-status").to_string())]
    Status(StatusArgs),
    #[command(about = Message::new("help-trace").to_string())]
    Trace(TraceArgs),
    #[command(about = Message::new("help-check").to_string())]
    #[command(after_help = Message::new("help-after-check").to_string())]
    Check(CheckArgs),
    #[command(subcommand)]
    #[command(about = Message::new("help-world").to_string())]
    World(WorldCommand),
    #[command(about = Message::new("help-adopt").to_string())]
    Adopt(AdoptArgs),
    #[command(about = Message::new("help-retire").to_string())]
    Retire(RetireArgs),
    #[command(about = Message::new("help-expect").to_string())]
    Expect(ExpectArgs),
    #[command(about = Message::new("help-journal").to_string())]
    Journal(JournalArgs),
    #[command(subcommand)]
    #[command(about = Message::new("help-ledger").to_string())]
    Ledger(LedgerCommand),
    #[command(subcommand)]
    #[command(about = Message::new("help-lab").to_string())]
    Lab(LabCommand),
    #[command(about = Message::new("help-demo").to_string())]
    Demo(DemoArgs),
    #[command(about = Message::new("help-completions").to_string())]
    Completions {
        #[arg(help = Message::new("help-completions-shell").to_string())]
        shell: clap_complete::Shell,
    },
    #[command(about = Message::new("help-man").to_string())]
    Man {
        #[arg(help = Message::new("help-man-dir").to_string())]
        dir: PathBuf,
    },
    #[command(hide = true)]
    #[command(about = Message::new("help-bench").to_string())]
    Bench(BenchArgs),
}

/// Estate files.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    #[command(about = Message::new("help-config-check").to_string())]
    Check,
    #[command(about = Message::new("help-config-schema").to_string())]
    Schema,
    #[command(about = Message::new("help-config-init").to_string())]
    Init,
}

/// Worlds on file.
#[derive(Debug, Subcommand)]
pub enum WorldCommand {
    #[command(about = Message::new("help-world-save").to_string())]
    Save {
        #[arg(help = Message::new("help-world-save-path").to_string())]
        path: PathBuf,
    },
}

/// Reads a saved world instead of the systems.
#[derive(Debug, Clone, Args)]
pub struct WorldArg {
    #[arg(long, global = true, value_name = "FILE")]
    #[arg(help = Message::new("help-world-file").to_string())]
    pub world: Option<PathBuf>,
}

/// `capture`.
#[derive(Debug, Args)]
pub struct CaptureArgs {
    #[arg(value_name = "NET")]
    #[arg(help = Message::new("help-capture-networks").to_string())]
    pub networks: Vec<String>,
    #[arg(long, value_enum, default_value = "api")]
    #[arg(help = Message::new("help-capture-via").to_string())]
    pub via: CaptureVia,
    #[arg(long, value_name = "MACHINE", conflicts_with_all = ["networks", "via"])]
    #[arg(help = Message::new("help-capture-replace").to_string())]
    pub replace: Vec<String>,
    #[arg(long, short, requires = "replace")]
    #[arg(help = Message::new("help-capture-yes").to_string())]
    pub yes: bool,
}

/// By which way machines are captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum CaptureVia {
    /// The EC2 API.
    Api,
    /// A script in the guests.
    Ssm,
    /// One after the other.
    Both,
}

/// `init`.
#[derive(Debug, Args)]
#[command(after_help = Message::new("help-after-init").to_string())]
pub struct InitArgs {
    #[arg(long, value_name = "REGION", value_parser = stayput_estate::parse_region)]
    #[arg(help = Message::new("help-init-region").to_string())]
    pub region: Vec<Region>,
    #[arg(long, value_name = "VPC")]
    #[arg(help = Message::new("help-init-source").to_string())]
    pub source: Option<String>,
    #[arg(long, value_name = "SITE=URL", value_parser = site_url)]
    #[arg(help = Message::new("help-init-prism").to_string())]
    pub prism: Vec<(String, String)>,
    #[arg(long = "move", value_name = "SITE=URL", value_parser = site_url)]
    #[arg(help = Message::new("help-init-move").to_string())]
    pub mv: Vec<(String, String)>,
    #[arg(long, value_name = "SITE=NAME", value_parser = pair)]
    #[arg(help = Message::new("help-init-flow-vpc").to_string())]
    pub flow_vpc: Vec<(String, String)>,
    #[arg(long, value_name = "TAG", default_value = "Wave")]
    #[arg(help = Message::new("help-init-wave-tag").to_string())]
    pub wave_tag: String,
    #[arg(long, value_name = "NAME", value_parser = stayput_estate::parse_name)]
    #[arg(help = Message::new("help-init-name").to_string())]
    pub name: Option<String>,
    #[arg(long, value_name = "FILE")]
    #[arg(help = Message::new("help-init-ca-file").to_string())]
    pub ca_file: Option<PathBuf>,
    #[arg(long, value_name = "NAME")]
    #[arg(help = Message::new("help-init-profile").to_string())]
    pub profile: Option<String>,
    #[arg(long, value_name = "URL", value_parser = stayput_estate::parse_url)]
    #[arg(help = Message::new("help-init-aws-endpoint").to_string())]
    pub aws_endpoint: Option<String>,
    #[arg(long, value_name = "FILE")]
    #[arg(help = Message::new("help-init-aws-ca-file").to_string())]
    pub aws_ca_file: Option<PathBuf>,
}

/// `KEY=VALUE`.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() && !value.is_empty() => {
            Ok((key.to_owned(), value.to_owned()))
        }
        _ => Err(Message::new("not-a-pair").to_string()),
    }
}

/// `SITE=URL`. The URL is checked here: credentials go to no other kind.
fn site_url(text: &str) -> Result<(String, String), String> {
    let (site, url) = pair(text)?;
    let url = stayput_estate::parse_url(&url).map_err(|fault| fault.to_string())?;
    Ok((site, url))
}

/// `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    #[arg(value_name = "NET")]
    #[arg(help = Message::new("help-check-networks").to_string())]
    pub networks: Vec<String>,
    /// Where to read the world.
    #[command(flatten)]
    pub world: WorldArg,
    #[arg(long)]
    #[arg(help = Message::new("help-check-all").to_string())]
    pub all: bool,
    #[arg(long, conflicts_with = "json")]
    #[arg(help = Message::new("help-check-sarif").to_string())]
    pub sarif: bool,
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
    #[arg(long, global = true, value_name = "FILE")]
    #[arg(help = Message::new("help-plan-out").to_string())]
    pub out: Option<PathBuf>,
    #[arg(long, global = true, value_name = "STEP")]
    #[arg(help = Message::new("help-plan-explain").to_string())]
    pub explain: Option<String>,
}

/// `apply`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ApplyArgs {
    /// What to reach.
    #[command(subcommand)]
    pub goal: Option<GoalCommand>,
    #[arg(long, value_name = "FILE", required = true)]
    #[arg(help = Message::new("help-apply-plan").to_string())]
    pub plan: Option<PathBuf>,
    #[arg(long, short, global = true)]
    #[arg(help = Message::new("help-apply-yes").to_string())]
    pub yes: bool,
    #[arg(long, global = true, value_enum, value_name = "PHASE")]
    #[arg(help = Message::new("help-apply-until").to_string())]
    pub until: Option<PhaseName>,
    #[arg(long, global = true, value_name = "TIME")]
    #[arg(help = Message::new("help-apply-cutover-after").to_string())]
    pub cutover_after: Option<String>,
}

/// `rollback`.
#[derive(Debug, Args)]
#[command(after_help = Message::new("help-after-rollback").to_string())]
pub struct RollbackArgs {
    #[arg(value_name = "RUN")]
    #[arg(help = Message::new("help-rollback-run").to_string())]
    pub run: String,
    #[arg(long, short)]
    #[arg(help = Message::new("help-rollback-yes").to_string())]
    pub yes: bool,
}

/// A phase of a run. The world is read again after each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PhaseName {
    #[value(help = Message::new("help-phase-prepare").to_string())]
    Prepare,
    #[value(help = Message::new("help-phase-seed").to_string())]
    Seed,
    #[value(help = Message::new("help-phase-cut-over").to_string())]
    CutOver,
    #[value(help = Message::new("help-phase-route").to_string())]
    Route,
    #[value(help = Message::new("help-phase-verify").to_string())]
    Verify,
    #[value(help = Message::new("help-phase-close").to_string())]
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
    #[command(about = Message::new("help-goal-capture").to_string())]
    Capture {
        #[arg(value_name = "NET")]
        #[arg(help = Message::new("help-capture-networks").to_string())]
        networks: Vec<String>,
    },
    #[command(about = Message::new("help-move").to_string())]
    Move {
        #[arg(value_name = "NET", required = true)]
        #[arg(help = Message::new("help-move-networks").to_string())]
        networks: Vec<String>,
        #[arg(long, value_name = "MACHINE")]
        #[arg(help = Message::new("help-move-canary").to_string())]
        canary: Vec<String>,
        #[arg(long, value_name = "MACHINE")]
        #[arg(help = Message::new("help-move-leave-out").to_string())]
        leave_out: Vec<String>,
    },
    #[command(about = Message::new("help-protect").to_string())]
    Protect {
        #[arg(value_name = "NET", required = true)]
        #[arg(help = Message::new("help-protect-networks").to_string())]
        networks: Vec<String>,
    },
    #[command(about = Message::new("help-failover").to_string())]
    Failover {
        #[arg(value_name = "NET", required = true)]
        #[arg(help = Message::new("help-failover-networks").to_string())]
        networks: Vec<String>,
        #[arg(long, value_name = "SITE")]
        #[arg(help = Message::new("help-failover-to").to_string())]
        to: String,
        #[arg(long, value_enum, default_value_t = Mode::Planned)]
        #[arg(help = Message::new("help-failover-mode").to_string())]
        mode: Mode,
        #[arg(long, value_enum)]
        #[arg(help = Message::new("help-failover-path").to_string())]
        path: Option<OnPremPath>,
        #[arg(long, value_name = "SITE")]
        #[arg(help = Message::new("help-failover-lost").to_string())]
        lost: Vec<String>,
    },
    #[command(about = Message::new("help-failback").to_string())]
    Failback {
        #[arg(value_name = "NET", required = true)]
        #[arg(help = Message::new("help-failback-networks").to_string())]
        networks: Vec<String>,
    },
    #[command(about = Message::new("help-clean-up").to_string())]
    CleanUp {
        #[arg(value_name = "NET", required = true)]
        #[arg(help = Message::new("help-clean-up-networks").to_string())]
        networks: Vec<String>,
        #[arg(long, value_name = "SITE")]
        #[arg(help = Message::new("help-clean-up-site").to_string())]
        site: String,
        #[arg(long)]
        #[arg(help = Message::new("help-clean-up-remove").to_string())]
        remove: bool,
    },
    #[command(about = Message::new("help-goal-rollback").to_string())]
    Rollback {
        #[arg(value_name = "RUN")]
        #[arg(help = Message::new("help-rollback-run").to_string())]
        run: String,
    },
}

/// How to fail over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    #[value(help = Message::new("help-mode-test").to_string())]
    Test,
    #[value(help = Message::new("help-mode-planned").to_string())]
    Planned,
    #[value(help = Message::new("help-mode-unplanned").to_string())]
    Unplanned,
}

/// The region through which on-prem enters after a failover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnPremPath {
    #[value(help = Message::new("help-path-a").to_string())]
    A,
    #[value(help = Message::new("help-path-b").to_string())]
    B,
}

/// `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    #[arg(value_name = "NET")]
    #[arg(help = Message::new("help-status-networks").to_string())]
    pub networks: Vec<String>,
    #[arg(long)]
    #[arg(help = Message::new("help-status-all").to_string())]
    pub all: bool,
    /// Where to read the world.
    #[command(flatten)]
    pub world: WorldArg,
}

/// `trace`.
#[derive(Debug, Args)]
pub struct TraceArgs {
    #[arg(value_name = "SRC")]
    #[arg(help = Message::new("help-trace-source").to_string())]
    pub source: String,
    #[arg(value_name = "DST")]
    #[arg(help = Message::new("help-trace-destination").to_string())]
    pub destination: String,
    /// Show the state after a plan for this goal.
    #[command(subcommand)]
    pub goal: Option<GoalCommand>,
    #[arg(long, global = true, value_name = "FILE")]
    #[arg(help = Message::new("help-trace-plan").to_string())]
    pub plan: Option<PathBuf>,
    #[arg(long, global = true, value_name = "STEP")]
    #[arg(help = Message::new("help-trace-after").to_string())]
    pub after: Option<String>,
    #[arg(long, global = true)]
    #[arg(help = Message::new("help-trace-diff").to_string())]
    pub diff: bool,
    #[arg(long, global = true, value_name = "FILE")]
    #[arg(help = Message::new("help-trace-against").to_string())]
    pub against: Option<PathBuf>,
    /// Where to read the world.
    #[command(flatten)]
    pub world: WorldArg,
}

/// `adopt`.
#[derive(Debug, Args)]
pub struct AdoptArgs {
    #[arg(value_name = "MACHINE")]
    #[arg(help = Message::new("help-adopt-machine").to_string())]
    pub machine: String,
    #[arg(long, value_name = "UUID")]
    #[arg(help = Message::new("help-adopt-vm").to_string())]
    pub vm: String,
    #[arg(long, value_name = "SITE")]
    #[arg(help = Message::new("help-adopt-site").to_string())]
    pub site: Option<String>,
}

/// `retire`.
#[derive(Debug, Args)]
pub struct RetireArgs {
    #[arg(value_name = "MACHINE")]
    #[arg(help = Message::new("help-retire-machine").to_string())]
    pub machine: String,
    #[arg(long, value_name = "TEXT", default_value = "")]
    #[arg(help = Message::new("help-retire-why").to_string())]
    pub why: String,
    #[arg(long, short)]
    #[arg(help = Message::new("help-retire-yes").to_string())]
    pub yes: bool,
    #[arg(long)]
    #[arg(help = Message::new("help-retire-force").to_string())]
    pub force: bool,
}

/// `expect`.
#[derive(Debug, Args)]
pub struct ExpectArgs {
    #[arg(value_name = "MACHINE")]
    #[arg(help = Message::new("help-expect-machine").to_string())]
    pub machine: String,
    #[arg(value_enum)]
    #[arg(help = Message::new("help-expect-state").to_string())]
    pub state: ExpectedState,
}

/// The expected state of a machine after a move or failover.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExpectedState {
    #[value(help = Message::new("help-expect-running").to_string())]
    Running,
    #[value(help = Message::new("help-expect-off").to_string())]
    Off,
}

/// `journal`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct JournalArgs {
    /// A change to a run.
    #[command(subcommand)]
    pub command: Option<JournalCommand>,
    #[arg(value_name = "RUN")]
    #[arg(help = Message::new("help-journal-run").to_string())]
    pub run: Option<String>,
}

/// A change to a run.
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    #[command(about = Message::new("help-journal-abandon").to_string())]
    Abandon {
        #[arg(value_name = "RUN")]
        #[arg(help = Message::new("help-journal-abandon-run").to_string())]
        run: String,
        #[arg(long, value_name = "TEXT", default_value = "abandoned by hand")]
        #[arg(help = Message::new("help-journal-abandon-why").to_string())]
        why: String,
    },
}

/// The ledger as a whole.
#[derive(Debug, Subcommand)]
pub enum LedgerCommand {
    #[command(about = Message::new("help-ledger-init").to_string())]
    Init,
    #[command(about = Message::new("help-ledger-verify").to_string())]
    Verify {
        #[arg(long, value_name = "FILE")]
        #[arg(help = Message::new("help-ledger-verify-export").to_string())]
        export: Option<PathBuf>,
    },
    #[command(about = Message::new("help-ledger-export").to_string())]
    Export {
        #[arg(value_name = "FILE")]
        #[arg(help = Message::new("help-ledger-export-file").to_string())]
        path: PathBuf,
    },
    #[command(about = Message::new("help-ledger-import").to_string())]
    Import {
        #[arg(value_name = "FILE")]
        #[arg(help = Message::new("help-ledger-import-file").to_string())]
        path: PathBuf,
    },
    #[command(about = Message::new("help-ledger-copy").to_string())]
    Copy {
        #[arg(long, value_name = "ESTATE-FILE")]
        #[arg(help = Message::new("help-ledger-copy-to").to_string())]
        to: PathBuf,
    },
}

/// The lab.
#[derive(Debug, Subcommand)]
pub enum LabCommand {
    #[command(about = Message::new("help-lab-up").to_string())]
    Up(LabUpArgs),
    #[command(about = Message::new("help-lab-down").to_string())]
    Down(LabDirArgs),
    #[command(about = Message::new("help-lab-status").to_string())]
    Status(LabDirArgs),
    #[command(about = Message::new("help-lab-scenarios").to_string())]
    Scenarios,
    #[command(about = Message::new("help-lab-env").to_string())]
    Env(LabDirArgs),
    #[command(subcommand)]
    #[command(about = Message::new("help-lab-fault").to_string())]
    Fault(FaultCommand),
    #[command(subcommand)]
    #[command(about = Message::new("help-lab-site").to_string())]
    Site(SiteCommand),
    #[command(subcommand)]
    #[command(about = Message::new("help-lab-region").to_string())]
    Region(RegionCommand),
    #[command(subcommand)]
    #[command(about = Message::new("help-lab-vm").to_string())]
    Vm(VmCommand),
    #[command(subcommand)]
    #[command(about = Message::new("help-lab-instance").to_string())]
    Instance(InstanceCommand),
    #[command(about = Message::new("help-lab-simulate").to_string())]
    Simulate(Box<SimulateArgs>),
}

/// `lab up`.
#[derive(Debug, Clone, Args)]
pub struct LabUpArgs {
    #[arg(long, default_value = "tokyo-osaka", value_name = "NAME|PATH")]
    #[arg(help = Message::new("help-lab-up-scenario").to_string())]
    pub scenario: String,
    #[arg(long, value_name = "N")]
    #[arg(help = Message::new("help-lab-up-machines").to_string())]
    pub machines: Option<usize>,
    #[arg(long, default_value_t = 3600.0, value_name = "FACTOR")]
    #[arg(help = Message::new("help-lab-up-speed").to_string())]
    pub speed: f64,
    #[arg(long, default_value_t = 0, value_name = "MS")]
    #[arg(help = Message::new("help-lab-up-latency").to_string())]
    pub latency: u64,
    #[arg(long, value_enum, default_value_t = DataPlane::None, value_name = "WHAT")]
    #[arg(help = Message::new("help-lab-up-dataplane").to_string())]
    pub dataplane: DataPlane,
    /// Where its files go.
    #[command(flatten)]
    pub dir: LabDirArgs,
    #[arg(long)]
    #[arg(help = Message::new("help-lab-up-foreground").to_string())]
    pub foreground: bool,
    #[arg(long, requires = "foreground")]
    #[arg(help = Message::new("help-lab-up-until-stdin-closes").to_string())]
    pub until_stdin_closes: bool,
}

/// Where a lab's files are.
#[derive(Debug, Clone, Args)]
pub struct LabDirArgs {
    #[arg(long, default_value = ".stayput-lab", value_name = "PATH")]
    #[arg(help = Message::new("help-lab-dir").to_string())]
    pub dir: PathBuf,
}

/// `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    #[arg(long, default_value_t = 12, value_name = "N")]
    #[arg(help = Message::new("help-demo-machines").to_string())]
    pub machines: usize,
    #[arg(long)]
    #[arg(help = Message::new("help-demo-keep").to_string())]
    pub keep: bool,
    #[arg(long, value_name = "PATH")]
    #[arg(help = Message::new("help-demo-dir").to_string())]
    pub dir: Option<PathBuf>,
    #[arg(long, default_value_t = 3600.0, value_name = "FACTOR")]
    #[arg(help = Message::new("help-demo-speed").to_string())]
    pub speed: f64,
    #[arg(long, value_enum, default_value_t = Order::Stayput, value_name = "WHOSE")]
    #[arg(help = Message::new("help-demo-order").to_string())]
    pub order: Order,
    #[arg(long, value_enum, default_value_t = DataPlane::None, value_name = "WHAT")]
    #[arg(help = Message::new("help-demo-dataplane").to_string())]
    pub dataplane: DataPlane,
}

/// What carries packets in a lab.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DataPlane {
    #[value(help = Message::new("help-dataplane-none").to_string())]
    None,
    #[value(help = Message::new("help-dataplane-kernel").to_string())]
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
    #[value(help = Message::new("help-order-stayput").to_string())]
    Stayput,
    #[value(help = Message::new("help-order-article").to_string())]
    Article,
}

/// `bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    #[arg(value_enum)]
    #[arg(help = Message::new("help-bench-what").to_string())]
    pub what: BenchWhat,
    #[arg(long, value_delimiter = ',', value_name = "N,N")]
    #[arg(help = Message::new("help-bench-machines").to_string())]
    pub machines: Vec<usize>,
    #[arg(long, value_delimiter = ',', value_name = "N,N")]
    #[arg(help = Message::new("help-bench-concurrency").to_string())]
    pub concurrency: Vec<usize>,
    #[arg(long, default_value_t = 2000, value_name = "MS")]
    #[arg(help = Message::new("help-bench-poll").to_string())]
    pub poll: u64,
    #[arg(long, value_name = "N")]
    #[arg(help = Message::new("help-bench-runs").to_string())]
    pub runs: Option<usize>,
}

/// What to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BenchWhat {
    #[value(help = Message::new("help-bench-plan").to_string())]
    Plan,
    #[value(help = Message::new("help-bench-nics").to_string())]
    Nics,
    #[value(help = Message::new("help-bench-demo").to_string())]
    Demo,
    #[value(help = Message::new("help-bench-fabric").to_string())]
    Fabric,
    #[value(hide = true)]
    #[value(help = Message::new("help-bench-fabric-probe").to_string())]
    FabricProbe,
    #[value(hide = true)]
    #[value(help = Message::new("help-bench-fabric-probe-addresses").to_string())]
    FabricProbeAddresses,
    #[value(hide = true)]
    #[value(help = Message::new("help-bench-plan-probe").to_string())]
    PlanProbe,
    #[value(hide = true)]
    #[value(help = Message::new("help-bench-nics-probe").to_string())]
    NicsProbe,
}
