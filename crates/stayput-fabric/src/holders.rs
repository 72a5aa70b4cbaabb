//! Which machines hold an address, and where.
//!
//! The map is cut into shards that copies share, so that switching one machine in a copied fabric copies one shard and
//! not ten thousand machines. A shard is a block of neighbouring addresses, so that the holders in a prefix are found without a look at the
//! others.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use smallvec::SmallVec;
use stayput_estate::Cidr;

use crate::index::EniIx;
use crate::index::FlowIx;
use crate::index::SiteIx;
use crate::index::VmIx;

/// Length of the prefix whose addresses are in one shard.
const SHARD_LEN: u8 = 24;

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

/// Nearly always one: it stands in the map itself.
pub(crate) type AtAddress = SmallVec<[Holder; 1]>;

type Shard = BTreeMap<Ipv4Addr, AtAddress>;

/// Holders by address.
#[derive(Debug, Clone)]
pub(crate) struct Holders {
    /// By the prefix of [`SHARD_LEN`] that an address is in; no shard is empty.
    shards: Arc<BTreeMap<Cidr, Arc<Shard>>>,
}

impl Holders {
    pub(crate) fn new(all: impl IntoIterator<Item = (Ipv4Addr, Holder)>) -> Self {
        let mut shards: BTreeMap<Cidr, Shard> = BTreeMap::new();
        for (address, holder) in all {
            let shard = shards.entry(shard_of(address)).or_default();
            shard.entry(address).or_default().push(holder);
        }
        let shards = shards.into_iter();
        Self {
            shards: Arc::new(shards.map(|(of, shard)| (of, Arc::new(shard))).collect()),
        }
    }

    /// Every holder of the address, powered on or not.
    pub(crate) fn of(&self, address: Ipv4Addr) -> &[Holder] {
        let shard = self.shards.get(&shard_of(address));
        let holders = shard.and_then(|shard| shard.get(&address));
        holders.map_or(&[], SmallVec::as_slice)
    }

    /// Changes the holders of one address.
    pub(crate) fn edit(&mut self, address: Ipv4Addr, edit: impl FnOnce(&mut AtAddress)) {
        let of = shard_of(address);
        let shards = Arc::make_mut(&mut self.shards);
        let shard = Arc::make_mut(shards.entry(of).or_default());
        let holders = shard.entry(address).or_default();
        edit(holders);
        if holders.is_empty() {
            shard.remove(&address);
        }
        if shard.is_empty() {
            shards.remove(&of);
        }
    }

    /// All addresses with their holders, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Ipv4Addr, &[Holder])> {
        let shards = self.shards.values();
        shards
            .flat_map(|shard| shard.iter())
            .map(|(address, holders)| (*address, holders.as_slice()))
    }

    /// The addresses of a prefix with their holders, in order.
    pub(crate) fn within(&self, cidr: Cidr) -> impl Iterator<Item = (Ipv4Addr, &[Holder])> {
        let (first, last) = (cidr.network(), cidr.broadcast());
        self.shards
            .range(shard_of(first)..=shard_of(last))
            .flat_map(move |(_, shard)| shard.range(first..=last))
            .map(|(address, holders)| (*address, holders.as_slice()))
    }
}

fn shard_of(address: Ipv4Addr) -> Cidr {
    Cidr::containing(address, SHARD_LEN)
}
