//! Where the lab's packets end: who answers for an address, and which addresses on-prem does not reach.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::net::Ipv4Addr;

use stayput_lab::state::LabState;
use stayput_lab::walk;
use stayput_lab::walk::End;
use stayput_lab::walk::Origin;
use stayput_messages::Message;

use super::Promise;
use super::truth::Holder;
use super::truth::Truth;

/// How a packet ends that does not reach its machine.
#[derive(Debug, Clone)]
pub(crate) struct Undelivered {
    pub(crate) end: End,
    /// The last decision on its path.
    after: String,
}

impl fmt::Display for Undelivered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Message::new("broken-undelivered")
            .with("end", format_args!("{:?}", self.end))
            .with("hop", &self.after);
        fmt::Display::fmt(&text, f)
    }
}

/// Sites and regions that are down.
pub(crate) fn outages(lab: &LabState) -> BTreeSet<String> {
    let sites = lab.pcs.iter().filter(|pc| pc.down);
    let sites = sites.map(|pc| pc.name.clone());
    sites.chain(lab.aws.down_regions.iter().cloned()).collect()
}

pub(crate) type Holders = BTreeMap<Ipv4Addr, Vec<Holder>>;

/// Addresses that packets of one source reach at two machines.
pub(crate) fn two_answers(
    lab: &LabState,
    holders: &Holders,
    is_excused: impl Fn(Ipv4Addr) -> bool,
) -> Vec<(Promise, String)> {
    let several = holders
        .iter()
        .filter(|(address, holders)| holders.len() > 1 && !is_excused(**address));
    let mut found = Vec::new();
    for (address, holders) in several {
        let origins = std::iter::once(Origin::OnPrem).chain(holders.iter().map(Holder::origin));
        for origin in origins {
            let ends: BTreeSet<String> = walk::ways(lab, &origin, *address)
                .into_iter()
                .filter_map(|walk| match walk.end {
                    End::Delivered { holder, .. } => Some(holder),
                    _ => None,
                })
                .collect();
            if ends.len() > 1 {
                let what = Message::new("broken-two-answers")
                    .with("address", address)
                    .with("ends", format_args!("{ends:?}"))
                    .with("origin", format_args!("{origin:?}"));
                found.push((Promise::OneAnswer, what.into()));
            }
        }
    }
    found
}

/// Captured addresses of running machines that on-prem does not reach at the machine, with the reason.
pub(crate) fn undelivered(
    lab: &LabState,
    truth: &Truth,
    holders: &Holders,
) -> BTreeMap<Ipv4Addr, Undelivered> {
    let mut undelivered = BTreeMap::new();
    for address in truth.addresses_that_ran() {
        let walks = walk::ways(lab, &Origin::OnPrem, address);
        let own = holders.get(&address).map(Vec::as_slice).unwrap_or_default();
        let wrong = walks.iter().find(|walk| match &walk.end {
            End::Delivered { holder, .. } => !own.iter().any(|own| own.name() == holder),
            _ => true,
        });
        if let Some(wrong) = wrong {
            let why = Undelivered {
                end: wrong.end.clone(),
                after: wrong.hops.last().cloned().unwrap_or_default(),
            };
            undelivered.insert(address, why);
        }
    }
    undelivered
}
