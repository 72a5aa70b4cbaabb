//! The order of calls comes out of a search. What AWS reference §8 calls rules R1 and R2 are nowhere in it, and are what it finds.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use stayput_estate::SiteName;
use stayput_fabric::Change;
use stayput_fabric::ErpScope;
use stayput_fabric::Fabric;
use stayput_fabric::Reachability;
use stayput_fabric::Source;
use stayput_fabric::Verdict;
use stayput_plan::Call;
use stayput_plan::NoOrder;
use stayput_world::aws::VpcRouteTarget;

use crate::fixture::*;

const P: &str = "172.30.1.0/24";
const WEB: &str = "172.30.1.34";

fn route(letter: &str, table: &str, target: Option<&str>) -> Change {
    let region = match letter {
        "t" => "ap-northeast-1",
        _ => "ap-northeast-3",
    };
    Change::TgwRoute {
        region: region.into(),
        table: format!("tgw-rtb-{letter}-{table}").as_str().into(),
        cidr: cidr(P),
        target: target.map(to),
    }
}

fn prefix(site: &str, present: bool) -> Change {
    Change::Erp {
        site: site.into(),
        scope: ErpScope::TransitVpc,
        cidr: cidr(P),
        present,
    }
}

fn serve(site: &str, serving: bool) -> Change {
    Change::Serve {
        site: SiteName::from(site),
        address: ip(WEB),
        serving,
    }
}

/// The best order of these changes, as text; all take equally long.
fn found(fabric: &Fabric, changes: &[Change]) -> Result<Vec<String>, Box<NoOrder>> {
    let calls: Vec<_> = changes
        .iter()
        .map(|change| Call {
            change: change.clone(),
            lasts: Duration::from_secs(10),
        })
        .collect();
    let addresses: BTreeSet<_> = fabric.addresses_of_interest();
    let places = stayput_plan::order(&Reachability::of(fabric.clone(), []), addresses, &calls)?;
    Ok(places.iter().map(|at| changes[*at].to_string()).collect())
}

/// Every order in which the same things are listed leads to the same answer about these two.
fn always_before(fabric: &Fabric, changes: &[Change], first: &Change, then: &Change) {
    let mut listed = changes.to_vec();
    for _ in 0..changes.len() {
        listed.rotate_left(1);
        for reversed in [false, true] {
            let mut listed = listed.clone();
            if reversed {
                listed.reverse();
            }
            let order = found(fabric, &listed).unwrap();
            let place = |change: &Change| order.iter().position(|at| *at == change.to_string());
            assert!(
                place(first) < place(then),
                "{first} is not before {then}: {order:#?}"
            );
        }
    }
}

fn fabric(setup: &Setup) -> Fabric {
    Fabric::new(&setup.estate, &setup.world)
}

/// The machine has been brought to Osaka, and nothing else has been done; Osaka leads the EC2 VPC's prefix to Tokyo.
fn failed_over() -> Fabric {
    let setup = Setup::small().after(&[move_in(&["app"]), protect(&["app"])]);
    let mut fabric = fabric(&setup);
    fabric.apply(&serve(TOKYO, false));
    fabric.apply(&serve(OSAKA, true));
    fabric
}

fn failover_calls() -> Vec<Change> {
    vec![
        route("t", "edges", Some("tgw-attach-peer")),
        route("t", "vpcs", Some("tgw-attach-peer")),
        prefix(OSAKA, true),
        route("o", "vpcs", Some("tgw-attach-nc2o")),
        route("o", "edges", Some("tgw-attach-nc2o")),
    ]
}

/// What one state is like, asked of the fabric address by address and without the search.
struct State {
    /// Sources and addresses that loop.
    loops: BTreeSet<(Source, Ipv4Addr)>,
    /// That a route leads to a site where the machine is not.
    wrong_site: BTreeSet<(Source, Ipv4Addr)>,
    /// That are answered.
    works: BTreeSet<(Source, Ipv4Addr)>,
    /// Addresses that on-prem does not reach.
    lost: usize,
}

fn look(fabric: &Fabric) -> State {
    let mut state = State {
        loops: BTreeSet::new(),
        wrong_site: BTreeSet::new(),
        works: BTreeSet::new(),
        lost: 0,
    };
    for source in fabric.sources() {
        if !fabric.is_populated(&source) {
            continue;
        }
        for address in [ip(WEB), ip("172.30.1.35")] {
            let trip = fabric.round_trip(&source, address);
            let key = (source.clone(), address);
            let both = std::iter::once(&trip.forward).chain(&trip.back);
            if both
                .into_iter()
                .any(|trace| matches!(trace.verdict, Verdict::Loop { .. }))
            {
                state.loops.insert(key.clone());
            }
            if matches!(
                trip.forward.verdict,
                Verdict::WrongSite {
                    steerable: true,
                    ..
                }
            ) {
                state.wrong_site.insert(key.clone());
            }
            if trip.works() {
                state.works.insert(key);
            } else if source == Source::OnPrem {
                state.lost += 1;
            }
        }
    }
    state
}

