//! Domain types of stayput: ids, addresses, and the estate that one `stayput.toml` describes.
//!
//! Text becomes types here and nowhere else: [`parse`] turns a file into an [`Estate`] or into [`ConfigErrors`] with spans
//! and remedies. Pure: no IO, no clock.

mod config;
mod error;
mod ids;
mod model;
mod net;
mod parse;
mod schema;
mod shape;

pub use error::*;
pub use ids::*;
pub use model::*;
pub use net::*;
pub use parse::parse;
pub use schema::json_schema;

/// A complete commented `stayput.toml` to start from: every key there is, and it parses.
pub const TEMPLATE: &str = include_str!("template.toml");
