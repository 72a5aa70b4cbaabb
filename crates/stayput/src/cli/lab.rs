//! The part of the command line that makes things go wrong in a lab.

use clap::Args;
use clap::Subcommand;
use clap::ValueEnum;
use jiff::SignedDuration;
use stayput_lab::faults::CallKind;
use stayput_lab::faults::Fate;
use stayput_lab::faults::RuleForm;
use stayput_messages::Message;

use super::LabDirArgs;

/// `lab fault`.
#[derive(Debug, Subcommand)]
pub enum FaultCommand {
    #[command(about = Message::new("help-lab-fault-add").to_string())]
    Add(Box<FaultAddArgs>),
    #[command(about = Message::new("help-lab-fault-list").to_string())]
    List(LabDirArgs),
    #[command(about = Message::new("help-lab-fault-clear").to_string())]
    Clear(FaultClearArgs),
}

/// `lab fault clear`.
#[derive(Debug, Args)]
pub struct FaultClearArgs {
    #[arg(value_name = "ID")]
    #[arg(help = Message::new("help-lab-fault-clear-id").to_string())]
    pub id: Option<u64>,
    /// Where the lab's files are.
    #[command(flatten)]
    pub dir: LabDirArgs,
}

/// `lab fault add`.
#[derive(Debug, Args)]
#[command(after_help = Message::new("help-after-fault-add").to_string())]
pub struct FaultAddArgs {
    #[arg(long, value_name = "TOML", conflicts_with = "RuleArgs")]
    #[arg(help = Message::new("help-lab-fault-add-rule").to_string())]
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
    #[arg(long, value_name = "SERVICE", help_heading = Message::new("help-heading-which-calls").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-service").to_string())]
    pub service: Option<String>,
    #[arg(long, value_name = "SITE", help_heading = Message::new("help-heading-which-calls").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-site").to_string())]
    pub site: Option<String>,
    #[arg(long, value_name = "REGION", help_heading = Message::new("help-heading-which-calls").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-region").to_string())]
    pub region: Option<String>,
    #[arg(long, value_name = "CALL", help_heading = Message::new("help-heading-which-calls").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-call").to_string())]
    pub call: Option<String>,
    #[arg(long, value_name = "TEXT", help_heading = Message::new("help-heading-which-calls").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-object").to_string())]
    pub object: Option<String>,
    #[arg(long, value_enum, value_name = "KIND", help_heading = Message::new("help-heading-which-calls").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-kind").to_string())]
    pub kind: Option<Kind>,
    #[arg(long, value_name = "N", help_heading = Message::new("help-heading-which-calls").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-nth").to_string())]
    pub nth: Option<u64>,
    #[arg(long, value_name = "N", help_heading = Message::new("help-heading-which-calls").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-times").to_string())]
    pub times: Option<u64>,
    #[arg(long, conflicts_with = "times", help_heading = Message::new("help-heading-which-calls").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-forever").to_string())]
    pub forever: bool,
    #[arg(long, value_name = "TIME", help_heading = Message::new("help-heading-which-calls").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-lasts").to_string())]
    pub lasts: Option<SignedDuration>,

