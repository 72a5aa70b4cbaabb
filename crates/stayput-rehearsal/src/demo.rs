//! The demo: the whole story against the lab. It runs the very commands a user would, as processes of their own, and
//! judges only what they report.

mod article;
mod chapter;
mod compare;
mod demo_lab;
mod kernel;
mod look;
mod options;
mod pace;
mod report;
mod story;
mod table;
mod watch;
mod watchlist;

use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use stayput_messages::Message;

use self::article::Article;
pub use self::article::ArticleError;
pub use self::article::Ec2Error;
pub use self::article::ScriptError;
use self::chapter::Chapter;
use self::chapter::Watching;
use self::compare::Comparison;
use self::compare::Figures;
use self::demo_lab::DemoLab;
use self::demo_lab::heading;
use self::kernel::Account;
use self::kernel::Judged;
use self::kernel::Probes;
use self::look::Observer;
pub use self::options::AfterDemo;
pub use self::options::DemoOptions;
pub use self::options::Order;
pub use self::options::SPEEDS;
use self::pace::Pace;
use self::report::ArticleOrder;
pub use self::report::DemoReport;
use self::report::Stage;
use self::report::StayputOrder;
use self::watchlist::Watchlist;
use crate::error::RehearsalError;
use crate::lab_process;
use crate::lab_process::DataPlane;
use crate::narrator::Narrator;

/// Pause between two looks of the lab's own walk at every address.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// The same while packets are sent: they are to have the machine.
const LOOK_BESIDE_PACKETS_EVERY: Duration = Duration::from_millis(200);

/// Everything a chapter needs.
struct Demo<'a> {
    lab: &'a DemoLab<'a>,
    watching: Option<&'a Watching>,
    stages: Vec<Stage>,
    chapters: Vec<Chapter>,
}

