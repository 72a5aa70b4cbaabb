//! Traces and verdicts as text.

use std::fmt;

use stayput_messages::Message;
use stayput_messages::list::arrows;
use stayput_messages::list::text;

use crate::source::Source;
use crate::trace::Caveat;
use crate::trace::RoundTrip;
use crate::trace::Trace;
use crate::trace::Verdict;

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivered { place, holder } => Message::new("verdict-delivered")
                .with("place", place)
                .with("holder", holder)
                .fmt(f),
            Self::NoRoute { at } => Message::new("verdict-no-route").with("at", at).fmt(f),
            Self::Blackhole { at } => Message::new("verdict-blackhole").with("at", at).fmt(f),
            Self::DeadEni { at, eni, cause } => Message::new("verdict-dead-interface")
                .with("at", at)
                .with("eni", eni)
                .with("cause", cause)
                .fmt(f),
            Self::LeavesByNat { at, gateway } => Message::new("verdict-leaves-by-nat")
                .with("gateway", gateway)
                .with("at", at)
                .fmt(f),
            Self::WrongSite {
                sent_to,
                machine_at,
                ..
            } => Message::new("verdict-wrong-site")
                .with("sent_to", sent_to)
                .with("machine_at", machine_at)
                .fmt(f),
            Self::NoMachine { place } => Message::new("verdict-no-machine")
                .with("place", place)
                .fmt(f),
            Self::Loop { cycle } => {
                let path = match cycle.first() {
                    Some(first) => text(arrows(cycle.iter().chain([first]))),
                    None => Message::new("verdict-loop-to-itself"),
                };
                Message::new("verdict-loop").part("path", path).fmt(f)
            }
            Self::RegionDown { at, region } => Message::new("verdict-region-down")
                .with("at", at)
                .with("region", region)
                .fmt(f),
            Self::Unmodelled { at, what } => Message::new("verdict-not-modelled")
                .with("at", at)
                .with("what", what)
                .fmt(f),
        }
    }
}

impl fmt::Display for Caveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PrefixList { table, list } => Message::new("caveat-prefix-list")
                .with("table", table)
                .with("list", list)
                .fmt(f),
            Self::TgwPrefixList { table, list } => Message::new("caveat-prefix-list")
                .with("table", table)
                .with("list", list)
                .fmt(f),
        }
    }
}

/// The columns of the nodes line up, but one very long name does not push all reasons off the screen.
const WIDEST_NODE: usize = 44;

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} → {}: {}",
            self.source, self.destination, self.verdict
        )?;
        let names: Vec<_> = self.hops.iter().map(|hop| hop.at.to_string()).collect();
        let width = names
            .iter()
            .map(|name| name.chars().count())
            .filter(|width| *width <= WIDEST_NODE)
            .max()
            .unwrap_or(0);
        for (name, hop) in names.iter().zip(&self.hops) {
            write!(f, "\n  {name:width$}  {}", hop.reason)?;
        }
        for caveat in &self.caveats {
            let note = Message::new("trace-note").with("caveat", caveat);
            write!(f, "\n  {note}")?;
        }
        Ok(())
    }
}

impl fmt::Display for RoundTrip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.forward)?;
        let Some(back) = &self.back else {
            return write!(f, "\n{}", Message::new("trace-no-reply"));
        };
        write!(f, "\n{} {back}", Message::new("trip-reply"))?;
        if self.works() && !self.symmetric {
            write!(f, "\n{}", Message::new("trip-asymmetric"))?;
        }
        Ok(())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::OnPrem => Message::new("place-on-prem"),
            Self::OnPremVia { edge } => Message::new("source-on-prem-via").with("edge", edge),
            Self::Ec2Subnet { subnet, .. } => Message::new("source-subnet").with("subnet", subnet),
            Self::Nc2Vpc { site } => Message::new("source-nc2-vpc").with("site", site),
            Self::Overlay { site, network } => Message::new("source-overlay")
                .with("network", network)
                .with("site", site),
            Self::Spoke { vpc } => Message::new("source-vpc").with("vpc", vpc),
            Self::Machine { place, address } => Message::new("source-machine")
                .with("address", address)
                .with("place", place),
        };
        text.fmt(f)
    }
}
