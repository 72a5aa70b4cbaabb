//! From text to [`Estate`]. It finds all errors of a file in one run.
//!
//! Three passes: TOML syntax; the [shape](crate::shape) (keys and types); then every value alone and with the others. The parts
//! of an estate are read into options, so that one invalid value does not hide others. The estate is built only if no error was
//! reported.

mod acceptances;
mod duration;
mod edges;
mod networks;
mod reader;
mod settings;
mod sites;
mod text;
mod waves;

use std::path::Path;

use serde::Deserialize;
use stayput_messages::Message;
use toml::de::DeTable;

use crate::Estate;
use crate::Region;
use crate::config::RawEstate;
use crate::error::ConfigError;
use crate::error::ConfigErrors;
use crate::error::ShapeFault;
use crate::error::TextFault;
use crate::shape;
use reader::Reader;

/// Reads a `stayput.toml`.
///
/// `file_name` is the name of the file in errors; `base_dir` is the directory for relative paths in it. Nothing is read from
/// disk: whether files and remote objects exist is checked later.
///
/// # Errors
/// All errors of the file, in its order, each with a location and a remedy. If the file is not TOML, only that error.
pub fn parse(file_name: &str, text: &str, base_dir: &Path) -> Result<Estate, ConfigErrors> {
    read(text, base_dir).map_err(|errors| ConfigErrors::new(file_name, text, errors))
}

/// Reads one value as the file would have it: `https://host:port`.
///
/// # Errors
/// What is wrong with it.
pub fn parse_url(text: &str) -> Result<String, TextFault> {
    text::url(text)
}

/// Reads one value as the file would have it: a name.
///
/// # Errors
/// What is wrong with it.
pub fn parse_name(text: &str) -> Result<String, TextFault> {
    text::name(text)
}

/// Reads one value as the file would have it: an AWS region.
///
/// # Errors
/// What is wrong with it.
pub fn parse_region(text: &str) -> Result<Region, TextFault> {
    text::region(text)
}

fn read(text: &str, base_dir: &Path) -> Result<Estate, Vec<ConfigError>> {
    let end = text.trim_end().len();
    let end = end..end;

    let (mut document, syntax) = DeTable::parse_recoverable(text);
    if !syntax.is_empty() {
        let errors = syntax.iter().map(|error| {
            let message = error.message().to_owned();
            let span = error.span().unwrap_or(end.clone());
            ConfigError::new(
                span,
                Message::new("estate-label-here"),
                ShapeFault::Syntax { message },
            )
        });
        return Err(errors.collect());
    }

    let mut errors = Vec::new();
    let removed_keys = shape::check(document.get_mut(), end.clone(), &mut errors);
    let unreadable = |message: String, span| {
        let label = Message::new("estate-label-here");
        ConfigError::new(span, label, ShapeFault::Unreadable { message })
    };
    let raw = match RawEstate::deserialize(toml::de::Deserializer::from(document)) {
        Ok(raw) => raw,
        Err(error) => {
            let span = error.span().unwrap_or(end);
            errors.push(unreadable(error.message().to_owned(), span));
            return Err(errors);
        }
    };

    let mut reader = Reader::new(base_dir, removed_keys, errors);
    let estate = estate(&mut reader, &raw);
    let mut errors = reader.into_errors();
    match estate {
        Some(estate) if errors.is_empty() => Ok(estate),
        Some(_) => Err(errors),
        None => {
            if errors.is_empty() {
                errors.push(unreadable(
                    Message::new("estate-value-absent").to_string(),
                    end,
                ));
            }
            Err(errors)
        }
    }
}

/// Returns the estate; `None` only after an error was reported.
fn estate(reader: &mut Reader<'_>, raw: &RawEstate) -> Option<Estate> {
    // Everything is read before any `?`, so that all errors are reported.
    let name = settings::name(reader, raw.estate.value());
    let on_prem = networks::on_prem(reader, raw.on_prem.value());
    let sites = sites::read(reader, raw);
    let networks = networks::read(reader, raw.networks.as_ref(), &sites, &on_prem);
    let waves = waves::read(reader, raw.waves.value());
    let edges = edges::read(reader, raw.edges.value(), &sites);
    let protection = settings::protection(reader, raw.protection.value());
    let ledger = settings::ledger(reader, raw.ledger.value());
    let aws = settings::aws(reader, raw.aws.value());
    let engine = settings::engine(reader, raw.engine.value());
    let accepted = acceptances::read(reader, raw.accept.value());
    let (source, sites) = sites.finish()?;
    Some(Estate {
        name: name?,
        source,
        sites,
        networks: networks?,
        waves: waves?,
        edges: edges?,
        on_prem: on_prem
            .into_iter()
            .map(|prefix| prefix.into_value())
            .collect(),
        protection: protection?,
        ledger: ledger?,
        aws: aws?,
        engine: engine?,
        accepted: accepted?,
    })
}
