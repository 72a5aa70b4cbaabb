//! What came of a demo, as text and as JSON.

use serde::Serialize;
use serde_json::Value;
use serde_json::json;
use stayput_messages::Message;
use stayput_plan::seconds;

use super::article::ArticleReport;
use super::chapter::Chapter;
use super::chapter::Watching;
use super::compare;
use super::compare::Comparison;
use super::kernel;
use super::kernel::Account;
use super::story::Machine;
use super::table;

/// One chapter of the story.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Stage {
    pub name: &'static str,
    pub wall_ms: u64,
    pub virtual_ms: u64,
    pub steps: usize,
    pub traces_delivered: u64,
    pub traces_total: u64,
    /// Addresses the lab's own packet walk was asked about, and those it delivers to the right machine.
    pub walks_delivered: usize,
    pub walks_total: usize,
}

impl Stage {
    /// Whether both implementations of routing deliver every packet.
    fn is_reached(&self) -> bool {
        self.traces_total > 0
            && self.traces_delivered == self.traces_total
            && self.walks_delivered == self.walks_total
    }
}

/// What came of stayput's own order.
pub(super) struct StayputOrder {
    pub machines: Vec<Machine>,
    pub stages: Vec<Stage>,
    pub watching: Option<Watching>,
    pub chapters: Vec<Chapter>,
    pub kernel: Option<Account>,
}

/// What came of the article's order.
pub(super) struct ArticleOrder {
    pub report: ArticleReport,
    pub comparisons: Vec<Comparison>,
    pub chapters: Vec<Chapter>,
    pub kernel: Option<Account>,
}

/// What came of a demo.
#[must_use = "a demo that did not keep every address says so only here"]
pub struct DemoReport {
    pub(super) stayput: StayputOrder,
    pub(super) article: Option<ArticleOrder>,
    /// Wall time of the whole, in milliseconds.
    pub(super) wall_ms: u64,
}

impl DemoReport {
    /// Whether every machine kept its addresses, every packet was delivered after every chapter, and no packet was lost that no plan
    /// had announced.
    pub fn is_ok(&self) -> bool {
        self.kept() == self.total() && self.is_reached() && self.is_announced()
    }

    fn total(&self) -> usize {
        self.stayput.machines.len()
    }

    fn kept(&self) -> usize {
        let machines = self.stayput.machines.iter();
        machines.filter(|machine| machine.is_kept()).count()
    }

    fn is_reached(&self) -> bool {
        self.stayput.stages.iter().all(Stage::is_reached)
    }

    fn is_announced(&self) -> bool {
        let kernel = self.stayput.kernel.as_ref();
        kernel.is_none_or(|kernel| kernel.lost_outside_announced_holes == Some(0))
    }

    /// Tables and a last line, for people.
    pub fn render(&self) -> String {
        let Self {
            stayput, article, ..
        } = self;
        let mut text = table::render(&stayput.machines, &stayput.stages);
        if let Some(kernel) = &stayput.kernel {
            text.push_str(&format!("\n{}\n", Message::new("demo-packets-stayput")));
            text.push_str(&kernel::render(kernel, &stayput.chapters));
        }
        if let Some(article) = article {
            if let Some(kernel) = &article.kernel {
                text.push_str(&format!("\n{}\n", Message::new("demo-packets-article")));
                text.push_str(&kernel::render(kernel, &article.chapters));
            }
            if let (Some(ours), Some(theirs)) = (&stayput.kernel, &article.kernel) {
                text.push_str(&format!("\n{}\n", Message::new("demo-packets-switches")));
                text.push_str(&kernel::render_switches(&ours.switches, &theirs.switches));
            }
            text.push_str(&format!("\n{}\n", Message::new("demo-both-orders")));
            text.push_str(&compare::render(&article.comparisons));
        }
        text.push_str(&format!("\n{}\n", self.last_line()));
        text
    }

    fn last_line(&self) -> Message {
        let (kept, total, time) = (self.kept(), self.total(), seconds(self.wall_ms));
        match (self.is_reached(), self.is_announced()) {
            (true, true) => Message::new("demo-kept")
                .with("kept", kept)
                .with("total", total)
                .with("time", time),
            (true, false) => Message::new("demo-kept-unannounced")
                .with("kept", kept)
                .with("total", total)
                .with("time", time),
            (false, true) => Message::new("demo-kept-undelivered")
                .with("kept", kept)
                .with("total", total)
                .with("time", time),
            (false, false) => Message::new("demo-kept-undelivered-unannounced")
                .with("kept", kept)
                .with("total", total)
                .with("time", time),
        }
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let Self {
            stayput,
            article,
            wall_ms,
        } = self;
        let mut json = json!({
            "ok": self.is_ok(),
            "kept": self.kept(),
            "total": self.total(),
            "wall_ms": wall_ms,
            "stages": stayput.stages,
            "machines": stayput.machines,
        });
        if let Some(kernel) = &stayput.kernel {
            json["kernel"] = json!(kernel);
        }
        if let Some(article) = article {
            json["article"] = json!({
                "addresses": article.report.addresses,
                "chapters": article.report.chapters,
                "comparison": article.comparisons,
                "kernel": article.kernel,
                "pace": stayput.watching.as_ref().map(|watching| watching.pace),
            });
        }
        json
    }
}
