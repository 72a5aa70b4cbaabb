//! The `stayput.toml` for a scenario: the same names and ids, and the lab's own endpoints.

use std::fmt::Write;

use stayput_messages::Message;

use crate::run::Endpoints;
use crate::scenario::BulkNetwork;
use crate::scenario::Fault;
use crate::scenario::Scenario;
use crate::scenario::ScenarioError;
use crate::scenario::find;
use crate::scenario::format;
use crate::scenario::ids;

/// How often stayput polls an operation in progress. Short, because in a lab an hour can pass in a second.
const POLL_INTERVAL: &str = "20ms";
/// Name of the estate file, in the lab's directory.
pub(crate) const ESTATE_FILE: &str = "stayput.toml";
/// Name of the lab CA's file, in the same directory as the estate file.
pub(crate) const CA_FILE: &str = "ca.pem";

/// Returns the text of the estate file.
///
/// # Errors
/// [`Fault`] when the scenario has no estate, or refers to something that it does not define.
pub(crate) fn render(
    scenario: &Scenario,
    bulk: &[BulkNetwork],
    endpoints: &Endpoints,
) -> Result<String, ScenarioError> {
    text(scenario, bulk, endpoints).map_err(|fault| scenario.point(fault))
}

fn text(scenario: &Scenario, bulk: &[BulkNetwork], endpoints: &Endpoints) -> Result<String, Fault> {
    let file = scenario.file();
    let estate = file
        .estate
        .as_ref()
        .ok_or_else(|| Fault::new(Message::new("scenario-no-estate")))?;
    let mut out = Out(String::new());
    out.line(&format!(
        "# Written by the lab for its scenario `{}`. Overwritten at every start.",
        scenario.name
    ));
    out.table("[estate]");
    out.text("name", &scenario.name);
    out.table("[on-prem]");
    let prefixes = file.on_prem.as_ref().map_or(&[][..], |op| &op.prefixes);
    out.list("prefixes", prefixes);
    source(&mut out, file, estate)?;
    for (name, site) in &estate.sites {
        nc2_site(&mut out, file, name, site, endpoints)?;
    }
    networks(&mut out, file, estate, bulk)?;
    for wave in &estate.waves {
        out.table(&format!("[waves.{}]", key(&wave.name)));
        let tags: Vec<String> = wave
            .tags
            .iter()
            .map(|(name, value)| format!("{} = {}", key(name), quoted(value)))
            .collect();
        out.line(&format!("tags = {{ {} }}", tags.join(", ")));
    }
    for network in bulk {
        out.table(&format!("[waves.{}]", key(&network.name)));
        out.line(&format!("tags = {{ Wave = {} }}", quoted(&network.name)));
    }
    for (name, edge) in &estate.edges {
        edge_of(&mut out, file, name, edge)?;
    }
    if let Some(protection) = &estate.protection {
        out.table("[protection]");
        out.text("rpo", &protection.rpo);
        out.line(&format!("retention = {}", protection.retention));
    }
    out.table("[ledger]");
    out.text("kind", "sqlite");
    out.text("path", "stayput.db");
    out.table("[aws]");
    out.text("endpoint", &endpoints.aws);
    out.text("ca-file", CA_FILE);
    out.table("[engine]");
    out.text("poll-interval", POLL_INTERVAL);
    Ok(out.0)
}

fn source(out: &mut Out, file: &format::File, estate: &format::Estate) -> Result<(), Fault> {
    let source = estate
        .source
        .as_ref()
        .ok_or_else(|| Fault::new(Message::new("scenario-no-source")))?;
    let vpc = find(&file.vpcs, &source.vpc, Message::new("lab-kind-vpc"))?;
    find(&file.tgws, &source.tgw, Message::new("lab-kind-tgw"))?;
    out.table(&format!("[source.{}]", key(&source.name)));
    out.text("region", vpc.region.get_ref());
    out.text("vpc", &ids::vpc(source.vpc.get_ref()));
    out.text("tgw", &ids::tgw(source.tgw.get_ref()));
    Ok(())
}

fn nc2_site(
    out: &mut Out,
    file: &format::File,
    name: &str,
    site: &format::Site,
    endpoints: &Endpoints,
) -> Result<(), Fault> {
    let prism = find(&file.prisms, &site.prism, Message::new("lab-kind-prism"))?;
    let vpc = find(&file.vpcs, &prism.vpc, Message::new("lab-kind-vpc"))?;
    find(&file.tgws, &site.tgw, Message::new("lab-kind-tgw"))?;
    out.table(&format!("[sites.{}]", key(name)));
    out.text("region", vpc.region.get_ref());
    out.text("vpc", &ids::vpc(prism.vpc.get_ref()));
    out.text("tgw", &ids::tgw(site.tgw.get_ref()));
    out.text("flow-vpc", &site.flow_vpc);
    out.list("dns-servers", &site.dns_servers);
    let url = find(
        &endpoints.prism,
        &site.prism,
        Message::new("lab-kind-prism"),
    )?;
    out.line(&format!(
        "prism = {{ url = {}, ca-file = {} }}",
        quoted(url),
        quoted(CA_FILE)
    ));
    if let Some(mv) = &site.mv {
        find(&file.moves, &mv.appliance, Message::new("lab-kind-move"))?;
        let url = find(
            &endpoints.moves,
            &mv.appliance,
            Message::new("lab-kind-move"),
        )?;
        out.line(&format!(
            "move = {{ url = {}, ca-file = {}, source-provider = {}, target-provider = {}, container = \"default\" }}",
            quoted(url),
            quoted(CA_FILE),
            quoted(&mv.source_provider),
            quoted(&mv.target_provider)
        ));
    }
    Ok(())
}