    #[arg(long, value_name = "STATUS", help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-refuse").to_string())]
    pub refuse: Option<u16>,
    #[arg(long, value_name = "STATUS", help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-refuse-after").to_string())]
    pub refuse_after: Option<u16>,
    #[arg(long, value_name = "CODE", help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-code").to_string())]
    pub code: Option<String>,
    #[arg(long, value_name = "TEXT", help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-message").to_string())]
    pub message: Option<String>,
    #[arg(long, value_name = "SECONDS", help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-retry-after").to_string())]
    pub retry_after: Option<u32>,
    #[arg(long, help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-throttle").to_string())]
    pub throttle: bool,
    #[arg(long, help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-not-sent").to_string())]
    pub not_sent: bool,
    #[arg(long, value_name = "TIME", help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-delay").to_string())]
    pub delay: Option<SignedDuration>,
    #[arg(long, value_name = "TIME", help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-delay-request").to_string())]
    pub delay_request: Option<SignedDuration>,
    #[arg(long, help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-hang").to_string())]
    pub hang: bool,
    #[arg(long, value_name = "TIME", help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-applied-after").to_string())]
    pub applied_after: Option<SignedDuration>,
    #[arg(long, help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-lose-request").to_string())]
    pub lose_request: bool,
    #[arg(long, help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-lose-answer").to_string())]
    pub lose_answer: bool,
    #[arg(long, help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-close").to_string())]
    pub close: bool,
    #[arg(long, help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-twice").to_string())]
    pub twice: bool,
    #[arg(long, value_name = "BYTES", help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-cut").to_string())]
    pub cut: Option<usize>,
    #[arg(long, help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-garbage").to_string())]
    pub garbage: bool,
    #[arg(long, help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-html").to_string())]
    pub html: bool,
    #[arg(long, help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-empty").to_string())]
    pub empty: bool,
    #[arg(long, help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-unapplied").to_string())]
    pub unapplied: bool,
    #[arg(long, value_name = "TIME", help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-stale").to_string())]
    pub stale: Option<SignedDuration>,
    #[arg(long, value_name = "N", help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-drop").to_string())]
    pub drop: Option<usize>,
    #[arg(long, value_name = "N", help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-page").to_string())]
    pub page: Option<usize>,
    #[arg( long, value_enum, value_name = "FATE", help_heading = Message::new("help-heading-what-becomes").to_string() )]
    #[arg(help = Message::new("help-lab-fault-rule-task").to_string())]
    pub task: Option<Task>,
    #[arg(long, help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-expire-token").to_string())]
    pub expire_token: bool,
    #[arg(long, value_name = "SITE", help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-site-down").to_string())]
    pub site_down: Option<String>,
    #[arg(long, value_name = "REGION", help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-region-down").to_string())]
    pub region_down: Option<String>,
    #[arg(long, value_name = "TIME", help_heading = Message::new("help-heading-what-becomes").to_string())]
    #[arg(help = Message::new("help-lab-fault-rule-down-for").to_string())]
    pub down_for: Option<SignedDuration>,
}

/// Whether a call changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    #[value(help = Message::new("help-kind-read").to_string())]
    Read,
    #[value(help = Message::new("help-kind-change").to_string())]
    Change,
}

/// What becomes of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Task {
    #[value(help = Message::new("help-task-fails").to_string())]
    Fails,
    #[value(help = Message::new("help-task-never-ends").to_string())]
    NeverEnds,
    #[value(help = Message::new("help-task-vanishes").to_string())]
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
    #[command(about = Message::new("help-lab-site-down").to_string())]
    Down(PlaceArgs),
    #[command(about = Message::new("help-lab-site-up").to_string())]
    Up(PlaceArgs),
}

/// `lab region`.
#[derive(Debug, Subcommand)]
pub enum RegionCommand {
    #[command(about = Message::new("help-lab-region-down").to_string())]
    Down(PlaceArgs),
    #[command(about = Message::new("help-lab-region-up").to_string())]
    Up(PlaceArgs),
}

/// A site or a region.
#[derive(Debug, Args)]
pub struct PlaceArgs {
    #[arg(value_name = "NAME")]
    #[arg(help = Message::new("help-place-name").to_string())]
    pub name: String,
    /// Where the lab's files are.
    #[command(flatten)]
    pub dir: LabDirArgs,
}

/// `lab vm`.
#[derive(Debug, Subcommand)]
pub enum VmCommand {
    #[command(about = Message::new("help-lab-vm-off").to_string())]
    Off(VmArgs),
    #[command(about = Message::new("help-lab-vm-on").to_string())]
    On(VmArgs),
}

/// A VM.
#[derive(Debug, Args)]
pub struct VmArgs {
    #[arg(value_name = "NAME|UUID")]
    #[arg(help = Message::new("help-vm-vm").to_string())]
    pub vm: String,
    #[arg(long, value_name = "SITE")]
    #[arg(help = Message::new("help-vm-site").to_string())]
    pub site: Option<String>,
    /// Where the lab's files are.
    #[command(flatten)]
    pub dir: LabDirArgs,
}

/// `lab instance`.
#[derive(Debug, Subcommand)]
pub enum InstanceCommand {
    #[command(about = Message::new("help-lab-instance-start").to_string())]
    Start(InstanceArgs),
    #[command(about = Message::new("help-lab-instance-stop").to_string())]
    Stop(InstanceArgs),
}

/// An instance.
#[derive(Debug, Args)]
pub struct InstanceArgs {
    #[arg(value_name = "ID|NAME")]
    #[arg(help = Message::new("help-instance-instance").to_string())]
    pub instance: String,
    /// Where the lab's files are.
    #[command(flatten)]
    pub dir: LabDirArgs,
}
