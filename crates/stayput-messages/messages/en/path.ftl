# Where a packet goes, and why.

verdict-delivered = delivered at { $place } to { $holder }
verdict-no-route = no route at { $at }
verdict-blackhole = blackhole at { $at }
verdict-dead-interface = dead interface at { $at }: { $eni } { $cause }
verdict-leaves-by-nat = lost: leaves through { $gateway } at { $at }
verdict-wrong-site = wrong site: sent to { $sent_to }, where no machine answers; its machine is at { $machine_at }
verdict-no-machine = no machine answers at { $place } or at any other site
verdict-loop = loop: { $path }
verdict-loop-to-itself = itself
verdict-region-down = lost at { $at }: { $region } is down
verdict-not-modelled = not modelled beyond { $at }: { $what }
caveat-prefix-list = { $table } also routes by prefix list { $list }, whose contents were not observed
trip-reply = reply:
trip-asymmetric = the reply takes another path than the request

## Who sends

source-on-prem-via = on-prem through { $edge }
source-subnet = EC2 subnet { $subnet }
source-nc2-vpc = NC2 VPC of { $site }
source-overlay = overlay { $network } at { $site }
source-vpc = VPC { $vpc }
source-machine = { $address } at { $place }

## What a packet passes, and who answers

place-on-prem = on-prem
host-instance = instance { $id }
host-named-instance = instance { $name } ({ $id })
host-interface = { $kind } { $id }
host-vm = VM { $name }
host-planned = the machine put there
host-on-prem = on-prem host
host-sender = the sender
node-on-prem = on-prem router
node-edge = edge { $edge }
node-tgw = { $tgw } / { $table }
node-vpc = { $vpc } / { $table }
node-transit-vpc = transit VPC of { $site }
node-flow-vpc = Flow VPC { $name } of { $site }
node-overlay = overlay { $prefix } of { $site }
node-machine = { $holder } at { $place }
node-source = the source
hop-local = local
hop-nat-uplink = NAT uplink
hop-vpc = VPC { $vpc }
hop-vpc-of-site = VPC { $vpc } of { $site }
hop-vpn = VPN { $vpn }
hop-direct-connect = Direct Connect gateway { $gateway }
hop-peering = peering to { $tgw } in { $region }
hop-blackhole = blackhole
hop-unknown = { $kind } { $id }
unmodelled-edge = the estate has no edge { $edge }
unmodelled-subnet = subnet { $subnet } was not observed
unmodelled-site-vpc = no subnet of the VPC of { $site } was observed
unmodelled-vpc = no subnet of { $vpc } was observed
unmodelled-overlay = { $site } has no overlay subnet for { $network }
unmodelled-machine = nothing at { $place } has { $address }

## Why a hop leads where it does

