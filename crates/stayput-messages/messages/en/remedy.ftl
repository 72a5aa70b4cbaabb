# What a person can do about an obstacle.

remedy-source-not-seen = check that the AWS credentials are of the right account, and the region and id of the source VPC in stayput.toml
remedy-spans-networks = name network { $network } in the same command
remedy-foreign-interface = add the subnet as a network to the estate, or detach the interface from the instance
remedy-unmovable-interface = delete it or rebuild it in another subnet before moving this network; a subnet moves as a whole
remedy-unsettled-interface-in-transit = wait until { $eni } is attached or free, and run the command again; if it belongs to a service, rebuild that in another subnet first
remedy-unsettled-interface = see what { $eni } is with `aws ec2 describe-network-interfaces --network-interface-ids { $eni }`, and run the command again when it is in use or free
remedy-interface-not-listed-by-machine = run the command again when { $eni } is attached to { $machine } or detached from it; if it stays so, detach it: `aws ec2 describe-network-interfaces --network-interface-ids { $eni }` shows its attachment
remedy-machine-of-interface-not-shown = run the command again; if it stays so, see `aws ec2 describe-instances --instance-ids { $machine }`
remedy-interface-not-shown = run the command again; if it stays so, see `aws ec2 describe-network-interfaces --network-interface-ids { $eni }`
remedy-no-ipv4-address = only IPv4 addresses are kept: give it one in EC2, or move it to another subnet before this network moves
remedy-being-terminated = run the command again when it is terminated; if it was captured, take it out of the ledger then: stayput retire { $machine }
remedy-in-no-wave = add { $machine } to a wave in stayput.toml, or tag it so that one selects it
remedy-in-several-waves = make the wave selectors exclusive
remedy-not-in-source = remove it from wave { $wave } or correct the id
remedy-no-such-machine = name a machine of the networks by its id or its Name tag; { $name } is none
remedy-several-such-machines = name it by its instance id
remedy-no-announcement = announce { $halves } there by hand (allowed prefixes of the Direct Connect gateway association, or on-prem's static routes), or fail over by path A
remedy-not-in-inventory = check that Move's AWS provider covers the region and account and refresh its inventory
remedy-ambiguous-vm = find the right VM in Prism Central of { $site } and run: stayput adopt { $machine } --vm UUID --site { $site }
remedy-runs-twice = power off the former VM: stayput apply clean-up { $networks } --site { $at }; or, if it is the right one, run `stayput adopt { $machine } --vm { $vm } --site { $at }` and power off the other
remedy-former-vm-runs = power off VM { $vm } in Prism Central of { $at }
remedy-source-runs = stop the instance: aws ec2 stop-instances --instance-ids { $machine } --region { $region }
remedy-address-taken = free { $address }: change or delete the NIC that has it
remedy-lost-exists = give it its addresses back in EC2, or take it out of the ledger: stayput retire { $machine }
remedy-lost-terminated = take it out of the ledger: stayput retire { $machine }; if it was moved, find its VM and run: stayput adopt { $machine } --vm UUID
remedy-lost-not-found = check that the AWS credentials are of the right account; then take it out of the ledger: stayput retire { $machine }, or if it was moved, find its VM and run: stayput adopt { $machine } --vm UUID
remedy-lost-nothing = run the command again; if it was moved, find its VM and run: stayput adopt { $machine } --vm UUID; if it is gone for good: stayput retire { $machine }
remedy-vm-deleted-or-elsewhere = run the command again when Prism Central of { $sites } answers
remedy-vm-deleted-found = VM { $vm } at { $at } has exactly its addresses; if it is this machine, run: stayput adopt { $machine } --vm { $vm } --site { $at }; if not: { $usual }
remedy-vm-deleted-without-point = look in Prism Central of { $site } for a local recovery point, restore the VM from it and run: stayput adopt { $machine } --vm UUID --site { $site }; or, if it was deleted on purpose: stayput retire { $machine }
remedy-vm-deleted = restore it from that recovery point in Prism Central of { $at } and run: stayput adopt { $machine } --vm UUID --site { $at }; or, if it was deleted on purpose: stayput retire { $machine }
remedy-not-listed = run the command again; if it stays so, look for it in { $console }: link another VM with `stayput adopt { $machine } --vm UUID`, or strike the machine with `stayput retire { $machine }`
remedy-add-lost = or, if { $site } is really down, add --lost { $site }
remedy-fail-over-unplanned = if { $site } is lost, fail over with --mode unplanned
remedy-protect-first = run `stayput apply protect { $networks }` first
remedy-create-flow-vpc = create Flow VPC { $name } with a no-NAT external subnet, or name the right one in stayput.toml
remedy-attach-no-nat-subnet = attach a no-NAT external subnet to { $vpc }: without it a prefix is not routable
remedy-observe = run the command again, so that it is observed
remedy-observe-silent-aws = check the way to AWS in { $region } (proxy, firewall, name resolution), then run the command again
remedy-observe-silent = check the address in stayput.toml and the way there (VPN, firewall, name resolution), then run the command again
remedy-observe-refused-aws = correct the AWS credentials or the rights of their role, then run the command again
remedy-observe-refused-prism = correct PRISM_CENTRAL_USERNAME and PRISM_CENTRAL_PASSWORD, the rights of that user, or the CA file in stayput.toml, then run the command again
remedy-observe-refused-move = correct MOVE_USERNAME and MOVE_PASSWORD or the CA file in stayput.toml, then run the command again
remedy-observe-faulty = run the command again; if it stays so, look at the health of { $system }
remedy-observe-or = { $observe }; { $otherwise }
remedy-still-runs = fail over as planned: stayput apply failover { $networks } --to { $to }; or power the machines off in Prism Central of { $site }; or, if the cluster behind it is really down, add --lost { $site }
remedy-fence-not-possible = { $observe }; or, if { $site } is really down, add --lost { $site }: its routes then stay as they are
remedy-no-move = add `move = {"{"} url = "https://…", source-provider = "…", target-provider = "…" {"}"}` to [sites.{ $site }] in stayput.toml
remedy-still-routed = lead the routes away first: stayput apply failover { $networks } --to { $home } --mode unplanned --lost { $site }
remedy-old-points = make sure that VM { $vm } was deleted and is no other machine, then delete its recovery points in Prism Central of { $site }
remedy-may-be-there = a recovery plan job that is no longer found may have made it: if it is this machine, run: stayput adopt { $machine } --vm UUID --site { $site }; if not, take the addresses from it in Prism Central
remedy-lacks-addresses = give it its addresses first: stayput apply move { $networks }
remedy-lacks-addresses-elsewhere = give it its addresses first: stayput apply failover { $networks } --to { $site }
remedy-not-on = power VM { $vm } on in Prism Central of { $site }; or, if it is not the right one, run: stayput adopt { $machine } --vm UUID --site SITE
remedy-elsewhere = bring its network to { $wanted } first: `stayput apply move` takes it from EC2 to its primary site, failover and failback from site to site
remedy-no-machines = check `ec2-subnet` of network { $network } and the source VPC
remedy-other-cidr = set cidr = "{ $found }" for network { $network }, or correct its ec2-subnet
remedy-not-recovery-site = set recovery = "{ $site }" for network { $network }, or name its recovery site
remedy-no-recovery-site = set `recovery` for network { $network } in stayput.toml
# The planner says what to do for the very thing that is missing.
remedy-missing = { $remedy }
remedy-not-unique = rename all but one { $what }
remedy-differs = set { $property } of { $what } to { $expected }; or, only if nothing uses it, delete { $what } and let stayput make it
remedy-overlaps = delete { $what } if it is not needed, or give it other addresses; stayput changes nothing that it did not make
remedy-not-protected = run `stayput apply protect { $networks }`, which waits until every machine is protected
remedy-foreign-test = find out who started it (a test of stayput whose job Prism Central has lost looks like this, too); when it is over, clean the recovery plan up in Prism Central
remedy-unreadable = look at it in Prism Central of { $site } and correct or delete it; if it is as it should be, save it with `stayput world save` and report it
remedy-carries-category = remove category { $category } from VM { $vm } in Prism Central
remedy-not-captured = remove NIC { $nic } or the addresses in Prism Central; or, if the machine shall keep them, assign them to its instance in EC2 and run: stayput capture --replace { $machine }; an interrupted move is finished with `stayput apply move`
remedy-not-captured-of-former = remove NIC { $nic } or the addresses in Prism Central
remedy-not-paired = pair the two Prism Centrals (Availability Zones) and check that they are connected
remedy-associate = associate it with a route table: aws ec2 associate-transit-gateway-route-table --transit-gateway-attachment-id { $attachment } --transit-gateway-route-table-id TABLE --region { $region }
remedy-accept-attachment = have the owner of { $tgw } accept the attachment: aws ec2 accept-transit-gateway-vpc-attachment --transit-gateway-attachment-id { $attachment } --region { $region }
remedy-attach = attach the VPC to { $tgw } and associate the attachment with a route table (VPC console, Transit gateway attachments, { $region })
remedy-accept-peering = accept the peering from the side that did not request it: aws ec2 accept-transit-gateway-peering-attachment --transit-gateway-attachment-id { $attachment } --region REGION
remedy-peer = peer { $from } with { $to }, accept the peering on the other side, and associate it with a route table on both (VPC console, Transit gateway attachments, { $region })
remedy-more-specific = if { $cidr } is a canary's, finish the move with `stayput apply move { $network }`, which takes it over; else delete the route, or make it a network of its own
remedy-pool-too-small = { $missing ->
        [one] { GROUPED($missing) } address are missing: while a network moves, each NIC takes an address of the pool besides its own, and all machines of a network move at once. Release unused addresses of the EC2 subnet (interfaces, secondary addresses), leave machines out with `--leave-out MACHINE`, or move part of the machines to another EC2 subnet first
       *[other] { GROUPED($missing) } addresses are missing: while a network moves, each NIC takes an address of the pool besides its own, and all machines of a network move at once. Release unused addresses of the EC2 subnet (interfaces, secondary addresses), leave machines out with `--leave-out MACHINE`, or move part of the machines to another EC2 subnet first
    }
remedy-pool-exhausted = add free addresses to the DHCP pool of { $what }
remedy-pool-exhausted-suggested = set the DHCP pool of { $what } to { $ranges }, which are free
remedy-unsafe = the order of steps cannot be made safe in this topology; see the trace with `stayput trace`
remedy-no-safe-order = change one of these facts, and put back any route that was deleted by hand; see { $traces }
remedy-too-many-calls-to-order = name fewer canaries in one command, or remove routes that need not reach the network
remedy-unreachable = complete the routing first; see the trace with `stayput trace`

## Parts

console-of-aws = the EC2 console ({ $region })
command-trace = `stayput trace { $from } { $address }`

## A run that is not rolled back

remedy-not-undone-later-run = roll back that run first: stayput rollback { $later }
remedy-not-undone-is-rollback = apply the goal of the run that it rolled back again: stayput apply { $of }
remedy-not-undone-cut-over-now = when Move has finished, run it again: stayput rollback { $run }
remedy-not-undone-recovery-runs = when the recovery plan has ended, run it again: stayput rollback { $run }
remedy-not-undone-source-gone = leave { $machine } where it is; the past cannot be restored
remedy-not-undone-source-differs = give the interfaces of { $machine } exactly { $wants } in EC2, then run the command again
remedy-not-undone-protected = remove category { $category } from VM { $vm } in Prism Central of { $site }, then run the command again
remedy-not-undone-route-changed = find out who changed it; set { $cidr } in { $table } ({ $region }) to { $before } by hand if that is right, then run the command again
remedy-not-undone-old-site-lost = bring the machines home: stayput apply clean-up { $networks } --site { $site }, then stayput apply protect { $networks }, then stayput apply failback { $networks }
remedy-not-undone-protection = it can stay; to remove it, delete recovery plans and policies in Prism Central, then categories, test networks and overlay subnets
remedy-not-undone-put-away = nothing needs to be done; to work with the data of a VM that still exists, attach its disks to another VM in Prism Central