/// Every order of these changes that does no harm, with what it costs: states × addresses that on-prem does not reach.
fn by_brute_force(fabric: &Fabric, changes: &[Change]) -> Vec<(usize, Vec<usize>)> {
    let mut states = BTreeMap::new();
    let mut safe = Vec::new();
    let mut orders = vec![Vec::new()];
    while let Some(order) = orders.pop() {
        let at = |order: &[usize]| {
            let mut state = fabric.clone();
            order.iter().for_each(|at| state.apply(&changes[*at]));
            look(&state)
        };
        let set = |order: &[usize]| order.iter().copied().collect::<BTreeSet<_>>();
        if order.len() == changes.len() {
            let cost = (0..order.len())
                .map(|made: usize| -> usize {
                    let state: &State = &states[&set(&order[..made])];
                    state.lost
                })
                .sum();
            safe.push((cost, order));
            continue;
        }
        states.entry(set(&order)).or_insert_with(|| at(&order));
        for next in (0..changes.len()).filter(|next| !order.contains(next)) {
            let mut then = order.clone();
            then.push(next);
            states.entry(set(&then)).or_insert_with(|| at(&then));
            let (before, after) = (&states[&set(&order)], &states[&set(&then)]);
            let comes_by_tgw = |(source, _): &(Source, Ipv4Addr)| {
                matches!(source, Source::OnPrem | Source::Spoke { .. })
            };
            let lost = before.works.difference(&after.works).any(comes_by_tgw);
            let wrong_site = after.wrong_site.difference(&before.wrong_site).any(|key| {
                before.works.contains(key) || comes_by_tgw(key) && !before.loops.contains(key)
            });
            if after.loops.is_subset(&before.loops) && !lost && !wrong_site {
                orders.push(then);
            }
        }
    }
    safe
}

/// The search's order is one of the safe ones, and none of them costs less.
fn as_good_as_brute_force(fabric: &Fabric, changes: &[Change]) -> Vec<Vec<usize>> {
    let safe = by_brute_force(fabric, changes);
    let order = found(fabric, changes).unwrap();
    let place = |text: &String| {
        changes
            .iter()
            .position(|change| change.to_string() == *text)
    };
    let order: Vec<_> = order.iter().map(|text| place(text).unwrap()).collect();
    let least = safe.iter().map(|(cost, _)| *cost).min().unwrap();
    assert!(
        safe.contains(&(least, order.clone())),
        "{order:?} of {} safe orders, the best cost {least}",
        safe.len()
    );
    safe.into_iter().map(|(_, order)| order).collect()
}

#[test]
fn destination_first_comes_out_of_the_search() {
    let (fabric, calls) = (failed_over(), failover_calls());
    let safe = as_good_as_brute_force(&fabric, &calls);
    // R1: from the new home outward, its prefix before all. No rule of the search says so; it is safe, and the reverse is not.
    let is_safe = |order: [usize; 5]| safe.contains(&order.into());
    assert!(is_safe([2, 3, 4, 0, 1]));
    assert!(!is_safe([0, 1, 4, 3, 2]));
    // What loops, whatever the order of the rest: Tokyo's tables lead to Osaka while Osaka's leads back.
    for order in &safe {
        let place = |call| order.iter().position(|at| *at == call);
        let both_away = place(0).max(place(1));
        assert!(place(3) < both_away || place(4) < both_away, "{order:?}");
    }
    assert_eq!(
        found(&fabric, &[2, 3, 4, 0, 1].map(|at: usize| calls[at].clone())).unwrap(),
        [
            "osaka: externally routable prefix 172.30.1.0/24 present on the transit VPC",
            "tgw-rtb-o-vpcs: 172.30.1.0/24 → tgw-attach-nc2o",
            "tgw-rtb-t-edges: 172.30.1.0/24 → tgw-attach-peer",
            "tgw-rtb-o-edges: 172.30.1.0/24 → tgw-attach-nc2o",
            "tgw-rtb-t-vpcs: 172.30.1.0/24 → tgw-attach-peer",
        ]
    );
}

