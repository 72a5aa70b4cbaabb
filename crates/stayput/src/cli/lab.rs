//! The part of the command line that makes things go wrong in a lab.

use clap::Args;
use clap::Subcommand;
use clap::ValueEnum;
use jiff::SignedDuration;
use stayput_lab::faults::CallKind;
use stayput_lab::faults::Fate;
use stayput_lab::faults::RuleForm;

use super::LabDirArgs;

/// `lab fault`.
#[derive(Debug, Subcommand)]
pub enum FaultCommand {
    /// Add a fault: which calls, and what becomes of them.
    Add(Box<FaultAddArgs>),
    /// List the faults with how often each has applied.
    List(LabDirArgs),
    /// Remove one fault, or all.
    Clear(FaultClearArgs),
}

/// `lab fault clear`.
#[derive(Debug, Args)]
pub struct FaultClearArgs {
    /// The fault's number, as `fault list` shows it; all if not given.
    #[arg(value_name = "ID")]
    pub id: Option<u64>,
    /// Where the lab's files are.
    #[command(flatten)]
    pub dir: LabDirArgs,
}

/// `lab fault add`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stayput lab fault add --service prism --site osaka --call 'POST */recovery-plans/*' --lose-answer
  stayput lab fault add --service ec2 --call 'Replace*Route' --nth 2 --refuse 503 --times 3
  stayput lab fault add --service move --kind read --delay 5s --forever --lasts 10m
  stayput lab fault add --rule 'service = \"ssm\", task = \"never-ends\"'

Times of --lasts, --stale, --applied-after and --down-for are virtual; those of --delay and
--delay-request are real.")]
pub struct FaultAddArgs {
    /// The rule, as a table of TOML, instead of the options below.
    #[arg(long, value_name = "TOML", conflicts_with = "RuleArgs")]
    pub rule: Option<String>,
    /// The rule.
    #[command(flatten)]
    pub options: RuleArgs,
    /// Where the lab's files are.
    #[command(flatten)]
    pub dir: LabDirArgs,
}

/// A rule, as options.
#[derive(Debug, Args)]
pub struct RuleArgs {
    /// Which service: aws, ec2, ssm, dynamodb, sts, directconnect, prism, move.
    #[arg(long, value_name = "SERVICE", help_heading = "Which calls")]
    pub service: Option<String>,
    /// Calls to the Prism Central or Move of this site.
    #[arg(long, value_name = "SITE", help_heading = "Which calls")]
    pub site: Option<String>,
    /// Calls to this AWS region, or to a site in it.
    #[arg(long, value_name = "REGION", help_heading = "Which calls")]
    pub region: Option<String>,
    /// An AWS action, or METHOD /path/{id}; with * and ?.
    #[arg(long, value_name = "CALL", help_heading = "Which calls")]
    pub call: Option<String>,
    /// A text in the path or the body, such as an id.
    #[arg(long, value_name = "TEXT", help_heading = "Which calls")]
    pub object: Option<String>,
    /// Only calls that read, or only calls that change something.
    #[arg(long, value_enum, value_name = "KIND", help_heading = "Which calls")]
    pub kind: Option<Kind>,
    /// The first matching call that it applies to; by default the first.
    #[arg(long, value_name = "N", help_heading = "Which calls")]
    pub nth: Option<u64>,
    /// How many calls it applies to; by default one.
    #[arg(long, value_name = "N", help_heading = "Which calls")]
    pub times: Option<u64>,
    /// Apply it to every matching call.
    #[arg(long, conflicts_with = "times", help_heading = "Which calls")]
    pub forever: bool,
    /// How long the fault exists; by default until it is cleared.
    #[arg(long, value_name = "TIME", help_heading = "Which calls")]
    pub lasts: Option<SignedDuration>,

