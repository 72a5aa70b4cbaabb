//! The matrix of all sources and classes is the same after changes as if it were made again.

#![allow(clippy::unwrap_used)]

mod common;

use common::strategies::*;
use common::*;
use proptest::prelude::*;
use stayput_fabric::*;

/// What the matrix must say, from scratch.
fn expected(
    fabric: &Fabric,
    source: &Source,
    address: std::net::Ipv4Addr,
) -> (String, String, bool, bool) {
    let trip = fabric.round_trip(source, address);
    let back = trip.back.as_ref().map(|back| kind(&back.verdict));
    (
        brief(&trip.forward.verdict),
        format!("{back:?}"),
        trip.symmetric,
        fabric.is_populated(source),
    )
}

fn kind(verdict: &Verdict) -> End {
    match verdict {
        Verdict::Delivered { .. } => End::Delivered,
        Verdict::NoRoute { .. } => End::NoRoute,
        Verdict::Blackhole { .. } => End::Blackhole,
        Verdict::DeadEni { .. } => End::DeadEni,
        Verdict::LeavesByNat { .. } => End::LeavesByNat,
        Verdict::WrongSite {
            steerable: true, ..
        } => End::WrongSite,
        Verdict::WrongSite {
            steerable: false, ..
        } => End::Unsteerable,
        Verdict::NoMachine { .. } => End::NoMachine,
        Verdict::Loop { .. } => End::Loop,
        Verdict::RegionDown { .. } => End::RegionDown,
        Verdict::Unmodelled { .. } => End::Unmodelled,
    }
}

fn assert_right(matrix: &Reachability, fabric: &Fabric) -> Result<(), TestCaseError> {
    for (at, source) in matrix.sources().iter().enumerate() {
        for (number, class) in matrix.classes().iter().enumerate() {
            let cell_state = matrix.cell_state(at, number);
            prop_assert_eq!(
                matrix.verdict(at, number),
                fabric.verdict(source, class.representative)
            );
            let back = fabric.round_trip(source, class.representative).back;
            prop_assert_eq!(
                matrix.reply_verdict(at, number),
                back.map(|back| back.verdict)
            );
            for member in &class.members {
                let expected = expected(fabric, source, *member);
                let is = (
                    brief(&matrix.verdict(at, number)),
                    format!("{:?}", cell_state.back),
                    cell_state.symmetric,
                    cell_state.populated,
                );
                prop_assert_eq!(
                    is,
                    expected,
                    "{} of class {} from {}",
                    member,
                    class.representative,
                    source
                );
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn after_any_changes_the_matrix_is_as_if_made_again(
        fabric in state(),
        steps in prop::collection::vec(prop::collection::vec(change(), 1..4), 0..5),
    ) {
        let mut matrix = Reachability::of(fabric.clone(), addresses());
        let mut fabric = fabric;
        assert_right(&matrix, &fabric)?;
        for step in &steps {
            let before = matrix.clone();
            let shifts = matrix.apply(step);
            step.iter().for_each(|change| fabric.apply(change));
            assert_right(&matrix, &fabric)?;
            // Exactly the cells that are reported have changed. Members are looked up, because a change may split classes.
            for (number, class) in matrix.classes().iter().enumerate() {
                let was = before.classes().iter().position(|old| old.members.contains(&class.representative)).unwrap();
                for source in 0..matrix.sources().len() {
                    let same = before.cell_state(source, was) == matrix.cell_state(source, number)
                        && brief(&before.verdict(source, was)) == brief(&matrix.verdict(source, number));
                    let reported = shifts.iter().any(|shift| shift.source == source && shift.class == number);
                    prop_assert!(same || reported, "{} from {} changed and is not reported", class.representative, matrix.sources()[source]);
                }
            }
        }
    }

    #[test]
    fn a_change_in_flight_is_before_in_some_tables_and_after_in_others(fabric in state(), change in change()) {
        let mut after = fabric.clone();
        after.apply(&change);
        for state in fabric.in_flight(&change) {
            // Making the change again brings a state in which it is half seen to the one in which it is seen.
            prop_assert!(!state.visibility.visible.is_empty() && !state.visibility.pending.is_empty(), "{}", state.visibility);
            for address in addresses() {
                let seen = state.fabric.verdict(&Source::OnPrem, address);
                prop_assert_eq!(state.fabric.trace(&Source::OnPrem, address).verdict, seen);
            }
        }
    }
}

#[test]
fn a_route_of_a_vpn_table_is_forwarded_by_and_announced_at_different_times() {
    let setup = Setup::new();
    let states = moved(&setup).in_flight(&tgw_t(P, None));
    let visibility: Vec<_> = states
        .iter()
        .map(|state| state.visibility.to_string())
        .collect();
    assert_eq!(
        visibility,
        [
            "already in the table, not yet announced by BGP",
            "already announced by BGP, not yet in the table"
        ]
    );
    // Not announced any more, on-prem follows the shorter prefix to the same edge; the packet meets the old route.
    assert_eq!(
        from_on_prem(&states[1].fabric, WEB),
        "delivered at nc2-tokyo"
    );
    assert_eq!(
        from_on_prem(&states[0].fabric, WEB),
        "wrong site ec2, machine at nc2-tokyo"
    );
}

#[test]
fn a_prefix_reaches_the_transit_vpc_and_vpc_tables_one_by_one() {
    let setup = Setup::new();
    let fabric = after(setup.fabric(), [erp(NC2_T, ErpScope::UserVpc, P, true)]);
    let states = fabric.in_flight(&erp(NC2_T, ErpScope::TransitVpc, P, true));
    let visibility: Vec<_> = states
        .iter()
        .map(|state| state.visibility.to_string())
        .collect();
    assert_eq!(
        visibility,
        [
            "already in the transit VPC, not yet in rtb-nc2t",
            "already in rtb-nc2t, not yet in the transit VPC"
        ]
    );
}

#[test]
fn a_change_of_one_network_does_not_judge_the_others_again() {
    let setup = Setup::new();
    let fabric = moved(&setup);
    let addresses = fabric.addresses_of_interest();
    let mut matrix = Reachability::of(fabric, addresses);
    let shifts = matrix.apply(&[tgw_t(P, Some(to("tgw-attach-peer")))]);
    assert!(!shifts.is_empty());
    let web: Vec<_> = [WEB, WEB2].map(ip).into();
    assert!(shifts.iter().all(|shift| {
        matrix.classes()[shift.class]
            .members
            .iter()
            .all(|member| web.contains(member))
    }));
    let work = matrix.work();
    assert!(work.walks * 3 < work.cells, "{work:?}");
}
