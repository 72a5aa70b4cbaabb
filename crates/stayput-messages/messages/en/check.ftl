# What `stayput check` finds: what it is, why it matters, what to do.

## Machines

check-arm64 = { $label }: its architecture is { $architecture }
check-arm64-why = the hosts of NC2 are x86, and AHV runs no other architecture on them
check-arm64-remedy = rebuild { $object } on x86, or leave it in EC2 in a subnet that does not move
check-mac-instance = { $label }: it is a Mac instance ({ $kind })
check-mac-instance-why = macOS runs on the hosts of Apple only
check-mac-instance-remedy = leave { $object } in EC2 in a subnet that does not move
check-instance-store-root = { $label }: its root device is an instance store
check-instance-store-root-why = EC2 erases an instance store when the instance stops, and Move copies EBS volumes only
check-instance-store-root-remedy = rebuild { $object } on EBS volumes, or leave it in EC2 in a subnet that does not move
check-instance-store-volumes = { $label }: type { $kind } has instance store volumes, which are not copied and are erased when it stops
check-instance-store-volumes-why = EC2 erases an instance store when the instance stops, and Move copies EBS volumes only
check-instance-store-volumes-remedy = look whether the guest keeps data there, and copy that to an EBS volume
check-auto-scaling = { $label }: it is a member of Auto Scaling group { $group }
check-auto-scaling-why = an Auto Scaling group terminates a member that is stopped, unless the member is in standby or the processes of the group are suspended; its address goes with it
check-auto-scaling-remedy = take it out of its group: aws autoscaling detach-instances --instance-ids { $object } --should-decrement-desired-capacity --auto-scaling-group-name GROUP
check-spot-instance = { $label }: it is a Spot Instance
check-spot-instance-why = EC2 stops a Spot Instance on request only if its Spot request is persistent, and can interrupt it at any time
check-spot-instance-remedy = rebuild it as an On-Demand Instance before it is moved
check-bare-metal = { $label }: it is a bare-metal instance ({ $kind })
check-bare-metal-why = the VM has virtual hardware; whether Move takes bare-metal instances is not documented
check-bare-metal-remedy = test it first: stayput plan move NETWORK --canary { $object }
check-uefi-boot = { $label }: it boots by { $mode }
check-uefi-boot-why = the VM must boot by UEFI too; whether Move sets that for EC2 sources is not documented
check-uefi-boot-remedy = test it first: stayput plan move NETWORK --canary { $object }
check-product-codes = { $label }: its image has product codes of AWS Marketplace ({ $codes })
check-product-codes-why = Move refuses images with product codes, and their licences end outside EC2
check-product-codes-remedy = install the software from an image of its vendor, with a licence for NC2
check-instance-profile = { $label }: it has instance profile { $profile }
check-instance-profile-why = the credentials of an instance profile come from 169.254.169.254, which does not answer at NC2
check-instance-profile-remedy = give what runs on it credentials in another way, such as IAM Roles Anywhere
check-public-address-why = NC2 has no Elastic IP addresses: what reaches the machine by the public address no longer does
check-public-address-remedy = publish the service in another way, such as a load balancer with IP targets, and change DNS before the move
check-ipv6-why = overlay subnets have IPv4 addresses only
check-ipv6-remedy = make sure that no client depends on the IPv6 address
check-delegated-prefix-why = addresses of a delegated prefix are used by software on the machine, such as containers, and are not recorded
check-delegated-prefix-remedy = assign the addresses one by one as secondary addresses, or give the software an overlay of its own
check-elastic-fabric-adapter-why = a VM on AHV has no Elastic Fabric Adapter
check-elastic-fabric-adapter-remedy = make sure that the software runs over an ordinary NIC
check-trunk-interface-why = branch interfaces belong to the service that made them, and stay in EC2
check-trunk-interface-remedy = drain the tasks or pods that use them before the move
check-no-ipv4-address-why = an overlay subnet has IPv4 addresses only
check-no-ipv4-address-remedy = make sure that nothing depends on this interface
check-source-dest-check-off-why = a machine that forwards packets of others is often the target of routes, which do not follow it
check-source-dest-check-off-remedy = find out what it routes for, and move or rebuild that too
check-several-interfaces = { $label }: it has { GROUPED($interfaces) } interfaces
check-several-interfaces-why = each is restored with its addresses; which NIC the guest takes for which is decided by the guest's settings
check-several-interfaces-remedy = test it first: stayput plan move NETWORK --canary { $object }
check-no-name = { $id } has no name
check-no-name-why = Move, Prism Central and this tool show names to people
check-no-name-remedy = set its Name tag
check-duplicate-name = { $id }: another machine is called { $name } too
check-duplicate-name-why = machines are known by their instance ids; people and Move's pages show names
check-duplicate-name-remedy = give each machine a Name tag of its own
check-route-to-machine = { $label }: route { $route } of { $table } leads to its interface
check-route-to-machine-why = the route becomes a blackhole when the machine is moved: no VPC route can lead to a VM
check-route-to-machine-remedy = plan where these packets go after the move, and change the route then
check-not-examined = { $label }: root device, purchase option and boot mode are not in this world
check-not-examined-why = the world was saved by an earlier build, which did not look at them
check-not-examined-remedy = run `stayput check` without --world
check-windows-activation = { $label }: Windows is activated by a server of AWS
check-windows-activation-why = the activation servers 169.254.169.250 and 169.254.169.251 do not answer at NC2, and the licence of AWS ends with EC2
check-windows-activation-remedy = bring a licence, and point Windows to your own KMS or activate it by MAK after the move