origin-static = static
origin-prefix-list = by a prefix list
origin-vpc = propagated from a VPC
origin-direct-connect = learned by Direct Connect
origin-connect = learned by Connect
origin-private-vpn = learned by private VPN
origin-vpn = learned by VPN
origin-other = propagated
loss-shorter = shorter prefix
loss-under-static = a static route comes first
loss-under-prefix-list = an entry of a prefix list comes first
loss-lower-rank = its kind ranks lower
loss-attached-later = attached later
loss-less-preferred = less preferred
dead-missing = does not exist
dead-detached = is attached to nothing
dead-instance-down = belongs to an instance that does not run
dead-source-dest-check = drops what is not addressed to itself (source/dest check is on)
reason-of-list = of prefix list { $list }
reason-beats = beats { $prefix } → { $toward }: { $because }
reason-own-prefix = { $prefix } is here
reason-allowed-prefix = { $prefix } → { $edge }, an allowed prefix of its gateway
reason-announced = { $prefix } → { $edge }, announced from { $table }
reason-configured = { $prefix } → { $edge }, configured on-prem
reason-nothing-announced = no edge announces a prefix for it
reason-enters = into { $tgw } by { $attachment }
reason-to-on-prem = out to on-prem
reason-edge-not-observed = attachment { $attachment } of edge { $edge } was not observed
reason-session-down = no tunnel is up
reason-attachment-down = attachment { $attachment } is gone or does not forward
reason-not-associated = no route table is associated with the attachment it came in by
reason-tgw-route = { $prefix } → { $attachment } ({ $toward })
reason-blackhole-left = { $prefix } → blackhole, left by { $attachment } that is gone
reason-blackhole-static = { $prefix } → blackhole, static
reason-blackhole = { $prefix } → blackhole
reason-no-match = no route matches
reason-no-table = its subnet has no route table that was observed
reason-vpc-route = { $prefix } → { $toward }
reason-vpc-route-dead = { $prefix } → { $toward }, which is gone
reason-not-attached = { $prefix } → { $toward }, to which this VPC has no working attachment
reason-zone-not-attached = { $prefix } → { $toward }, which has no attachment subnet in { $zone }
reason-dead-interface = { $prefix } → { $toward }, which { $cause }
reason-peering-refuses = { $prefix } → { $toward }, which only carries what starts in one VPC and ends in the other
reason-peer-local = local at the far side of the VPC peering
reason-transit-prefix = { $prefix } is externally routable → { $to }
reason-no-transit-prefix = no externally routable prefix of the transit VPC covers it
reason-no-user-prefix = { $prefix } is externally routable here, but in no user VPC with a no-NAT uplink
reason-transit-uplink = out into the AWS VPC by { $eni }
reason-no-gateway = no interface leads into the AWS VPC
reason-overlay-subnet = { $prefix } is overlay subnet { $name }
reason-no-overlay-subnet = no overlay subnet has it
reason-no-nat-uplink = out by the no-NAT uplink
reason-nat-uplink = out by the NAT uplink, which changes its sender
reason-no-uplink = no uplink
reason-on-link = on-link in { $prefix }
reason-off-link = to the default gateway
reason-answers = answers
reason-region-down = the region is down
reason-not-observed = was not observed
reason-one-of = one of { $ways } ways

## Changes, and what of them is visible

scope-user-vpc = user VPC
scope-transit-vpc = transit VPC
change-refused-not-observed = { $what } was not observed
change-refused-other-tgw = { $attachment } is not on the Transit Gateway of { $table }
change-refused-allowed-prefix-overlap = { $cidr } overlaps { $other }, which the same Direct Connect gateway announces for { $edge }
change-refused-announces-its-table = { $edge } announces its route table; announcements are changed there
change-refused-local-to-vpc = { $cidr } is local to the VPC of { $table } and cannot be routed elsewhere
change-refused-no-flow-vpc = { $site } has no { $scope } that was observed
change-tgw-route = { $table }: { $cidr } → { $target }
change-no-tgw-route = { $table }: no static route for { $cidr }
change-prefix = { $state ->
        [absent] { $site }: externally routable prefix { $cidr } absent on the { $scope }
       *[present] { $site }: externally routable prefix { $cidr } present on the { $scope }
    }
change-serves = { $site }: a machine answers for { $address }
change-serves-not = { $site }: no machine answers for { $address }
change-subnet = { $state ->
        [absent] { $site }: overlay subnet { $name } { $cidr } absent
       *[present] { $site }: overlay subnet { $name } { $cidr } present
    }
change-vpc-route = { $table }: a route for { $cidr }
change-no-vpc-route = { $table }: no route for { $cidr }
change-announced = { $edge }: { $cidr } announced
change-not-announced = { $edge }: { $cidr } not announced
change-session = { $state ->
        [down] { $edge }: session down
       *[up] { $edge }: session up
    }
change-attachment = { $state ->
        [detached] { $attachment }: detached
       *[attached] { $attachment }: attached
    }
change-propagation = { $state ->
        [disabled] { $table }: propagation from { $attachment } disabled
       *[enabled] { $table }: propagation from { $attachment } enabled
    }
change-region = { $state ->
        [down] { $region }: down
       *[up] { $region }: up
    }
part-forwarding = in the table
part-announcement = announced by BGP
part-transit-prefix = in the transit VPC
part-vpc-table = in { $table }
visible-already = already { $part }
visible-not-yet = not yet { $part }
