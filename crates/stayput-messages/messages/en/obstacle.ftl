# Why there is no plan, and parts of such messages. What a person can do is in remedy.ftl.

obstacle-source-not-seen = VPC { $vpc } is not visible in { $region } to account { $account }
obstacle-source-not-seen-by-unknown-account = VPC { $vpc } is not visible in { $region } to the account of these credentials
obstacle-spans-networks = { $label } ({ $machine }) also has an interface in network { $network }, which is not named
obstacle-foreign-interface = { $label } ({ $machine }) also has interface { $eni } at { $address }, outside every network of the estate
obstacle-unmovable-interface = { $eni } ({ $what }) holds { $address } in network { $network } and cannot move
obstacle-unsettled-interface = { $eni } ({ $what }) is in network { $network } at { $address } and its status is `{ $status }`
obstacle-unsettled-interface-without-address = { $eni } ({ $what }) is in network { $network } and its status is `{ $status }`
obstacle-interface-not-listed-by-machine = interface { $eni } at { $address } is attached to { $label } ({ $machine }), which does not list it
obstacle-interface-without-address-not-listed-by-machine = interface { $eni } is attached to { $label } ({ $machine }), which does not list it
obstacle-machine-of-interface-not-shown = interface { $eni } at { $address } is attached to instance { $machine }, which EC2 does not show
obstacle-machine-of-interface-without-address-not-shown = interface { $eni } is attached to instance { $machine }, which EC2 does not show
obstacle-interface-not-shown = { $label } ({ $machine }) lists interface { $eni }, which EC2 does not show
obstacle-no-ipv4-address = { $label } ({ $machine }) is in network { $network } and has no IPv4 address there
obstacle-being-terminated = { $label } ({ $machine }) in network { $network } is being terminated in EC2
obstacle-in-no-wave = { $label } ({ $machine }) in network { $network } is in no wave
obstacle-in-several-waves = { $label } ({ $machine }) is in waves { $waves }
obstacle-not-in-source = wave { $wave } names { $machine }, which is not in the source VPC
obstacle-no-such-machine = { $found } machines of the named networks are called { $name }
obstacle-no-announcement = no edge of { $site } announces what stayput writes: on-prem would not come in there for network { $network }
obstacle-not-in-inventory = { $label } ({ $machine }) is not in the inventory of Move at { $site }
obstacle-cannot-run = { $label } ({ $machine }) cannot be moved: { $reason }
obstacle-ambiguous-vm = { $label } ({ $machine }): { $count } VMs at { $site } could be it: { $candidates }
obstacle-ambiguous-vm-of-none = { $label } ({ $machine }): 0 VMs at { $site } could be it
obstacle-runs-twice = { $label } ({ $machine }) is at { $site }, and its former VM { $vm } at { $at } is not off: served twice
obstacle-former-vm-runs = { $label } ({ $machine }) is in EC2 again, and VM { $vm } at { $at }, which it was before, is not off
obstacle-source-runs = { $label } ({ $machine }) is at { $site }, and its EC2 instance is { $state } again: served twice
obstacle-source-runs-with-vm-off = { $label } ({ $machine }) is at { $site }, and its EC2 instance is { $state } while its VM is off
obstacle-address-taken = { $address } of { $label } ({ $machine }) is taken at { $site } by { $holder }
obstacle-lost = { $label } ({ $machine }) is in the ledger and at no site; { $ec2 }
obstacle-vm-deleted = { $label } ({ $machine }): its VM { $vm } at { $site } has been deleted; { $points }
obstacle-vm-deleted-or-elsewhere = { $label } ({ $machine }): its VM { $vm } at { $site } has been deleted; { $points }; whether it was failed over to { $sites } is not known, as its Prism Central was not observed
obstacle-not-listed = { $label } ({ $machine }): { $system } does not list { $what }
obstacle-not-observed = { $system } was not observed
obstacle-not-observed-because = { $system } was not observed: it { $verb }: { $why }
obstacle-still-runs = Prism Central of { $site } answers, and { $machines } not off there: { $names }
obstacle-fence-not-possible = routes to { $site } cannot be fenced: AWS { $region } was not observed
obstacle-fence-not-possible-because = routes to { $site } cannot be fenced: AWS { $region } was not observed: it { $verb }: { $why }
obstacle-no-move = site { $site } has no `move` in stayput.toml, and { $machines } still in EC2
obstacle-still-routed = packets to { $address } of { $label } ({ $machine }) still go to { $site }, where it was
obstacle-may-be-there = { $count ->
        [one] VM { $vms } at { $site } has exactly the addresses of { $label } ({ $machine }), and no system says that it is this machine
       *[other] VMs { $vms } at { $site } have exactly the addresses of { $label } ({ $machine }), and no system says that one is this machine
    }
