//! Domain types of stayput: ids, addresses, and the estate described by one `stayput.toml`.
//!
//! Text becomes types only here: [`parse`] turns a file into an [`Estate`] or into [`ConfigErrors`] with locations and remedies.
//! Pure: no IO, no clock.

mod config;
mod date;
mod error;
mod ids;
mod model;
pub mod mutants;
mod net;
mod parse;
mod rule;
mod schema;
mod shape;

pub use date::Date;
pub use date::NotADate;
pub use error::*;
pub use ids::*;
pub use model::*;
pub use net::*;
pub use parse::parse;
pub use parse::parse_name;
pub use parse::parse_region;
pub use parse::parse_url;
pub use rule::Rule;
pub use schema::json_schema;

/// A complete commented `stayput.toml` to start from. It has every key, and it is valid.
pub const TEMPLATE: &str = include_str!("template.toml");
