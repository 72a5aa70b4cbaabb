//! Domain types of stayput: ids, addresses, and the estate that one `stayput.toml` describes.
//!
//! Text becomes types here and nowhere else: `parse` turns a file into an [`Estate`] or into errors with spans and
//! remedies. Pure: no IO, no clock.

mod ids;
mod model;
mod net;

pub use ids::*;
pub use model::*;
pub use net::*;
