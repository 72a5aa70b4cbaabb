//! Traces and verdicts as text.

use std::fmt;

use crate::source::Source;
use crate::trace::Caveat;
use crate::trace::RoundTrip;
use crate::trace::Trace;
use crate::trace::Verdict;

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivered { place, holder } => write!(f, "delivered at {place} to {holder}"),
            Self::NoRoute { at } => write!(f, "no route at {at}"),
            Self::Blackhole { at } => write!(f, "blackhole at {at}"),
            Self::DeadEni { at, eni, cause } => {
                write!(f, "dead interface at {at}: {eni} {cause}")
            }
            Self::LeavesByNat { at, gateway } => {
                write!(f, "lost: leaves through {gateway} at {at}")
            }
            Self::WrongSite {
                sent_to,
                machine_at,
                ..
            } => write!(
                f,
                "wrong site: sent to {sent_to}, where no machine answers; its machine is at {machine_at}"
            ),
            Self::NoMachine { place } => {
                write!(f, "no machine answers at {place} or at any other site")
            }
            Self::Loop { cycle } => {
                f.write_str("loop: ")?;
                for node in cycle {
                    write!(f, "{node} → ")?;
                }
                match cycle.first() {
                    Some(first) => write!(f, "{first}"),
                    None => f.write_str("itself"),
                }
            }
            Self::RegionDown { at, region } => write!(f, "lost at {at}: {region} is down"),
            Self::Unmodelled { at, what } => write!(f, "not modelled beyond {at}: {what}"),
        }
    }
}

impl fmt::Display for Caveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PrefixList { table, list } => write!(
                f,
                "{table} also routes by prefix list {list}, whose contents were not observed"
            ),
            Self::TgwPrefixList { table, list } => write!(
                f,
                "{table} also routes by prefix list {list}, whose contents were not observed"
            ),
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
            write!(f, "\n  note: {caveat}")?;
        }
        Ok(())
    }
}

impl fmt::Display for RoundTrip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.forward)?;
        let Some(back) = &self.back else {
            return f.write_str("\nno reply: no machine was reached");
        };
        write!(f, "\nreply: {back}")?;
        if self.works() && !self.symmetric {
            f.write_str("\nthe reply takes another path than the request")?;
        }
        Ok(())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnPrem => f.pad("on-prem"),
            Self::OnPremVia { edge } => f.pad(&format!("on-prem through {edge}")),
            Self::Ec2Subnet { subnet, .. } => f.pad(&format!("EC2 subnet {subnet}")),
            Self::Nc2Vpc { site } => f.pad(&format!("NC2 VPC of {site}")),
            Self::Overlay { site, network } => f.pad(&format!("overlay {network} at {site}")),
            Self::Spoke { vpc } => f.pad(&format!("VPC {vpc}")),
            Self::Machine { place, address } => f.pad(&format!("{address} at {place}")),
        }
    }
}
