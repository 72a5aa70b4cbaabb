//! The catalogue of user-visible messages: each has an id, and its text is in `messages/LANGUAGE/*.ftl` ([Fluent]). A second language is a
//! second folder.
//!
//! Code says which message it is and with which arguments, and never puts a sentence together itself:
//!
//! ```
//! use stayput_messages::Message;
//!
//! let message = Message::new("obstacle-no-machines").with("network", "app");
//! assert_eq!(message.to_string(), "network app has no machines");
//! ```
//!
//! The id and the names of the arguments stand as literals in one chain of calls: `tests/catalogue.rs` compares each chain with the catalogue,
//! so that neither a missing id nor a missing argument can be shipped.
//!
//! A text may quote another message, such as `{ n-machines }`, which gets the same arguments. A message is rendered each time it is displayed, so
//! what many values have in common is rendered once.
//!
//! [Fluent]: https://projectfluent.org

mod catalogue;
mod clean;
pub mod list;
mod message;

pub use catalogue::Catalogue;
pub use catalogue::RenderFault;
pub use clean::clean;
pub use clean::clean_json;
pub use message::Message;
