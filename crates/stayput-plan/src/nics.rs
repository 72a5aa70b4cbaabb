//! What a plan says of a machine's NICs: the addresses it gets, and the NICs that are removed.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde::Deserialize;
use serde::Serialize;
use stayput_estate::AddrRange;
use stayput_estate::NetworkName;
use stayput_estate::NicExtId;
use stayput_estate::SubnetExtId;
use stayput_messages::Message;
use stayput_messages::list::commas;
use stayput_messages::list::semicolons;
use stayput_world::NicFacts;
use stayput_world::prism::Nic;

/// A NIC that a machine shall have: the captured addresses of one interface.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WantedNic {
    /// On the overlay subnet of this network.
    pub network: NetworkName,
    /// Primary address.
    pub primary: Ipv4Addr,
    /// Secondary addresses.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub secondary: BTreeSet<Ipv4Addr>,
}

impl From<&NicFacts> for WantedNic {
    fn from(facts: &NicFacts) -> Self {
        Self {
            network: facts.network.clone(),
            primary: facts.primary,
            secondary: facts.secondary.iter().copied().collect(),
        }
    }
}

impl WantedNic {
    /// Its addresses, the primary first.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        std::iter::once(self.primary).chain(self.secondary.iter().copied())
    }
}

/// A NIC that a VM has on an overlay subnet of the estate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SeenNic {
    /// Its id.
    pub id: NicExtId,
    /// Its subnet.
    pub subnet: SubnetExtId,
    /// Its assigned addresses, primary and secondary. Empty while it has none.
    pub addresses: BTreeSet<Ipv4Addr>,
}

impl SeenNic {
    /// The NIC, if it is on a subnet.
    pub fn of(nic: &Nic) -> Option<Self> {
        let addresses = nic.address.iter().chain(&nic.secondary).copied();
        Some(Self {
            id: nic.id.clone(),
            subnet: nic.subnet.clone()?,
            addresses: addresses.collect(),
        })
    }
}

/// The NICs a VM has on overlay subnets when its own addresses are restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "are")]
pub enum NicsBefore {
    /// The VM does not exist yet: Move makes it in an earlier step, each NIC with an address from a DHCP pool, and those are removed.
    FromPool,
    /// The VM does not exist yet: a recovery plan makes it in an earlier step with its own addresses.
    FromRecovery,
    /// The VM exists and has these.
    Seen {
        /// Not as captured: removed.
        removed: Vec<SeenNic>,
        /// As captured: they stay.
        kept: Vec<SeenNic>,
    },
}

/// What a plan says of the NICs of one machine's VM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NicChange {
    /// The NICs it has afterwards on overlay subnets, no others.
    pub wanted: Vec<WantedNic>,
    /// Those it has before.
    pub before: NicsBefore,
    /// DHCP pools of the overlay subnets the machine is on: a NIC whose addresses are all from here was made by Move or by Prism Central,
    /// and may be removed although its id is not known when the plan is made.
    pub pools: Vec<AddrRange>,
}

impl NicChange {
    /// Whether a NIC may be removed by this plan: it is named with exactly these addresses, or each of its addresses is the machine's own
    /// or from a DHCP pool. Anything else was added by a person or another system.
    pub fn may_remove(&self, nic: &SeenNic) -> bool {
        let is_named = match &self.before {
            NicsBefore::Seen { removed, .. } => removed.contains(nic),
            NicsBefore::FromPool | NicsBefore::FromRecovery => false,
        };
        is_named || (!nic.addresses.is_empty() && self.strangers(nic).is_empty())
    }

    /// Addresses from DHCP pools that NICs have which the plan names and removes: the machine got them when it was migrated.
    pub fn from_pools(&self) -> BTreeSet<Ipv4Addr> {
        let removed = match &self.before {
            NicsBefore::Seen { removed, .. } => removed.as_slice(),
            NicsBefore::FromPool | NicsBefore::FromRecovery => &[],
        };
        let addresses = removed.iter().flat_map(|nic| &nic.addresses).copied();
        let own = || self.wanted.iter().flat_map(WantedNic::addresses);
        addresses
            .filter(|address| self.pools.iter().any(|pool| pool.contains(*address)))
            .filter(|address| own().all(|own| own != *address))
            .collect()
    }

    /// The machine's own addresses that NICs have which the plan names and removes: until the new NICs are there, nothing serves them.
    pub fn interrupted(&self) -> BTreeSet<Ipv4Addr> {
        let removed = match &self.before {
            NicsBefore::Seen { removed, .. } => removed.as_slice(),
            NicsBefore::FromPool | NicsBefore::FromRecovery => &[],
        };
        let own = self.wanted.iter().flat_map(WantedNic::addresses);
        own.filter(|own| removed.iter().any(|nic| nic.addresses.contains(own)))
            .collect()
    }

    /// The addresses of a NIC that are neither the machine's own nor from a DHCP pool.
    pub fn strangers(&self, nic: &SeenNic) -> BTreeSet<Ipv4Addr> {
        let is_known = |address: &Ipv4Addr| {
            self.wanted
                .iter()
                .flat_map(WantedNic::addresses)
                .any(|own| own == *address)
                || self.pools.iter().any(|pool| pool.contains(*address))
        };
        let strangers = nic.addresses.iter().filter(|address| !is_known(address));
        strangers.copied().collect()
    }

    /// Whether what this plan does was announced by an `earlier` one, so that approval of that one covers it: the same NICs at the end, and
    /// no NIC removed that the earlier plan neither named nor described.
    pub fn is_within(&self, earlier: &Self) -> bool {
        if self.wanted != earlier.wanted || self.pools != earlier.pools {
            return false;
        }
        match &self.before {
            NicsBefore::Seen { removed, .. } => removed.iter().all(|nic| earlier.may_remove(nic)),
            NicsBefore::FromPool | NicsBefore::FromRecovery => self.before == earlier.before,
        }
    }
}

impl NicChange {
    /// What the machine gets and what is removed, after its name: `gets 172.30.1.10; NIC … with 172.30.1.120 is removed`.
    pub fn message(&self) -> Message {
        let kept: BTreeSet<_> = match &self.before {
            NicsBefore::Seen { kept, .. } => kept.iter().flat_map(|nic| &nic.addresses).collect(),
            NicsBefore::FromPool | NicsBefore::FromRecovery => BTreeSet::new(),
        };
        let wanted = self.wanted.iter().flat_map(WantedNic::addresses);
        let gets: Vec<_> = wanted.filter(|address| !kept.contains(address)).collect();
        let get = match gets.as_slice() {
            [] => Message::new("nics-keep"),
            gets => Message::new("nics-get").with("addresses", commas(gets)),
        };
        match &self.before {
            NicsBefore::FromPool => Message::new("nics-get-and-pool")
                .part("gets", get)
                .count("nics", self.wanted.len()),
            NicsBefore::FromRecovery => {
                Message::new("nics-get-and-recovery").with("addresses", commas(gets))
            }
            NicsBefore::Seen { removed, .. } => {
                let removed = removed.iter().map(|nic| match nic.addresses.is_empty() {
                    true => Message::new("nic-without-address-removed").with("nic", &nic.id),
                    false => Message::new("nic-removed")
                        .with("nic", &nic.id)
                        .with("addresses", commas(&nic.addresses)),
                });
                semicolons(std::iter::once(get).chain(removed))
            }
        }
    }
}
