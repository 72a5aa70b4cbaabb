//! From what AWS, Prism Central and Move show to a proposed `stayput.toml`.
//!
//! [`nc2_vpcs`] and [`sources`] tell what AWS alone shows; [`propose`] writes the file. What cannot be seen is left out of it with a comment and
//! is a [`Gap`]: the file is then not valid, and `stayput config check` lists the same. Pure: no IO, no clock.

mod edges;
mod names;
mod networks;
mod places;
mod propose;
mod waves;
mod writer;

pub use places::Nc2Vpc;
pub use places::SourceVpc;
pub use places::nc2_vpcs;
pub use places::sources;
pub use propose::Answers;
pub use propose::Appliances;
pub use propose::Gap;
pub use propose::Proposal;
pub use propose::Seen;
pub use propose::propose;