## Guests

check-of-guest-at = { $label }, captured { $at }: { $problem }
check-of-guest = { $label }: { $problem }
check-guest-line = { $problem } ({ $path }, line { $line })
check-guest-path = { $problem } ({ $path })
check-guest-value = the value of { $member } in its capture cannot be read: { $why }
check-guest-unreadable = its capture cannot be read: { $why }
check-guest-before = in the guest, before the move: { $note }
check-guest-after = on the console of the VM, after the move: { $note }
check-guest-advice-remedy = do what is said for each guest
check-guest-loses-address-why = the VM has NICs with other MAC addresses, PCI paths and drivers, and the guest configures the address for the old one only
check-guest-loses-boot-why = disks and NICs of AHV are virtio devices, and the guest must have drivers for them when it starts; where Move prepares the guest itself, it installs them
check-guest-differs-why = what EC2 has on record is restored at NC2; what only the guest has is not, and what only EC2 has answers nowhere
check-guest-differs-remedy = make the guest and EC2 agree, then run: stayput capture --via both; an address that EC2 does not know is assigned by aws ec2 assign-private-ip-addresses
check-guest-loses-settings-why = the setting applies to the old MAC address, path, driver or name of the interface
check-guest-loses-service-why = the link-local addresses of EC2 do not answer at NC2
check-guest-not-known-why = nothing can be said about what was not read
check-guest-not-known-remedy = look in the guest, or correct the cause and run: stayput capture --via ssm
check-guest-stale-setting-why = it does no harm at the first start, and misleads people who read it later
check-guest-not-captured = { $network }: { $count ->
        [one] the guest of { $count } machine was not captured: { $machines }
       *[other] the guests of { $count } machines were not captured: { $machines }
    }
check-guest-not-captured-why = AWS does not show what a guest configures for a MAC address or an interface name
check-guest-not-captured-remedy = run: stayput capture --via ssm { $object }

## Networks and sites

check-link-local-services = { $machines ->
        [one] { $network }: { GROUPED($machines) } machine loses the instance metadata, time and DNS servers of AWS
       *[other] { $network }: { GROUPED($machines) } machines lose the instance metadata, time and DNS servers of AWS
    }