    /// Answer this HTTP status; the call is not applied.
    #[arg(long, value_name = "STATUS", help_heading = "What becomes of them")]
    pub refuse: Option<u16>,
    /// Apply the call and answer this HTTP status.
    #[arg(long, value_name = "STATUS", help_heading = "What becomes of them")]
    pub refuse_after: Option<u16>,
    /// With --refuse, --refuse-after: the error code.
    #[arg(long, value_name = "CODE", help_heading = "What becomes of them")]
    pub code: Option<String>,
    /// With --refuse, --refuse-after: the error message.
    #[arg(long, value_name = "TEXT", help_heading = "What becomes of them")]
    pub message: Option<String>,
    /// With --refuse, --refuse-after, --throttle: the Retry-After header.
    #[arg(long, value_name = "SECONDS", help_heading = "What becomes of them")]
    pub retry_after: Option<u32>,
    /// Answer the service's error for too many requests.
    #[arg(long, help_heading = "What becomes of them")]
    pub throttle: bool,
    /// Refuse the connection.
    #[arg(long, help_heading = "What becomes of them")]
    pub not_sent: bool,
    /// Apply the call at once and answer it later.
    #[arg(long, value_name = "TIME", help_heading = "What becomes of them")]
    pub delay: Option<SignedDuration>,
    /// Apply the call later, and answer it then.
    #[arg(long, value_name = "TIME", help_heading = "What becomes of them")]
    pub delay_request: Option<SignedDuration>,
    /// Never answer; the call is not applied, or later.
    #[arg(long, help_heading = "What becomes of them")]
    pub hang: bool,
    /// With --hang: when the call is applied.
    #[arg(long, value_name = "TIME", help_heading = "What becomes of them")]
    pub applied_after: Option<SignedDuration>,
    /// Neither apply nor answer the call.
    #[arg(long, help_heading = "What becomes of them")]
    pub lose_request: bool,
    /// Apply the call and do not answer it.
    #[arg(long, help_heading = "What becomes of them")]
    pub lose_answer: bool,
    /// With --lose-request, --lose-answer: close the connection instead of leaving it silent.
    #[arg(long, help_heading = "What becomes of them")]
    pub close: bool,
    /// Apply the call twice.
    #[arg(long, help_heading = "What becomes of them")]
    pub twice: bool,
    /// Close the connection after so many bytes of the answer.
    #[arg(long, value_name = "BYTES", help_heading = "What becomes of them")]
    pub cut: Option<usize>,
    /// Answer 200 with a body in no format.
    #[arg(long, help_heading = "What becomes of them")]
    pub garbage: bool,
    /// Answer 200 with an HTML page, as a proxy does.
    #[arg(long, help_heading = "What becomes of them")]
    pub html: bool,
    /// Answer 200 without a body.
    #[arg(long, help_heading = "What becomes of them")]
    pub empty: bool,
    /// With --garbage, --html, --empty: do not apply the call.
    #[arg(long, help_heading = "What becomes of them")]
    pub unapplied: bool,
    /// Let reads show the state before this call for so long.
    #[arg(long, value_name = "TIME", help_heading = "What becomes of them")]
    pub stale: Option<SignedDuration>,
    /// Leave this element out of the answer's list, from 1.
    #[arg(long, value_name = "N", help_heading = "What becomes of them")]
    pub drop: Option<usize>,
    /// Answer lists in pages of at most so many elements.
    #[arg(long, value_name = "N", help_heading = "What becomes of them")]
    pub page: Option<usize>,
    /// What becomes of the tasks that the call starts.
    #[arg(
        long,
        value_enum,
        value_name = "FATE",
        help_heading = "What becomes of them"
    )]
    pub task: Option<Task>,
    /// Treat the caller's token or credentials as expired.
    #[arg(long, help_heading = "What becomes of them")]
    pub expire_token: bool,
    /// Take this site down with the call.
    #[arg(long, value_name = "SITE", help_heading = "What becomes of them")]
    pub site_down: Option<String>,
    /// Take this region down with the call.
    #[arg(long, value_name = "REGION", help_heading = "What becomes of them")]
    pub region_down: Option<String>,
    /// With --site-down, --region-down: when it returns; by default it stays down.
    #[arg(long, value_name = "TIME", help_heading = "What becomes of them")]
    pub down_for: Option<SignedDuration>,
}

