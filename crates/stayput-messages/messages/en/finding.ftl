# What the model sees in the routing that hurts, or will one day, and what a person can do about it.

finding-no-return-route = { $site }: replies of network { $network } to { $on_prem } are lost in { $vpc }: { $verdict }
finding-prefix-not-in-table = { $site }: { $table } of { $vpc }, by which packets for network { $network } enter, does not get { $prefix } from NC2: { $verdict }
finding-looping-aggregate = { $site }: { $aggregate } → { $toward } in { $table } covers network { $network }: whenever NC2's own route for it is absent, packets loop between VPC and Transit Gateway
finding-wide-summary = { $prefix } → VPC of { $site } in { $table } ({ $region }) also takes what lives elsewhere: { $captured }
finding-asymmetric-return = replies take another way at the end: { $ranges }, there by { $there }, back by { $back }; a stateful firewall between them drops the replies
finding-dx-overlap = network { $network } cannot be announced by { $gateway } at { $site }: its association with { $held_by } holds { $prefix }, and prefixes of one gateway may not overlap
finding-neighbours-lose = machines left in the EC2 VPC cannot reach network { $network }, because the VPC's local route always wins: { $hosts } running in { $subnets }
finding-neighbours-lose-canaries = machines left in the EC2 VPC cannot reach { $canaries }, because the VPC's local route always wins: { $hosts } running in { $subnets }; they and the rest of the network are reached as before
finding-overlapping-cidr-of-site = network { $network } overlaps { $cidr } of { $vpc }, the NC2 VPC of { $site }
finding-overlapping-cidr = network { $network } overlaps { $cidr } of { $vpc }, which is on a Transit Gateway of the estate
finding-peering-not-associated = { $attachment } is associated with no route table of { $tgw } in { $region }: all that comes by the peering is dropped
finding-too-many-routes = { $tgw } in { $region } would have { $routes } routes; AWS allows { $allowed }
finding-full-vpc-table = { $site }: { $table } has { $routes } routes, the default quota is { $allowed }: NC2 may fail to write the networks' prefixes into it

remedy-no-return-route = add the route { $on_prem } → Transit Gateway to { $table }; use exact on-prem prefixes, not an aggregate
remedy-no-return-route-in-unknown-table = add the route { $on_prem } → Transit Gateway to the route table of the Flow subnet of { $vpc }; use exact on-prem prefixes, not an aggregate
remedy-prefix-not-in-table = associate the attachment subnet with the VPC's main table, or have NC2 write { $table } too (a tag, by version); stayput never writes VPC route tables
remedy-looping-aggregate = replace { $aggregate } by exactly the on-prem prefixes behind it
remedy-wide-summary = replace { $prefix } by one route for each network that lives at { $site }
remedy-asymmetric-return = let on-prem prefer the edge the replies come by (a longer prefix or local preference there), or fail over by path b
remedy-dx-overlap = fail over by path a, give each Transit Gateway a Direct Connect gateway of its own, or take { $prefix } off { $held_by } first, wait for `associated`, then add it at the new home: an outage
remedy-neighbours-lose = move the networks they are in together with { $network }, or make sure that nothing there talks to it
remedy-neighbours-lose-canaries = make sure that nothing in EC2 talks to it meanwhile, or move its network whole
remedy-overlapping-cidr-of-site = an NC2 VPC must not have the network's addresses: they would be `local` there; use another VPC CIDR
remedy-overlapping-cidr = sources that reach { $vpc } through a Transit Gateway will reach the network instead; renumber { $vpc }, or keep the two in separate tables
remedy-peering-not-associated = associate the peering attachment with a route table on this side too
remedy-too-many-routes = delete routes that are not needed, canaries' above all, or ask AWS for a higher quota
remedy-full-vpc-table = ask AWS for a higher quota of routes per route table (up to 1,000)