check-link-local-services-why = 169.254.169.254, 169.254.169.123 and 169.254.169.253 do not answer at NC2
check-link-local-services-remedy = look for these addresses in the guests' settings (chrony, w32time, resolv.conf, cloud-init) and replace them
check-mtu = { $network }: hosts that stay in the VPC can exchange frames of up to 9001 bytes with it today
check-mtu-why = a Transit Gateway passes 8500 bytes and a VPN 1500
check-mtu-remedy = set an MTU of at most 8500 on hosts that exchange jumbo frames with the machines
check-no-dns-servers = DHCP at { $site } gives machines no DNS servers
check-no-dns-servers-why = guests that take their DNS servers from DHCP resolve no names there
check-no-dns-servers-remedy = set `dns-servers` in [sites.{ $object }]
check-dns-server-of-source = DHCP at { $site } gives DNS server { $server }, which only instances of the source VPC reach
check-dns-server-of-source-why = the DNS server of a VPC does not answer in other VPCs
check-dns-server-of-source-remedy = set `dns-servers` in [sites.{ $object }] to servers that are reached from there, such as Route 53 Resolver inbound endpoints
check-detached-interface = { $eni } with { $addresses } is in network { $network } and is not attached
check-detached-interface-why = its addresses are of no machine, so they are not recorded and not moved
check-detached-interface-remedy = delete it if nothing needs it: aws ec2 delete-network-interface --network-interface-id { $object }
check-other-cidr-why = the overlay subnet would have other addresses than the EC2 subnet
check-plan-obstacle-why = `stayput plan move` refuses the network while it is so, and an acceptance does not change that

## Systems

check-not-observed = { $what }
check-subnet-not-seen = subnet { $subnet } of network { $network } was not seen in { $region }
check-region-not-read = AWS { $region } was not read
check-not-observed-why = nothing is known of what is there
check-not-reached-why = commands that need it fail
check-not-reached-remedy = correct address, credentials, certificate or network, then run `stayput check` again
check-clock-skew-why = AWS refuses requests whose time differs by more than 5 minutes, and records of the ledger carry this computer's time
check-clock-skew-remedy = synchronise the clock of this computer, or of the appliance, with NTP
check-not-reached = { $system } ({ $endpoint }): { $problem }
check-clock-skew = { $system }: its clock is { $seconds } s { $side ->
        [ahead] ahead of
       *[behind] behind
    } this computer's
check-missing-right = { $action } is refused in { $region }
check-missing-right-on = { $action } is refused in { $region } on { $resource }
check-missing-right-why = the region cannot be read, and every command needs that
check-missing-right-remedy = add the statement to the policy of these credentials: it is at the end
check-missing-write-right-why = `apply` is refused before it changes anything; commands that only read do not need it
check-missing-write-right-remedy = add the statement to the policy of the credentials that run `apply`: it is at the end
check-right-unknown = { $action } on { $resource } in { $region }: { $problem }
check-right-unknown-why = AWS did not say whether the credentials may make the call
check-right-unknown-remedy = run `stayput check` again when AWS answers the call

## The report

check-head-systems = SYSTEM
check-head-as = AS
check-head-version = VERSION
check-head-clock = CLOCK
check-head-rights = RIGHTS
check-head-state = STATE
check-reached = reached
check-not-usable = not usable
check-seconds = { $seconds } s
check-rights-of = { $allowed } of { $asked }
check-ledger-file = ledger: file { $file }
check-ledger-table = ledger: table { $table } in { $region }
check-no-identity = –
check-severity-error = ERROR
check-severity-warning = WARNING
check-severity-note = NOTE
check-rule = { $severity } { $rule }: { $why }
check-accepted = accepted until { $until } by [accept.{ $name }]: { $reason }
check-more = …and { $more } more (--all)
check-statements = Statements that are missing:
check-nothing-read = No system was asked: the world is from a file.
check-summary = { $standing ->
        [0] No errors; { $warnings } warnings, { $notes } notes, { $accepted } accepted.
        [one] 1 error; { $warnings } warnings, { $notes } notes, { $accepted } accepted.
       *[other] { $standing } errors; { $warnings } warnings, { $notes } notes, { $accepted } accepted.
    }

## Acceptances

check-acceptance-expired = [accept.{ $name }] expired after { $until }
check-acceptance-expired-why = what it accepted counts again
check-acceptance-expired-remedy = decide again: correct what it accepts, or set a later date in [accept.{ $object }]
check-acceptance-unused = [accept.{ $name }]: nothing matches rule { $rule } and its objects
check-acceptance-unused-why = what it accepted is gone, or an object is misspelt
check-acceptance-unused-remedy = remove [accept.{ $object }] or correct its objects