fn networks(
    out: &mut Out,
    file: &format::File,
    estate: &format::Estate,
    generated: &[BulkNetwork],
) -> Result<(), Fault> {
    for (name, network) in &estate.networks {
        let path = network.subnet.get_ref();
        let (vpc, subnet) = path.split_once('/').unwrap_or((path, ""));
        let cidr = file
            .vpcs
            .get(vpc)
            .and_then(|vpc| vpc.subnets.get(subnet))
            .ok_or_else(|| {
                Fault::at(
                    network.subnet.span(),
                    Message::new("scenario-no-subnet").with("path", path),
                )
            })?;
        find(
            &estate.sites,
            &network.primary,
            Message::new("lab-kind-site-of-estate"),
        )?;
        out.table(&format!("[networks.{}]", key(name)));
        out.text("cidr", &cidr.get_ref().to_string());
        out.text("ec2-subnet", &ids::subnet(path));
        out.text("primary", network.primary.get_ref());
        if let Some(recovery) = &network.recovery {
            find(
                &estate.sites,
                recovery,
                Message::new("lab-kind-site-of-estate"),
            )?;
            out.text("recovery", recovery.get_ref());
        }
    }
    let Some(bulk) = &file.bulk else {
        return Ok(());
    };
    find(
        &estate.sites,
        &bulk.primary,
        Message::new("lab-kind-site-of-estate"),
    )?;
    for network in generated {
        out.table(&format!("[networks.{}]", key(&network.name)));
        out.text("cidr", &network.cidr.to_string());
        let path = format!("{}/{}", bulk.vpc.get_ref(), network.name);
        out.text("ec2-subnet", &ids::subnet(&path));
        out.text("primary", bulk.primary.get_ref());
        if let Some(recovery) = &bulk.recovery {
            find(
                &estate.sites,
                recovery,
                Message::new("lab-kind-site-of-estate"),
            )?;
            out.text("recovery", recovery.get_ref());
        }
    }
    Ok(())
}

fn edge_of(
    out: &mut Out,
    file: &format::File,
    name: &str,
    edge: &format::Edge,
) -> Result<(), Fault> {
    let attachment = edge.attachment.get_ref();
    out.table(&format!("[edges.{}]", key(name)));
    let (tgw, preference) = if let Some(vpn) = file.vpns.get(attachment) {
        if vpn.static_only {
            out.text("kind", "static-vpn");
            out.list("on-prem-routes", &vpn.on_prem_statics);
        } else {
            out.text("kind", "bgp-vpn");
        }
        (&vpn.tgw, vpn.local_preference)
    } else {
        let (gateway_name, gateway, association) = file
            .dx_gateways
            .iter()
            .find_map(|(name, gateway)| {
                let association = gateway.associations.get(attachment)?;
                Some((name, gateway, association))
            })
            .ok_or_else(|| {
                let message = Message::new("scenario-no-edge").with("name", attachment);
                Fault::at(edge.attachment.span(), message)
            })?;
        out.text("kind", "direct-connect");
        out.text("gateway", &ids::dx_gateway(gateway_name));
        (&association.tgw, gateway.local_preference)
    };
    let region = find(&file.tgws, tgw, Message::new("lab-kind-tgw"))?
        .region
        .get_ref();
    out.text("region", region);
    out.text("tgw", &ids::tgw(tgw.get_ref()));
    out.text("attachment", &ids::attachment(attachment));
    out.line(&format!("local-preference = {preference}"));
    Ok(())
}

struct Out(String);

impl Out {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn table(&mut self, header: &str) {
        self.0.push('\n');
        self.line(header);
    }

    fn text(&mut self, key: &str, value: &str) {
        let line = format!("{key} = {}", quoted(value));
        self.line(&line);
    }

    fn list<T: ToString>(&mut self, key: &str, values: &[T]) {
        let values: Vec<String> = values.iter().map(|v| quoted(&v.to_string())).collect();
        let line = format!("{key} = [{}]", values.join(", "));
        self.line(&line);
    }
}

/// Formats a TOML basic string.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => {
                // Writing into a String cannot fail.
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Formats a TOML key: bare where TOML allows it.
fn key(name: &str) -> String {
    let bare = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if bare { name.to_owned() } else { quoted(name) }
}
