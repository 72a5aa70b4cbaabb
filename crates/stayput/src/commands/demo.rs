//! `stayput demo`: the whole story against the lab. It runs the very commands a user would, as processes of their own, and
//! judges only what they report.

mod article;
mod cast;
mod chapter;
mod compare;
mod kernel;
mod look;
mod pace;
mod scene;
mod story;
mod table;
mod watch;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use serde::Serialize;
use serde_json::json;

use self::article::Article;
use self::article::Told;
use self::cast::Cast;
use self::chapter::Chapter;
use self::chapter::Watching;
use self::compare::Comparison;
use self::compare::Figures;
use self::kernel::Account;
use self::kernel::Judged;
use self::kernel::Probes;
use self::look::Eyes;
use self::pace::Pace;
use self::scene::Scene;
use self::story::Machine;
use crate::cli::DataPlane;
use crate::cli::DemoArgs;
use crate::cli::Global;
use crate::cli::Order;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;
use crate::session;
use crate::ui;

/// Pause between two looks of the lab's own walk at everybody.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// The same while packets are sent: they are to have the machine.
const LOOK_BESIDE_PACKETS_EVERY: Duration = Duration::from_millis(200);

/// One chapter of the story.
#[derive(Debug, Clone, Serialize)]
struct Stage {
    name: &'static str,
    wall_ms: u64,
    virtual_ms: u64,
    steps: usize,
    traces_delivered: u64,
    traces_total: u64,
    /// Addresses the lab's own packet walk was asked about, and those it delivers to the right machine.
    walks_delivered: usize,
    walks_total: usize,
}

impl Stage {
    /// Whether both implementations of routing deliver every packet.
    fn is_reached(&self) -> bool {
        self.traces_total > 0
            && self.traces_delivered == self.traces_total
            && self.walks_delivered == self.walks_total
    }
}

/// Everything a chapter needs.
struct Demo<'a> {
    scene: &'a Scene<'a>,
    watching: Option<&'a Watching>,
    stages: Vec<Stage>,
    chapters: Vec<Chapter>,
}

/// Stayput's own order, told.
struct Ours {
    machines: Vec<Machine>,
    stages: Vec<Stage>,
    watching: Option<Watching>,
    chapters: Vec<Chapter>,
    kernel: Option<Account>,
}

/// The article's order, told.
struct Theirs {
    told: Told,
    comparisons: Vec<Comparison>,
    chapters: Vec<Chapter>,
    kernel: Option<Account>,
}

pub async fn run(global: &Global, args: &DemoArgs) -> Result<Output, CommandError> {
    let started = Instant::now();
    if args.machines == 0 {
        return Err(
            CommandError::new(Kind::Usage, "a demo needs at least one machine")
                .hint("--machines 12"),
        );
    }
    let dir = match &args.dir {
        Some(dir) => dir.clone(),
        None => temporary_dir()?,
    };
    let told = tokio::select! {
        told = both(global, args, &dir) => told,
        _ = tokio::signal::ctrl_c() => Err(CommandError::new(Kind::Failed, "interrupted")),
    };
    if told.is_err() && !args.keep {
        // Whichever lab was left behind.
        for left in [dir.clone(), article_dir(&dir)] {
            let _ = crate::commands::lab::down(&left).await;
        }
    }
    if args.dir.is_none() && told.is_ok() && !args.keep {
        let _ = std::fs::remove_dir_all(&dir);
    }
    let (ours, theirs) = told?;
    Ok(output(&ours, theirs.as_ref(), started))
}

/// Stayput's order, and the article's if it is asked for: one lab after the other, so that neither disturbs the other.
async fn both(
    global: &Global,
    args: &DemoArgs,
    dir: &Path,
) -> Result<(Ours, Option<Theirs>), CommandError> {
    let ours = ours(global, args, dir).await?;
    let theirs = match (args.order, &ours.watching) {
        (Order::Article, Some(watching)) => {
            Some(theirs(global, args, &article_dir(dir), watching, &ours.chapters).await?)
        }
        (Order::Article | Order::Stayput, _) => None,
    };
    Ok((ours, theirs))
}

async fn ours(global: &Global, args: &DemoArgs, dir: &Path) -> Result<Ours, CommandError> {
    let scene = Scene::up(global, args, dir).await?;
    let watching = match (args.order, args.dataplane) {
        (Order::Stayput, DataPlane::None) => None,
        (Order::Article, DataPlane::None) => Some(Watching {
            pace: Pace::for_walks(args.speed),
            cast: cast(&scene).await?,
            look_every: LOOK_EVERY,
        }),
        (Order::Stayput | Order::Article, DataPlane::Kernel) => Some(Watching {
            pace: Pace::for_packets(args.speed),
            cast: cast(&scene).await?,
            look_every: LOOK_BESIDE_PACKETS_EVERY,
        }),
    };
    if let Some(watching) = &watching {
        say(global, &watching.pace.describe());
    }
    let probes = probes(args, &scene, watching.as_ref()).await?;
    let mut demo = Demo {
        scene: &scene,
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
            let estate = session::load_estate(&scene.endpoints.estate_file)?;
            let packets = probes.end().await?;
            let ours = Judged::Ours(&estate);
            let account = kernel::account(ours, &packets, &chapters, &watching.cast);
            Some(account.map_err(|error| CommandError::from_error(Kind::Failed, &error))?)
        }
        (Some(_) | None, _) => None,
    };
    scene.leave(args.keep).await?;
    Ok(Ours {
        machines,
        stages,
        watching,
        chapters,
        kernel,
    })
}

