//! What was not read. A judgement about it is not possible.

use stayput_messages::Message;

use crate::GuestReport;
use crate::advice::Advice;
use crate::advice::Consequence;
use crate::advice::Fix;
use crate::advice::Kind;

/// A part that was not read.
pub(crate) struct Unread {
    /// Section, file or member.
    pub(crate) part: String,
    /// Why.
    pub(crate) why: String,
}

/// Returns every part that was not read.
pub(crate) fn parts(report: &GuestReport) -> Vec<Unread> {
    let failed = report.failed.iter().map(|failed| Unread {
        part: failed.part.clone(),
        why: failed.why.clone(),
    });
    let dropped = report.dropped.iter().map(|dropped| {
        let which = dropped.which.join(", ");
        let message = Message::new("guest-left-out")
            .count("count", dropped.count)
            .with("which", which);
        Unread {
            part: dropped.section.clone(),
            why: message.to_string(),
        }
    });
    let problems = report.problems.iter().map(|problem| Unread {
        part: problem.member.clone(),
        why: problem.why.clone(),
    });
    let cut = report.files.iter().filter(|file| file.cut || file.lossy);
    let cut = cut.map(|file| Unread {
        part: format!("file:{}", file.path),
        why: Message::new("guest-file-cut").to_string(),
    });
    failed.chain(dropped).chain(problems).chain(cut).collect()
}

/// Whether a file that configures interfaces may exist that was not read.
pub(crate) fn misses_files(report: &GuestReport) -> bool {
    parts(report).iter().any(|unread| {
        let part = unread.part.as_str();
        ["file:", "files", "folder:", "all"]
            .iter()
            .any(|start| part.starts_with(start))
            && part != "file:/etc/hosts"
    })
}

/// Says what could not be judged, for each part that a judgement needs.
pub(crate) fn advise(report: &GuestReport) -> Vec<Advice> {
    // The row and the name for people have no influence on the network.
    let matters = |unread: &Unread| !matches!(unread.part.as_str(), "row" | "name" | "hosts");
    let unread = parts(report).into_iter().filter(matters);
    unread
        .map(|unread| not_known(unread.part, unread.why))
        .collect()
}

/// A part about which nothing is known.
pub(crate) fn not_known(part: String, why: String) -> Advice {
    let note = Message::new("guest-fix-capture-again").with("why", why);
    Advice {
        what: Kind::NotRead,
        consequence: Consequence::Unknown,
        interface: None,
        path: Some(part),
        line: None,
        fix: Fix::without_commands(note),
    }
}
