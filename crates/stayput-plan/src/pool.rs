//! The DHCP pool of an overlay subnet: without any address that is in use.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use stayput_estate::AddrRange;
use stayput_estate::Cidr;

/// Addresses EC2 reserves at the start of a subnet: network, router, DNS, future (AWS reference §5). The gateway is the
/// router's, so that static guests keep working; .2 and .3 stay unused because guests may still ask them.
const RESERVED_AT_START: u32 = 4;

/// The gateway an overlay subnet gets: the address EC2's router had.
pub fn gateway(cidr: Cidr) -> Ipv4Addr {
    cidr.nth(1).unwrap_or(cidr.network())
}

/// The largest free runs of `cidr`, largest first, until they hold `needed` addresses (at least one run if there is
/// any). `Err` with the number of free addresses when that is not enough.
pub fn pools(cidr: Cidr, taken: &BTreeSet<Ipv4Addr>, needed: u64) -> Result<Vec<AddrRange>, u64> {
    let first = u32::from(cidr.network()).saturating_add(RESERVED_AT_START);
    let last = u32::from(cidr.broadcast()).saturating_sub(1);
    let mut runs = Vec::new();
    let mut start = first;
    for address in taken
        .iter()
        .map(|a| u32::from(*a))
        .filter(|a| (first..=last).contains(a))
    {
        if address > start {
            runs.push(AddrRange {
                first: start.into(),
                last: (address - 1).into(),
            });
        }
        start = address + 1;
    }
    if start <= last {
        runs.push(AddrRange {
            first: start.into(),
            last: last.into(),
        });
    }
    runs.sort_by_key(|run| (std::cmp::Reverse(run.size()), run.first));
    let free: u64 = runs.iter().map(|run| run.size()).sum();
    if free < needed || runs.is_empty() {
        return Err(free);
    }
    let mut chosen = Vec::new();
    let mut sum = 0;
    for run in runs {
        if !chosen.is_empty() && sum >= needed {
            break;
        }
        sum += run.size();
        chosen.push(run);
    }
    chosen.sort();
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_largest_free_run_is_taken_first() {
        let taken = ["172.30.1.10", "172.30.1.34", "172.30.1.200"]
            .map(|a| a.parse().unwrap())
            .into();
        let pools = pools("172.30.1.0/24".parse().unwrap(), &taken, 3).unwrap();
        assert_eq!(
            pools.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["172.30.1.35-172.30.1.199"]
        );
    }

    proptest! {
        #[test]
        fn a_pool_never_holds_a_taken_or_reserved_address_and_is_large_enough(
            len in 20u8..=28, offsets in prop::collection::btree_set(0u32..4096, 0..200), needed in 0u64..64,
        ) {
            let cidr = Cidr::containing([172, 30, 16, 0].into(), len);
            let taken: BTreeSet<_> = offsets.into_iter().filter_map(|o| cidr.nth(o)).collect();
            match pools(cidr, &taken, needed) {
                Ok(pools) => {
                    prop_assert!(pools.iter().map(|p| p.size()).sum::<u64>() >= needed);
                    for pool in &pools {
                        prop_assert!(taken.iter().all(|a| !pool.contains(*a)));
                        prop_assert!(pool.first >= cidr.nth(4).unwrap() && pool.last < cidr.broadcast());
                    }
                }
                Err(free) => prop_assert!(free < needed || free == 0),
            }
        }
    }
}
