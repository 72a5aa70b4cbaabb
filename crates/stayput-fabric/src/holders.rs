//! Which machines hold an address, and where.
//!
//! The map is cut into shards that copies share, so that switching one machine in a copied fabric copies one shard and
//! not ten thousand machines.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use crate::index::EniIx;
use crate::index::FlowIx;
use crate::index::SiteIx;
use crate::index::VmIx;

/// One shard per value of an address's last octet.
const SHARDS: usize = 256;

/// Where a holder of an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Location {
    /// A network interface of a VPC.
    Eni(EniIx),
    /// A VM on an overlay subnet of a Flow VPC.
    Vm { vm: VmIx, flow: FlowIx },
    /// A machine that a change has put there and no snapshot has shown yet.
    Planned(SiteIx),
}

/// One holder of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Holder {
    pub(crate) location: Location,
    /// Whether it is powered on and connected.
    pub(crate) answers: bool,
}

type Shard = BTreeMap<Ipv4Addr, Vec<Holder>>;

/// Holders by address.
#[derive(Debug, Clone)]
pub(crate) struct Holders {
    /// Invariant: `SHARDS` shards; an address is in the shard of its last octet.
    shards: Arc<Vec<Arc<Shard>>>,
}

impl Holders {
    pub(crate) fn new(all: impl IntoIterator<Item = (Ipv4Addr, Holder)>) -> Self {
        let mut shards = vec![Shard::new(); SHARDS];
        for (address, holder) in all {
            shards[shard_of(address)]
                .entry(address)
                .or_default()
                .push(holder);
        }
        Self {
            shards: Arc::new(shards.into_iter().map(Arc::new).collect()),
        }
    }

    /// Every holder of the address, powered on or not.
    pub(crate) fn of(&self, address: Ipv4Addr) -> &[Holder] {
        self.shards[shard_of(address)]
            .get(&address)
            .map_or(&[], Vec::as_slice)
    }

    /// Changes the holders of one address.
    pub(crate) fn edit(&mut self, address: Ipv4Addr, edit: impl FnOnce(&mut Vec<Holder>)) {
        let shards = Arc::make_mut(&mut self.shards);
        let shard = Arc::make_mut(&mut shards[shard_of(address)]);
        let holders = shard.entry(address).or_default();
        edit(holders);
        if holders.is_empty() {
            shard.remove(&address);
        }
    }

    /// All addresses with their holders, in no meaningful order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Ipv4Addr, &[Holder])> {
        self.shards
            .iter()
            .flat_map(|shard| shard.iter())
            .map(|(address, holders)| (*address, holders.as_slice()))
    }
}

fn shard_of(address: Ipv4Addr) -> usize {
    usize::from(address.octets()[3])
}