#[test]
fn failback_writes_the_old_home_first_too() {
    let setup = with_spokes(1).after(&[failover(&["app"], OSAKA)]);
    let mut fabric = fabric(&setup);
    fabric.apply(&serve(OSAKA, false));
    fabric.apply(&serve(TOKYO, true));
    let calls = [
        route("o", "vpcs", Some("tgw-attach-peer")),
        route("o", "spoke0", Some("tgw-attach-peer")),
        prefix(TOKYO, true),
        route("t", "vpcs", Some("tgw-attach-nc2t")),
        route("t", "edges", Some("tgw-attach-nc2t")),
    ];
    let safe = as_good_as_brute_force(&fabric, &calls);
    assert!(safe.contains(&vec![2, 3, 4, 0, 1]));
    // Osaka leads a spoke to Tokyo, Tokyo leads it back, and Osaka to Tokyo again: the spoke's packets loop until Tokyo's table is written.
    assert!(!safe.contains(&vec![0, 1, 2, 3, 4]));
}

#[test]
fn deletion_from_the_source_inward_comes_out_of_the_search() {
    // Everything that led to Osaka is taken away while the machine still answers there: the source that asked first stops asking first.
    let mut setup = Setup::small().after(&[move_in(&["app"]), protect(&["app"])]);
    setup = setup.after(&[failover(&["app"], OSAKA)]);
    let mut fabric = fabric(&setup);
    // The machine is back in EC2, where the shorter prefix of its VPC leads.
    fabric.apply(&serve(OSAKA, false));
    fabric.apply(&serve(EC2, true));
    let calls = [
        route("o", "vpcs", None),
        route("o", "edges", None),
        route("t", "vpcs", None),
        route("t", "edges", None),
        prefix(OSAKA, false),
    ];
    // R2: Tokyo's table before Osaka's, whose shorter prefix would throw packets back to it; the prefix at the end.
    always_before(&fabric, &calls, &calls[2], &calls[0]);
}

#[test]
fn a_move_of_the_machine_is_ordered_with_the_calls() {
    let setup = Setup::small().after(&[move_in(&["app"]), protect(&["app"])]);
    let fabric = fabric(&setup);
    let mut calls = failover_calls();
    calls.extend([serve(TOKYO, false), serve(OSAKA, true)]);
    let order = found(&fabric, &calls).unwrap();
    let place = |text: &str| order.iter().position(|call| call.contains(text)).unwrap();
    // By way of Osaka and back on-prem may reach Tokyo all the time, but nothing may lead to Osaka's cluster before the machine is there.
    let stops = place("tokyo: no machine answers");
    assert!(stops < place("osaka: a machine answers"), "{order:#?}");
    assert!(stops < place("tgw-rtb-o-vpcs"), "{order:#?}");
}

#[test]
fn what_cannot_be_ordered_names_the_two_facts() {
    // Two machines, one in each site, and a route that can lead to one of them only.
    let mut setup = Setup::small().after(&[move_in(&["app"]), protect(&["app"])]);
    setup.prism(TOKYO).vms.insert(
        "vm-native".into(),
        vm("native", "overlay-app", "172.30.1.77"),
    );
    let mut fabric = fabric(&setup);
    fabric.apply(&serve(TOKYO, false));
    fabric.apply(&serve(OSAKA, true));
    let why = found(&fabric, &failover_calls()).unwrap_err();
    let NoOrder::Conflict { blocked, .. } = &*why else {
        panic!("{why}");
    };
    let addresses: Vec<_> = blocked.iter().map(|fact| fact.address).collect();
    assert_eq!(addresses, [ip("172.30.1.77"), ip(WEB)]);
    assert_eq!(
        why.to_string(),
        "when 4 calls are made, after \"tgw-rtb-t-edges: 172.30.1.0/24 → tgw-attach-peer\" on-prem → 172.30.1.77: wrong site: sent to \
         osaka, where no machine answers; its machine is at tokyo; without it on-prem → 172.30.1.34: wrong site: sent to tokyo, where \
         no machine answers; its machine is at osaka"
    );
}

#[test]
fn a_call_that_loops_while_it_spreads_is_made_when_it_does_not() {
    // Of a table that is announced by BGP: the packet may come by the edge before the table leads on, and after.
    let fabric = failed_over();
    let order = found(&fabric, &failover_calls()).unwrap();
    for at in 0..order.len() {
        let mut state = fabric.clone();
        let calls = failover_calls();
        let call = |text: &String| calls.iter().find(|call| call.to_string() == *text).unwrap();
        order[..at].iter().for_each(|text| state.apply(call(text)));
        for seen in state.in_flight(call(&order[at])) {
            let verdict = seen.fabric.verdict(&Source::OnPrem, ip(WEB));
            let looping = matches!(verdict, Verdict::Loop { .. });
            assert!(!looping, "{} ({}): {verdict}", order[at], seen.visibility);
        }
    }
}