/// Real packets to everybody who is watched, if the lab's data plane is the kernel.
async fn probes(
    args: &DemoArgs,
    scene: &Scene<'_>,
    watching: Option<&Watching>,
) -> Result<Option<Probes>, CommandError> {
    match (args.dataplane, watching) {
        (DataPlane::Kernel, Some(watching)) => {
            Ok(Some(Probes::begin(scene, &watching.cast).await?))
        }
        (DataPlane::Kernel | DataPlane::None, _) => Ok(None),
    }
}

/// Whose addresses are watched in a lab that has just begun.
async fn cast(scene: &Scene<'_>) -> Result<Cast, CommandError> {
    let eyes = Eyes::open(&scene.endpoints)?;
    let world = eyes.engine.look().await?.world;
    Ok(Cast::of(&eyes.engine.estate, &world))
}

async fn theirs(
    global: &Global,
    args: &DemoArgs,
    dir: &Path,
    watching: &Watching,
    ours: &[Chapter],
) -> Result<Theirs, CommandError> {
    say(
        global,
        "\n── The same machines again, in the order of the article ──",
    );
    let scene = Scene::up(global, args, dir).await?;
    let plans: BTreeMap<_, _> = ours
        .iter()
        .map(|chapter| (chapter.name, chapter.plan.clone()))
        .collect();
    let mut article = Article::begin(&scene, watching).await?;
    let probes = probes(args, &scene, Some(watching)).await?;
    let told = article.tell(&plans).await?;
    let chapters = article.chapters;
    let kernel = match probes {
        Some(probes) => {
            let packets = probes.end().await?;
            let account = kernel::account(Judged::Article, &packets, &chapters, &watching.cast);
            Some(account.map_err(|error| CommandError::from_error(Kind::Failed, &error))?)
        }
        None => None,
    };
    let comparisons = chapters
        .iter()
        .filter_map(|theirs| {
            let ours = ours.iter().find(|chapter| chapter.name == theirs.name)?;
            Some(Comparison {
                phase: theirs.name,
                ours: Figures::of(&watching.cast, &ours.seen),
                article: Figures::of(&watching.cast, &theirs.seen),
            })
        })
        .collect();
    scene.leave(args.keep).await?;
    Ok(Theirs {
        told,
        comparisons,
        chapters,
        kernel,
    })
}

fn output(ours: &Ours, theirs: Option<&Theirs>, started: Instant) -> Output {
    let total = ours.machines.len();
    let kept = ours
        .machines
        .iter()
        .filter(|machine| machine.is_kept())
        .count();
    let reached = ours.stages.iter().all(Stage::is_reached);
    let promised = ours
        .kernel
        .as_ref()
        .is_none_or(|kernel| kernel.lost_outside_announced_holes == Some(0));
    let ok = kept == total && reached && promised;
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);

    let mut text = table::render(&ours.machines, &ours.stages);
    if let Some(kernel) = &ours.kernel {
        text.push_str("\nPackets, in stayput's order:\n");
        text.push_str(&kernel::render(kernel, &ours.chapters));
    }
    if let Some(theirs) = theirs {
        if let Some(kernel) = &theirs.kernel {
            text.push_str("\nPackets, in the article's order:\n");
            text.push_str(&kernel::render(kernel, &theirs.chapters));
        }
        if let (Some(ours), Some(theirs)) = (&ours.kernel, &theirs.kernel) {
            text.push_str("\nPackets in the routing work alone, in both orders:\n");
            text.push_str(&kernel::render_switches(&ours.switches, &theirs.switches));
        }
        text.push_str("\nStayput's order and the article's on the same machines, as the lab's own walk saw them (virtual time):\n");
        text.push_str(&compare::render(&theirs.comparisons));
    }
    text.push_str(&format!("\n{kept} of {total} addresses kept"));
    text.push_str(if reached {
        ", every trace delivered"
    } else {
        ", but not every trace was delivered"
    });
    if !promised {
        text.push_str(", but packets were lost that no plan had announced");
    }
    text.push_str(&format!(" ({})\n", ui::seconds(ms)));
    let mut json = json!({
        "ok": ok,
        "kept": kept,
        "total": total,
        "wall_ms": ms,
        "stages": ours.stages,
        "machines": ours.machines,
    });
    if let Some(kernel) = &ours.kernel {
        json["kernel"] = json!(kernel);
    }
    if let Some(theirs) = theirs {
        json["article"] = json!({
            "addresses": theirs.told.addresses,
            "chapters": theirs.told.chapters,
            "comparison": theirs.comparisons,
            "kernel": theirs.kernel,
            "pace": ours.watching.as_ref().map(|watching| watching.pace),
        });
    }
    Output { text, json, ok }
}

/// Where the lab of the article's order is.
fn article_dir(dir: &Path) -> PathBuf {
    dir.join("article")
}

fn temporary_dir() -> Result<PathBuf, CommandError> {
    let dir = std::env::temp_dir().join(format!("stayput-demo-{}", std::process::id()));
    std::fs::create_dir_all(&dir).map_err(|error| {
        CommandError::new(
            Kind::Failed,
            format!("{} cannot be made: {error}", dir.display()),
        )
    })?;
    Ok(dir)
}

/// Narration: on standard output for people, on standard error beside JSON.
fn say(global: &Global, text: &str) {
    if global.json {
        if !global.quiet {
            let _ = writeln!(anstream::stderr(), "{text}");
        }
    } else {
        let _ = writeln!(anstream::stdout(), "{text}");
    }
}
