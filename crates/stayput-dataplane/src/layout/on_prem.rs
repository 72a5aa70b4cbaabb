//! The on-prem router: the preferred route to each prefix, of those it learned.

use std::cmp::Reverse;

use stayput_lab::state::LabState;
use stayput_lab::walk::on_prem::Candidate;
use stayput_lab::walk::on_prem::Next;
use stayput_lab::walk::on_prem::candidates;

use super::Hop;
use super::Layout;
use super::LinkId;
use super::NodeId;
use super::TableId;

/// Position of the prober's address in the first on-prem prefix.
const PROBER: u32 = 10;

pub(super) fn build(lab: &LabState, layout: &mut Layout) {
    let prober = lab
        .aws
        .on_prem
        .first()
        .and_then(|prefix| prefix.nth(PROBER));
    layout.prober = prober;
    let mut routes = candidates(lab);
    routes.sort_by(|a, b| {
        let rank = |route: &Candidate| Reverse(route.preference);
        rank(a).cmp(&rank(b)).then_with(|| a.name.cmp(&b.name))
    });
    let node = layout.node(NodeId::OnPrem);
    node.addresses.extend(prober);
    let main = node.tables.entry(TableId::Main).or_default();
    for route in routes {
        main.entry(route.prefix)
            .or_insert_with(|| match route.next {
                Next::Here => Hop::Local,
                Next::Down => Hop::Drop,
                Next::Into { ingress, .. } => Hop::Over(LinkId::Attachment(ingress)),
            });
    }
}