/// Runs a demo until it is over or `interrupted` is. Commands under way are then killed, and labs that are to stop do.
///
/// # Errors
/// An option is out of range (nothing was started then), the lab does not start, a command fails, or the demo is interrupted.
pub async fn run(
    options: &DemoOptions,
    narrator: &dyn Narrator,
    interrupted: impl Future<Output = ()>,
) -> Result<DemoReport, RehearsalError> {
    let started = Instant::now();
    options.check()?;
    let dir = match &options.dir {
        Some(dir) => dir.clone(),
        None => temporary_dir()?,
    };
    let told = tokio::select! {
        told = both(options, narrator, &dir) => told,
        () = interrupted => Err(RehearsalError::Interrupted),
    };
    match (&told, options.after) {
        (_, AfterDemo::KeepLab) => {}
        (Ok(_), AfterDemo::StopLab) => {
            if options.dir.is_none() {
                let _ = std::fs::remove_dir_all(&dir);
            }
        }
        (Err(error), AfterDemo::StopLab) => {
            // They end by themselves before the failure is reported.
            for left in [dir.clone(), article_dir(&dir)] {
                let _ = lab_process::stop(&left).await;
            }
            match (error, &options.dir) {
                (RehearsalError::Interrupted, None) => {
                    let _ = std::fs::remove_dir_all(&dir);
                }
                (_, None) => {
                    let kept = Message::new("demo-lab-wrote").with("dir", dir.display());
                    narrator.say(&kept.to_string());
                }
                (_, Some(_)) => {}
            }
        }
    }
    let (stayput, article) = told?;
    Ok(DemoReport {
        stayput,
        article,
        wall_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

/// Stayput's order, and the article's if it is asked for: one lab after the other, so that neither disturbs the other.
async fn both(
    options: &DemoOptions,
    narrator: &dyn Narrator,
    dir: &Path,
) -> Result<(StayputOrder, Option<ArticleOrder>), RehearsalError> {
    let stayput = stayput_order(options, narrator, dir).await?;
    let article = match (options.order, &stayput.watching) {
        (Order::Article, Some(watching)) => Some(
            article_order(
                options,
                narrator,
                &article_dir(dir),
                watching,
                &stayput.chapters,
            )
            .await?,
        ),
        (Order::Article | Order::Stayput, _) => None,
    };
    Ok((stayput, article))
}

async fn stayput_order(
    options: &DemoOptions,
    narrator: &dyn Narrator,
    dir: &Path,
) -> Result<StayputOrder, RehearsalError> {
    let lab = DemoLab::up(options, narrator, dir.to_path_buf()).await?;
    let watching = match (options.order, options.data_plane) {
        (Order::Stayput, DataPlane::Computed) => None,
        (Order::Article, DataPlane::Computed) => Some(Watching {
            pace: Pace::for_walks(options.speed),
            watchlist: watchlist(&lab).await?,
            look_every: LOOK_EVERY,
        }),
        (Order::Stayput | Order::Article, DataPlane::Kernel) => Some(Watching {
            pace: Pace::for_packets(options.speed),
            watchlist: watchlist(&lab).await?,
            look_every: LOOK_BESIDE_PACKETS_EVERY,
        }),
    };
    if let Some(watching) = &watching {
        lab.say(watching.pace.describe());
    }
    let probes = probes(&lab, watching.as_ref()).await?;
    let mut demo = Demo {
        lab: &lab,
        watching: watching.as_ref(),
        stages: Vec::new(),
        chapters: Vec::new(),
    };
    let machines = demo.tell().await?;
    let Demo {
        stages, chapters, ..
    } = demo;
    let kernel = match (probes, &watching) {
        (Some(probes), Some(watching)) => {
            Some(account(probes, Judged::Stayput, &chapters, watching).await?)
        }
        (Some(_) | None, _) => None,
    };
    lab.leave().await?;
    Ok(StayputOrder {
        machines,
        stages,
        watching,
        chapters,
        kernel,
    })
}

/// Real packets to every watched address, if the lab's data plane is the kernel.
async fn probes(
    lab: &DemoLab<'_>,
    watching: Option<&Watching>,
) -> Result<Option<Probes>, RehearsalError> {
    match (lab.options.data_plane, watching) {
        (DataPlane::Kernel, Some(watching)) => {
            Ok(Some(Probes::begin(lab, &watching.watchlist).await?))
        }
        (DataPlane::Kernel | DataPlane::Computed, _) => Ok(None),
    }
}

/// Ends the prober and draws up what became of its packets.
async fn account(
    probes: Probes,
    judged: Judged,
    chapters: &[Chapter],
    watching: &Watching,
) -> Result<Account, RehearsalError> {
    let packets = probes.end().await?;
    let watchlist = &watching.watchlist;
    Ok(kernel::account(judged, &packets, chapters, watchlist))
}

/// Which addresses are watched in a lab that has just begun.
async fn watchlist(lab: &DemoLab<'_>) -> Result<Watchlist, RehearsalError> {
    let observer = Observer::open(lab)?;
    let world = observer.engine.look().await?.world;
    Ok(Watchlist::of(&lab.estate, &world))
}

async fn article_order(
    options: &DemoOptions,
    narrator: &dyn Narrator,
    dir: &Path,
    watching: &Watching,
    ours: &[Chapter],
) -> Result<ArticleOrder, RehearsalError> {
    narrator.say(&heading(&Message::new("demo-chapter-article")));
    let lab = DemoLab::up(options, narrator, dir.to_path_buf()).await?;
    let plans: BTreeMap<_, _> = ours
        .iter()
        .map(|chapter| (chapter.name, chapter.plan.clone()))
        .collect();
    let mut article = Article::begin(&lab, watching).await?;
    let probes = probes(&lab, Some(watching)).await?;
    let report = article.tell(&plans).await?;
    let chapters = article.chapters;
    let kernel = match probes {
        Some(probes) => Some(account(probes, Judged::Article, &chapters, watching).await?),
        None => None,
    };
    let comparisons = chapters
        .iter()
        .filter_map(|theirs| {
            let ours = ours.iter().find(|chapter| chapter.name == theirs.name)?;
            Some(Comparison {
                phase: theirs.name,
                ours: Figures::of(&watching.watchlist, &ours.seen),
                article: Figures::of(&watching.watchlist, &theirs.seen),
            })
        })
        .collect();
    lab.leave().await?;
    Ok(ArticleOrder {
        report,
        comparisons,
        chapters,
        kernel,
    })
}

/// Where the lab of the article's order is.
fn article_dir(dir: &Path) -> PathBuf {
    dir.join("article")
}

fn temporary_dir() -> Result<PathBuf, RehearsalError> {
    let dir = std::env::temp_dir().join(format!("stayput-demo-{}", std::process::id()));
    std::fs::create_dir_all(&dir).map_err(|source| RehearsalError::CreateDir {
        path: dir.clone(),
        source,
    })?;
    Ok(dir)
}