/// Whether a call changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Calls that only look, and dry runs.
    Read,
    /// Calls that may change something.
    Change,
}

/// What becomes of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Task {
    /// They fail, without their change: Prism Central, Move, SSM.
    Fails,
    /// They never end.
    NeverEnds,
    /// They make their change and are not found afterwards: Prism Central, SSM.
    Vanishes,
}

impl RuleArgs {
    /// The rule as it is written.
    pub fn form(&self) -> RuleForm {
        RuleForm {
            service: self.service.clone(),
            site: self.site.clone(),
            region: self.region.clone(),
            call: self.call.clone(),
            object: self.object.clone(),
            kind: self.kind.map(|kind| match kind {
                Kind::Read => CallKind::Read,
                Kind::Change => CallKind::Change,
            }),
            nth: self.nth,
            times: self.times,
            forever: self.forever,
            lasts: self.lasts,
            refuse: self.refuse,
            refuse_after: self.refuse_after,
            code: self.code.clone(),
            message: self.message.clone(),
            retry_after: self.retry_after,
            throttle: self.throttle,
            not_sent: self.not_sent,
            delay: self.delay,
            delay_request: self.delay_request,
            hang: self.hang,
            applied_after: self.applied_after,
            lose_request: self.lose_request,
            lose_answer: self.lose_answer,
            close: self.close,
            twice: self.twice,
            cut: self.cut,
            garbage: self.garbage,
            html: self.html,
            empty: self.empty,
            unapplied: self.unapplied,
            stale: self.stale,
            drop: self.drop,
            page: self.page,
            task: self.task.map(|task| match task {
                Task::Fails => Fate::Fails,
                Task::NeverEnds => Fate::NeverEnds,
                Task::Vanishes => Fate::Vanishes,
            }),
            expire_token: self.expire_token,
            site_down: self.site_down.clone(),
            region_down: self.region_down.clone(),
            down_for: self.down_for,
        }
    }
}

/// `lab site`.
#[derive(Debug, Subcommand)]
pub enum SiteCommand {
    /// Nothing there answers; its state is kept.
    Down(PlaceArgs),
    /// It answers again, with the state it had.
    Up(PlaceArgs),
}

/// `lab region`.
#[derive(Debug, Subcommand)]
pub enum RegionCommand {
    /// Nothing there answers; its state is kept.
    Down(PlaceArgs),
    /// It answers again, with the state it had.
    Up(PlaceArgs),
}

/// A site or a region.
#[derive(Debug, Args)]
pub struct PlaceArgs {
    /// Its name.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Where the lab's files are.
    #[command(flatten)]
    pub dir: LabDirArgs,
}

/// `lab vm`.
#[derive(Debug, Subcommand)]
pub enum VmCommand {
    /// Switch it off.
    Off(VmArgs),
    /// Switch it on.
    On(VmArgs),
}

/// A VM.
#[derive(Debug, Args)]
pub struct VmArgs {
    /// Its name or UUID.
    #[arg(value_name = "NAME|UUID")]
    pub vm: String,
    /// The site it is at, if several sites have a VM of this name.
    #[arg(long, value_name = "SITE")]
    pub site: Option<String>,
    /// Where the lab's files are.
    #[command(flatten)]
    pub dir: LabDirArgs,
}

/// `lab instance`.
#[derive(Debug, Subcommand)]
pub enum InstanceCommand {
    /// Start it.
    Start(InstanceArgs),
    /// Stop it.
    Stop(InstanceArgs),
}

/// An instance.
#[derive(Debug, Args)]
pub struct InstanceArgs {
    /// Its id or Name tag.
    #[arg(value_name = "ID|NAME")]
    pub instance: String,
    /// Where the lab's files are.
    #[command(flatten)]
    pub dir: LabDirArgs,
}
