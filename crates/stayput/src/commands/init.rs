//! `stayput init`: a proposed estate file from what AWS, Prism Central and Move show.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::io::Write as _;
use std::path::Path;

use futures::future::join_all;
use serde_json::json;
use similar::TextDiff;
use stayput_aws::AwsClient;
use stayput_discovery::Answers;
use stayput_discovery::Nc2Vpc;
use stayput_discovery::Proposal;
use stayput_discovery::Seen;
use stayput_discovery::nc2_vpcs;
use stayput_discovery::propose;
use stayput_discovery::sources;
use stayput_engine::chain;
use stayput_estate::Appliance;
use stayput_estate::AwsAccess;
use stayput_estate::EngineConfig;
use stayput_estate::Region;
use stayput_estate::SiteName;
use stayput_estate::Trust;
use stayput_estate::VpcId;
use stayput_messages::Message;
use stayput_messages::list::first_of;
use stayput_world::System;

use crate::ask;
use crate::cli::Global;
use crate::cli::InitArgs;
use crate::error::CommandError;
use crate::error::Kind;
use crate::output::Output;
use crate::saved;
use crate::ui;

/// The region that is asked for the others where none was named.
const FIRST_REGION: &str = "us-east-1";
/// VPCs that an error names.
const CANDIDATES: usize = 5;

pub async fn run(global: &Global, args: &InitArgs) -> Result<Output, CommandError> {
    is_usable(&global.file)?;
    let base = global.file.parent().unwrap_or(Path::new("."));
    let trust = |file: &Option<std::path::PathBuf>| match file {
        Some(file) => Trust::CaFile(base.join(file)),
        None => Trust::System,
    };
    let access = AwsAccess {
        endpoint: args.aws_endpoint.clone(),
        trust: trust(&args.aws_ca_file),
        profile: args.profile.clone(),
    };
    let settings = EngineConfig::default();
    appliances_can_be_asked(args, &trust(&args.ca_file), &settings)?;
    let aws = AwsClient::connect(&access, settings.call_timeout).await;
    let aws = aws.map_err(|error| CommandError::from_error(Kind::Usage, &error))?;
    let mut seen = Seen {
        aws: observe(&aws, &regions(&aws, &args.region).await?).await?,
        ..Seen::default()
    };
    let source = source(global, args, &seen)?;
    let sites = nc2_vpcs(&seen.aws, source.as_ref());
    let mut answers = answers(args, &sites)?;
    answers.source = source;
    if ask::is_possible(global) {
        ask_for_appliances(&sites, &mut answers);
    }
    let unread = appliances(&mut seen, &answers, &trust(&args.ca_file), &settings).await;
    let proposal = propose(&seen, &answers);
    finish(&global.file, &proposal, &unread)
}

/// Checks credentials and certificate of the appliances that were named, before any system is contacted.
fn appliances_can_be_asked(
    args: &InitArgs,
    trust: &Trust,
    settings: &EngineConfig,
) -> Result<(), CommandError> {
    let of_env = |name: &str| std::env::var(name).ok();
    let appliance = |url: &String| Appliance {
        url: url.clone(),
        trust: trust.clone(),
    };
    for (site, url) in &args.prism {
        stayput_engine::prism_at(&SiteName::new(site), &appliance(url), settings, &of_env)?;
    }
    for (site, url) in &args.mv {
        stayput_engine::move_at(&SiteName::new(site), &appliance(url), settings, &of_env)?;
    }
    Ok(())
}

/// The regions to read: those that were named, or those of the account with a Transit Gateway.
async fn regions(aws: &AwsClient, named: &[Region]) -> Result<Vec<Region>, CommandError> {
    if !named.is_empty() {
        let named: BTreeSet<_> = named.iter().cloned().collect();
        return Ok(named.into_iter().collect());
    }
    let failed = |error| CommandError::from_error(Kind::Failed, &error);
    let enabled = aws
        .regions(&Region::new(FIRST_REGION))
        .await
        .map_err(failed)?;
    let asked = enabled.into_iter().map(|region| async move {
        let has = aws.has_transit_gateways(&region).await;
        has.map(|has| has.then_some(region))
    });
    let mut found = Vec::new();
    for region in join_all(asked).await {
        found.extend(region.map_err(failed)?);
    }
    if found.is_empty() {
        return Err(
            CommandError::new(Kind::Failed, Message::new("init-no-regions"))
                .hint(Message::new("init-no-regions-hint")),
        );
    }
    Ok(found)
}

async fn observe(
    aws: &AwsClient,
    regions: &[Region],
) -> Result<BTreeMap<Region, stayput_world::AwsRegion>, CommandError> {
    let known = stayput_aws::KnownAwsObjects::default();
    let reads = regions.iter().map(|region| aws.observe(region, &known));
    let mut seen = BTreeMap::new();
    for (region, read) in regions.iter().zip(join_all(reads).await) {
        let read = read.map_err(|error| CommandError::from_error(Kind::Failed, &error))?;
        seen.insert(region.clone(), read);
    }
    Ok(seen)
}