/// Osaka has so many spoke tables, each with a route to the peering.
fn with_spokes(count: usize) -> Setup {
    let mut setup = Setup::small();
    for number in 0..count {
        let back = [(cidr(LEGACY), to("tgw-attach-peer"))];
        setup.spoke("o", &format!("spoke{number}"), &back);
    }
    setup.after(&[move_in(&["app"]), protect(&["app"])])
}

#[test]
fn twenty_calls_are_searched_exhaustively() {
    let spokes = stayput_plan::EXHAUSTIVE - failover_calls().len();
    let setup = with_spokes(spokes);
    let mut fabric = fabric(&setup);
    fabric.apply(&serve(TOKYO, false));
    fabric.apply(&serve(OSAKA, true));
    let mut calls = failover_calls();
    calls.extend(
        (0..spokes).map(|number| route("o", &format!("spoke{number}"), Some("tgw-attach-nc2o"))),
    );
    assert_eq!(calls.len(), stayput_plan::EXHAUSTIVE);
    let order = found(&fabric, &calls).unwrap();
    // On-prem's hole is closed by the third call, whatever else there is to do.
    let mut first = order[..3].to_vec();
    first.sort();
    assert_eq!(
        first,
        [
            "osaka: externally routable prefix 172.30.1.0/24 present on the transit VPC",
            "tgw-rtb-o-vpcs: 172.30.1.0/24 → tgw-attach-nc2o",
            "tgw-rtb-t-edges: 172.30.1.0/24 → tgw-attach-peer",
        ]
    );
}

/// Osaka leads so many tables besides to its cluster.
fn with_many_tables(tables: usize) -> (Fabric, Vec<Change>) {
    let setup = with_spokes(tables);
    let mut fabric = fabric(&setup);
    fabric.apply(&serve(TOKYO, false));
    fabric.apply(&serve(OSAKA, true));
    let mut calls = failover_calls();
    calls.extend(
        (0..tables).map(|number| route("o", &format!("spoke{number}"), Some("tgw-attach-nc2o"))),
    );
    (fabric, calls)
}

/// That each step of an order is safe, asked of the fabric and not of the search.
fn is_safe(fabric: &Fabric, changes: &[Change], order: &[String]) {
    let mut state = fabric.clone();
    let mut before = look(&state);
    for text in order {
        let change = changes.iter().find(|change| change.to_string() == *text);
        state.apply(change.unwrap());
        let after = look(&state);
        assert!(after.loops.is_subset(&before.loops), "{text}");
        assert!(before.works.is_subset(&after.works), "{text}");
        before = after;
    }
}

#[test]
fn more_calls_for_one_prefix_than_a_word_has_bits_are_searched_together() {
    for tables in [59, 95] {
        let (fabric, calls) = with_many_tables(tables);
        let order = found(&fabric, &calls).unwrap();
        let all: BTreeSet<_> = order.iter().cloned().collect();
        assert_eq!(all, calls.iter().map(ToString::to_string).collect());
        assert_eq!(order.len(), tables + 5);
        is_safe(&fabric, &calls, &order);
    }
}

#[test]
fn too_many_calls_for_one_prefix_are_refused_with_the_number() {
    let fabric = failed_over();
    let calls: Vec<_> = (0..300)
        .map(|number| route("o", &format!("spoke{number}"), Some("tgw-attach-nc2o")))
        .collect();
    let why = found(&fabric, &calls).unwrap_err();
    assert_eq!(*why, NoOrder::TooMany { calls: 300 });
    assert_eq!(
        why.to_string(),
        "300 calls are too many to search for a safe order"
    );
}

#[test]
fn an_aggregate_that_would_loop_only_means_another_order() {
    let mut setup = Setup::small().after(&[move_in(&["app"]), protect(&["app"])]);
    let aggregate = vpc_route(cidr("172.16.0.0/12"), VpcRouteTarget::Tgw("tgw-o".into()));
    let table = setup.osaka().route_tables.get_mut(&"rtb-vpc-nc2o".into());
    table.unwrap().routes.push(aggregate);
    let mut fabric = fabric(&setup);
    fabric.apply(&serve(TOKYO, false));
    fabric.apply(&serve(OSAKA, true));
    let calls = failover_calls();
    always_before(&fabric, &calls, &calls[2], &calls[3]);
    always_before(&fabric, &calls, &calls[2], &calls[4]);
}