obstacle-old-points = { $site } has recovery points of VM { $vm }, which { $label } ({ $machine }) is not any more: the recovery plan would start it from them, too
obstacle-lacks-addresses = { $label } ({ $machine }): its VM at { $site } lacks { $addresses }, and a copy of it would, too
obstacle-not-on = { $label } ({ $machine }): its VM { $vm } at { $site } is not on
obstacle-elsewhere = { $label } ({ $machine }) is at { $at }, not at { $wanted }
obstacle-no-machines = network { $network } has no machines
obstacle-other-cidr = network { $network } is { $cidr }, and its EC2 subnet { $subnet } is { $found }
obstacle-not-recovery-site = network { $network } does not fail over to { $site }
obstacle-no-recovery-site = network { $network } has no recovery site
obstacle-missing = { $what } is missing at { $site }
obstacle-not-unique = { $count } things at { $site } are called { $what }
obstacle-differs = { $what } at { $site } is not as planned: { $property } is { $found }, expected { $expected }
obstacle-differs-and-leaves-uncovered = { $what } at { $site } is not as planned: { $property } is { $found }, expected { $expected }; not protected by it: { $machines }
obstacle-overlaps = { $cidr } of network { $network } overlaps { $other } of { $what } at { $site }
obstacle-not-protected = { $label } ({ $machine }) is not protected: { $gap }
obstacle-carries-category = VM { $name } ({ $vm }) at { $site } carries category { $category } but is no machine of network { $network }
obstacle-foreign-test = { $what } at { $site } is in use by a test that is not known to be stayput's: { $found }
obstacle-unreadable = { $site }: an object that this goal needs cannot be read: { $object }
obstacle-not-captured = { $label } ({ $machine }) has { $addresses } at { $site } on NIC { $nic }, not captured
obstacle-not-paired = Prism Central of { $from } has no working pairing with that of { $to }
obstacle-no-attachment = the VPC of { $site } has no available, associated attachment on { $tgw } in { $region }: { $fault }
obstacle-no-peering = { $from } in { $region } has no available, associated peering with { $to }: { $fault }
obstacle-more-specific = { $table } in { $region } has a static route for { $cidr }, inside { $network }
obstacle-pool-too-small = { $free ->
        [one] network { $network } has { GROUPED($free) } free address for a DHCP pool, { $needed } needed for the machines in flight
       *[other] network { $network } has { GROUPED($free) } free addresses for a DHCP pool, { $needed } needed for the machines in flight
    }
obstacle-pool-exhausted = { $free ->
        [one] the DHCP pool of { $what } at { $site } has { GROUPED($free) } free address, { $needed } needed
       *[other] the DHCP pool of { $what } at { $site } has { GROUPED($free) } free addresses, { $needed } needed
    }
obstacle-unsafe = { $more ->
        [0] { $moment }: { $from } → { $address }: { $harm }
       *[other] { $moment }: { $from } → { $address } and { $more } more: { $harm }
    }
obstacle-no-safe-order = no order of { $calls } calls that bring network { $network } to { $home } is safe: { $why }
obstacle-too-many-calls-to-order = network { $network } cannot be brought to { $home }: { $why }
obstacle-unreachable = at the end { $from } → { $address } of { $label } is not delivered: { $delivery }

## Parts

machines-are = { $machines ->
        [one] { GROUPED($machines) } machine is
       *[other] { GROUPED($machines) } machines are
    }
recovery-points-none = no recovery point of it was seen
recovery-points = its newest recovery point: { $points }
recovery-point-at = { $time } at { $site }

ec2-says-exists = it is in EC2 without the addresses it was captured with
ec2-says-terminated = EC2 says that it was terminated
ec2-says-not-found = EC2 says that this account has no such instance
ec2-says-nothing = EC2 does not list it and has not said that it is gone

gap-no-category = its VM at { $site } does not carry category { $category }
gap-no-recovery-point = { $site } has no recovery point of it

attachment-not-associated = { $attachment } is associated with no route table
attachment-pending-acceptance = { $attachment } is pendingAcceptance
attachment-state = { $attachment } is { $state }
attachment-absent = there is none

## A run that is not rolled back

obstacle-not-undone = run { $run } cannot be rolled back: { $why }
not-undone-later-run = run { $later } ({ $goal }) was started later and concerns the same networks
not-undone-is-rollback = it is a rollback itself
not-undone-cut-over-now = Move is cutting over { $label } ({ $machine }) to { $site } now
not-undone-recovery-runs = recovery plan { $plan } is running, as Prism Central of { $site } reports
not-undone-source-gone = { $label } ({ $machine }) cannot be started in { $region }: { $ec2 }
not-undone-source-differs = { $label } ({ $machine }) has { $has } in EC2, and { $wants } was captured
not-undone-protected = { $label } ({ $machine }): its VM { $vm } at { $site } carries category { $category }, so a recovery plan would start it again
not-undone-route-changed = route { $cidr } in { $table } ({ $region }) is { $found }: neither what the run wrote nor what was there before
not-undone-old-site-lost = its machines were started at { $at } from recovery points, and what is at { $site } is older
not-undone-protection = what protects the networks is not removed, because failovers need it: { $made }
not-undone-put-away = former VMs that it powered off or deleted are not started again, because their machines run elsewhere: { $vms }