/// What was said on the command line. A site that does not exist is an error.
fn answers(args: &InitArgs, sites: &[Nc2Vpc]) -> Result<Answers, CommandError> {
    let site = |name: &str| {
        let known = sites.iter().find(|site| site.name.as_str() == name);
        known.map(|site| site.name.clone()).ok_or_else(|| {
            let known: Vec<_> = sites
                .iter()
                .map(|site| format!("{} ({})", site.name, site.vpc))
                .collect();
            let what = Message::new("init-unknown-site")
                .with("site", name)
                .with("sites", known.join(", "));
            CommandError::new(Kind::Usage, what)
        })
    };
    let mut answers = Answers {
        name: args.name.clone(),
        wave_tag: args.wave_tag.clone(),
        ca_file: args.ca_file.as_ref().map(|file| file.display().to_string()),
        ..Answers::default()
    };
    for (name, url) in &args.prism {
        answers.appliances.entry(site(name)?).or_default().prism = Some(url.clone());
    }
    for (name, url) in &args.mv {
        answers.appliances.entry(site(name)?).or_default().mv = Some(url.clone());
    }
    for (name, vpc) in &args.flow_vpc {
        answers.flow_vpcs.insert(site(name)?, vpc.clone());
    }
    let file = |file: &Option<std::path::PathBuf>| file.as_ref().map(|it| it.display().to_string());
    answers.aws = [
        ("endpoint", args.aws_endpoint.clone()),
        ("ca-file", file(&args.aws_ca_file)),
        ("profile", args.profile.clone()),
    ]
    .into_iter()
    .filter_map(|(key, value)| Some((key, value?)))
    .collect();
    Ok(answers)
}

/// The VPC that the machines leave, as named or as chosen by the user. Without either it stays open.
fn source(global: &Global, args: &InitArgs, seen: &Seen) -> Result<Option<VpcId>, CommandError> {
    if let Some(named) = &args.source {
        let named = VpcId::new(named);
        let with_machines = sources(&seen.aws, Some(&named));
        return match with_machines.iter().any(|one| one.vpc == named) {
            true => Ok(Some(named)),
            false => {
                let known: Vec<_> = with_machines
                    .iter()
                    .map(|one| one.vpc.to_string())
                    .collect();
                let what = Message::new("init-unknown-source")
                    .with("vpc", named)
                    .part("candidates", first_of(CANDIDATES, &known));
                Err(CommandError::new(Kind::Usage, what))
            }
        };
    }
    let candidates = sources(&seen.aws, None);
    if candidates.len() < 2 || !ask::is_possible(global) {
        return Ok(None);
    }
    let mut question = format!("{}\n", Message::new("init-ask-source"));
    for (number, one) in (1..).zip(&candidates) {
        let line = Message::new("init-source-candidate")
            .with("vpc", &one.vpc)
            .with("name", one.name.as_deref().unwrap_or("–"))
            .with("region", &one.region)
            .count("machines", one.machines);
        let _ = writeln!(question, "  {number}  {line}");
    }
    let _ = write!(anstream::stderr(), "{}", ui::clean_lines(&question));
    // Until the answer is a number of the list, or empty.
    while let Some(text) = ask::line(&Message::new("init-ask-number")) {
        let number = text.parse::<usize>().ok();
        if let Some(one) = number.and_then(|number| candidates.get(number.checked_sub(1)?)) {
            return Ok(Some(one.vpc.clone()));
        }
    }
    Ok(None)
}

fn ask_for_appliances(sites: &[Nc2Vpc], answers: &mut Answers) {
    for site in sites {
        let of_site = answers.appliances.entry(site.name.clone()).or_default();
        if of_site.prism.is_none() {
            let question = Message::new("init-ask-prism")
                .with("site", &site.name)
                .with("vpc", &site.vpc)
                .with("region", &site.region);
            of_site.prism = ask_for_url(&question);
        }
        if of_site.mv.is_none() {
            let question = Message::new("init-ask-move").with("site", &site.name);
            of_site.mv = ask_for_url(&question);
        }
    }
}

/// Asks until the answer is a URL to which credentials may be sent, or empty.
fn ask_for_url(question: &Message) -> Option<String> {
    loop {
        match stayput_estate::parse_url(&ask::line(question)?) {
            Ok(url) => return Some(url),
            Err(fault) => {
                let _ = writeln!(anstream::stderr(), "{}", ui::clean(&fault.to_string()));
            }
        }
    }
}

/// Checks that the file is there to compare with, or can be made, before any system is contacted.
fn is_usable(file: &Path) -> Result<(), CommandError> {
    let leads_nowhere = file.symlink_metadata().is_ok() && !file.exists();
    if file.is_file() {
        return Ok(());
    }
    if leads_nowhere {
        let what = Message::new("init-dangling-link").with("file", file.display());
        return Err(CommandError::new(Kind::Usage, what));
    }
    saved::can_be_written(file)
}

/// Reads the appliances; gives what could not be read, and why.
async fn appliances(
    seen: &mut Seen,
    answers: &Answers,
    trust: &Trust,
    settings: &EngineConfig,
) -> Vec<String> {
    let of_env = |name: &str| std::env::var(name).ok();
    let appliance = |url: &String| Appliance {
        url: url.clone(),
        trust: trust.clone(),
    };
    let mut unread = Vec::new();
    let mut note = |system: Message, problem: String| {
        let line = Message::new("init-unreadable")
            .part("system", system)
            .with("problem", problem);
        unread.push(line.to_string());
    };
    for (site, urls) in &answers.appliances {
        if let Some(url) = &urls.prism {
            let system = || System::PrismCentral(site.clone()).message();
            let client = match stayput_engine::prism_at(site, &appliance(url), settings, &of_env) {
                Ok(client) => client,
                Err(error) => {
                    note(system(), chain(&error));
                    continue;
                }
            };
            match client
                .observe(&stayput_nutanix::KnownPrismObjects::default())
                .await
            {
                Ok(prism) => {
                    seen.prism.insert(site.clone(), prism);
                }
                Err(error) => note(system(), chain(&error)),
            }
        }
        if let Some(url) = &urls.mv {
            let system = || System::Move(site.clone()).message();
            let client = match stayput_engine::move_at(site, &appliance(url), settings, &of_env) {
                Ok(client) => client,
                Err(error) => {
                    note(system(), chain(&error));
                    continue;
                }
            };
            match client.registered_providers().await {
                Ok(providers) => {
                    seen.providers.insert(site.clone(), providers);
                }
                Err(error) => note(system(), chain(&error)),
            }
        }
    }
    unread
}

/// Writes the file if there is none, or shows the difference.
fn finish(file: &Path, proposal: &Proposal, unread: &[String]) -> Result<Output, CommandError> {
    let failed = |error: std::io::Error| {
        let what = Message::new("file-unwritable")
            .with("file", file.display())
            .with("error", error);
        CommandError::new(Kind::Failed, what)
    };
    let mut text = String::new();
    for line in unread {
        let _ = writeln!(text, "! {}", ui::clean(line));
    }
    let created = OpenOptions::new().write(true).create_new(true).open(file);
    let mut diff = None;
    // A file without gaps is called complete only if it can be read.
    let name = file.display().to_string();
    let base = file.parent().unwrap_or(Path::new("."));
    let parsed = stayput_estate::parse(&name, &proposal.text, base);
    let wrong = parsed.map_or_else(|errors| errors.errors().len(), |_| 0);
    let is_written = match created {
        Ok(mut to) => {
            to.write_all(proposal.text.as_bytes()).map_err(failed)?;
            let state = match (proposal.gaps.len(), wrong) {
                (0, 0) => Message::new("init-complete"),
                (0, wrong) => Message::new("init-wrong").count("errors", wrong),
                (gaps, _) => Message::new("init-gaps").count("gaps", gaps),
            };
            let written = Message::new("init-written")
                .with("file", file.display())
                .part("state", state);
            let _ = writeln!(text, "{written}");
            true
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let before = std::fs::read_to_string(file).map_err(|error| {
                let what = Message::new("file-unreadable")
                    .with("file", file.display())
                    .with("error", error);
                CommandError::new(Kind::Usage, what)
            })?;
            let unified = TextDiff::from_lines(&before, &proposal.text);
            let unified = unified.unified_diff().context_radius(1).to_string();
            let said = match unified.is_empty() {
                true => Message::new("init-same").with("file", file.display()),
                false => Message::new("init-exists").with("file", file.display()),
            };
            let _ = writeln!(text, "{said}\n{}", ui::clean_lines(&unified));
            diff = Some(unified);
            false
        }
        Err(error) => return Err(failed(error)),
    };
    for gap in &proposal.gaps {
        let line = Message::new("init-gap-line")
            .with("key", &gap.key)
            .part("what", gap.what.clone());
        let _ = writeln!(text, "{line}");
    }
    if is_written {
        let _ = writeln!(text, "{}", Message::new("init-next"));
    }
    let gaps: Vec<_> = proposal
        .gaps
        .iter()
        .map(|gap| json!({ "key": gap.key, "what": gap.what.to_string() }))
        .collect();
    let json = json!({
        "ok": true,
        "file": file,
        "written": is_written,
        "proposal": proposal.text,
        "diff": diff,
        "gaps": gaps,
        "is_valid": wrong == 0,
        "unread": unread,
    });
    Ok(Output::new(text, json))
}
