# What the commands about labs say.

lab-status = { $scenario } with { n-machines }, process { $process }
lab-time = virtual time { $time } at speed { $speed }
lab-aws = AWS (all regions)
lab-prism-central = Prism Central { $site }
lab-move = Move { $site }
lab-ca = CA
lab-estate-file = estate file
hint-namespaces = network namespaces need Linux, and root or unprivileged user namespaces; without them: --dataplane none
lab-stopped = the lab has stopped
lab-use-it = use it:  eval "$(stayput lab env --dir { $dir })"
lab-was-stopped = the lab was no longer running; its files were removed

## Why a lab cannot be started, asked or stopped

lab-already-running = a lab is running in { $dir } already
lab-not-started = the lab did not start:
lab-silent = the lab does not answer after { $seconds } s; see { $log }
lab-not-stopped = the lab in { $dir } does not stop after { $seconds } s
lab-unwritten = cannot write { $path }
lab-unread = cannot read { $path }
lab-of-other-version = { $path } was not written by this version of the lab
lab-not-running = no lab is running in { $dir }
lab-bad-speed = a lab cannot run at speed { $speed }: it must be 0, or from { $slowest } to { $fastest } virtual seconds a second
lab-bad-latency = a lab cannot have a latency of { $latency } ms: it must be from 0 to { $longest } ms
lab-no-data-plane = the kernel data plane cannot be built
lab-no-port = cannot listen on 127.0.0.1
lab-no-certificates = cannot make the lab's certificates
lab-no-tls = cannot set up TLS
lab-ca-unread = cannot read the lab's CA { $path }
lab-ca-unusable = cannot use the lab's CA { $path }
lab-no-answer = the lab does not answer { $path }
lab-refused = the lab refused { $path } with HTTP status { $status }: { $reason }
lab-no-reason = no reason
lab-answer-unreadable = the lab's answer to { $path } is not JSON

## Faults

lab-site-is-down = site { $site } is down (stayput lab site up { $site })
lab-region-is-down = region { $region } is down (stayput lab region up { $region })
lab-faults = { $faults ->
        [one] { $faults } fault is in force (stayput lab fault list)
       *[other] { $faults } faults are in force (stayput lab fault list)
    }
lab-no-faults = no faults
lab-faults-removed = { $faults ->
        [0] there was no fault
        [one] { $faults } fault was removed
       *[other] { $faults } faults were removed
    }
hint-fault-help = see: stayput lab fault add --help
lab-fault-added = fault { $id } is in force: { $rule }
lab-fault-applied = applied { $hits } of { $matched } matching calls
lab-fault-over = applied { $hits } of { $matched } matching calls, over
lab-fault-last = last: { $service } { $place } { $call } at { $time }
lab-place = { $kind } { $name } { $becomes }
lab-place-with-sites = { $kind } { $name } { $becomes }, with site { $sites }
lab-was-already = was already { $state }
lab-is-now = is now { $state }
lab-vm = VM { $name } ({ $vm }) at site { $site } { $becomes }
lab-instance = instance { $instance } ({ $name }) in { $region } { $becomes }
lab-changes = is { $state }; it was { $before }

## What a fault or a name can be

lab-kind-attachment = attachment
lab-kind-flow-vpc = Flow VPC of this Prism Central
lab-kind-move = Move appliance
lab-kind-prism = Prism Central
lab-kind-region = region
lab-kind-service = service
lab-kind-site = site
lab-kind-site-of-estate = site of the estate
lab-kind-subnet-of-prism = subnet of this Prism Central
lab-kind-subnet-of-vpc = subnet of this VPC
lab-kind-table = table of this Transit Gateway
lab-kind-tgw = Transit Gateway
lab-kind-vpc = VPC
lab-unknown-near = no { $kind } is called `{ $name }`; did you mean `{ $known }`?
lab-unknown-of = no { $kind } is called `{ $name }`; there are { $known }
lab-unknown-none = no { $kind } is called `{ $name }`; there is none
lab-unknown-undefined = no { $kind } is called `{ $name }`; none is defined
lab-region-is-no-site = { $what }; it is a region: use `region` instead of `site`
rule-no-effect = the rule has no effect: give one of { $effects }
rule-two-effects = `{ $first }` and `{ $second }` are both effects: a rule has one; write two rules
rule-no-meaning = `{ $key }` has no meaning without { $needs }
rule-needs-refusal = `refuse` or `refuse-after`
rule-needs-refusal-or-throttle = `refuse`, `refuse-after` or `throttle`
rule-needs-hang = `hang`
rule-needs-loss = `lose-request` or `lose-answer`
rule-needs-replacement = `garbage`, `html` or `empty`
rule-needs-down = `site-down` or `region-down`
rule-exclude = `{ $first }` and `{ $second }` exclude each other
rule-bad-value = `{ $key }` must be { $must }, not { $found }
rule-must-be-positive = at least 1
rule-must-be-duration = a duration such as `30s` that is not negative
rule-must-be-status = an HTTP error status, 400 to 599
rule-must-be-of-paged = for AWS or Prism Central
rule-is-of-move = for service `move`, whose clients choose the size of a page
rule-must-be-read-or-change = read or change
rule-unknown-name = `{ $key }`: { $what }

## What the lab's control refuses

lab-token-needed = the token from lab.json is required
lab-no-kernel = this lab's data plane is not the kernel
lab-bad-method = this path does not support that method
lab-bad-path = the paths are /status, /speed, /latency, /walk, /faults, /sites, /regions, /vms, /instances and /shutdown
lab-bad-body = the body must be { $form }: { $problem }
lab-bad-from = from: { $problem }
lab-bad-to = `to` must be an IPv4 address
lab-bad-origin = `{ $text }` is neither `on-prem` nor an IPv4 address
lab-no-such-fault = no fault has this number; there are { $known }
lab-no-such-fault-none = no fault has this number; there is none
lab-no-such-vm = no VM has the name or UUID `{ $name }`
lab-no-such-vm-at-site = no VM at site `{ $site }` has the name or UUID `{ $name }`
lab-vm-not-unique = VM `{ $name }` is not unique: { $found }; give the UUID, or the site
lab-vm-at-site = { $vm } at `{ $site }`
lab-no-such-instance = no instance has the id or Name tag `{ $name }`
lab-instance-not-unique = instance `{ $name }` is not unique: { $found }; give the instance id
lab-instance-in-region = { $instance } in { $region }
lab-site-down-first = site `{ $site }` is down: bring it up first
lab-region-down-first = region `{ $region }` is down: bring it up first

## Why a scenario cannot be used

scenario-unknown = no scenario is called `{ $name }`: the built-in ones are { $known }; or give the path of a .toml file
scenario-unread = cannot read scenario { $path }
scenario-machines = scenario `{ $scenario }` can have 1 to { $most } machines that move, not { $asked }
scenario-extends-itself = `{ $name }` extends itself
scenario-too-many-files = more than { $files } files extend each other
scenario-no-estate = the scenario has no [estate]
scenario-no-source = the scenario's estate has no source
scenario-bad-action = `{ $text }` is not an action: write SERVICE:ACTION, such as ec2:ReplaceTransitGatewayRoute; the services are { $services }
scenario-negative-duration = a duration cannot be negative
scenario-network-too-small = a network of { $cidr } can have 1 to { $room } machines
scenario-too-few-prefixes = fewer than { $prefixes } prefixes of this length follow this one
scenario-no-region = region `{ $name }` is not in `regions`
scenario-bad-subnet = a subnet is written VPC/SUBNET, such as legacy/app
scenario-no-subnet = no subnet is called `{ $path }`
scenario-address-outside = { $address } is not in { $cidr }
scenario-address-reserved = { $address } is reserved by AWS in { $cidr }: the first four addresses and the last
scenario-address-twice = { $address } is used twice
scenario-address-twice-in = { $address } is used twice in { $cidr }
scenario-no-address-left = no address is left in { $cidr }
scenario-address-outside-subnet = { $address } is not in subnet `{ $subnet }`
scenario-address-special = { $address } is the network, gateway or broadcast of { $cidr }
scenario-attached-elsewhere = a VPC can only be attached to a Transit Gateway in its region
scenario-attached-nowhere = a VPC attachment needs at least one subnet
scenario-attachment-name-twice = two attachments are called `{ $name }`
scenario-attachment-names-not-distinct = two attachments are called `{ $name }`; names of VPCs, peerings, VPNs and associations must be distinct
scenario-attachment-of-two-tables = attachment `{ $name }` is associated with two tables of this Transit Gateway
scenario-attachment-of-other-tgw = attachment `{ $name }` is on Transit Gateway { $on }, not on `{ $tgw }`
scenario-announced-twice = { $cidr } is announced twice on one gateway (AWS reference §2.2)
scenario-crowd-without-table = a crowd that is attached needs the `table` its attachments use
scenario-instance-key-twice = two instances have the key `{ $key }`
scenario-instance-in-two-vpcs = an instance has all its interfaces in one VPC, here `{ $vpc }`
scenario-guest-of-other-system = the guest of `{ $key }` is one of another operating system
scenario-instance-without-interface = instance `{ $key }` has no interface
scenario-subnet-outside = { $subnet } is in none of the VPC's CIDRs
scenario-subnet-overlaps = { $subnet } overlaps { $other }
scenario-bulk-overlaps = network { $network } of `bulk` overlaps { $other }
scenario-bulk-outside = network { $network } of `bulk` is outside the VPC
scenario-two-main-tables = VPC `{ $vpc }` has two main route tables
scenario-no-interface = no interface is called `{ $name }` in { $region }; write INSTANCE/DEVICE or an interface's name
scenario-bad-target = `{ $text }` is not a target: write igw, nat, tgw:NAME, pcx:NAME, eni:INSTANCE/DEVICE or eni:INTERFACE
scenario-paired-with-itself = a Prism Central cannot be paired with itself
scenario-not-external = subnet `{ $subnet }` is not external
scenario-bad-pool = a pool is a first and a last address, both in the subnet
scenario-too-many-vlans = there are at most { $most } VLANs
scenario-no-vlan = the VMs need at least one VLAN
scenario-no-edge = no VPN or Direct Connect association is called `{ $name }`

## stayput lab simulate

simulate-nothing = nothing to simulate
hint-simulate = name --seeds A..B or --single-faults kinds
simulate-empty-range = the range is empty: there are { $count } single faults, from 0
simulate-bar = {"{pos}"} of {"{len}"} stories {"{wide_bar} {elapsed}"}
simulate-state-unreadable = { $file } is no file of --state: { $error }
simulate-state-of-others = { $file } remembers other stories: { $has }; asked for are { $asked }
hint-simulate-state = give a new file, or the same options as before; the list of single faults changes with the program
simulate-progress = { $done } of { $count } stories, { $bad } bad
simulate-story-is-bad = story { $number } is bad: { $what }
simulate-story = story { $number }: { $what }
simulate-not-told = it cannot be told: { $error }
simulate-shrunk = bad also with no more than { $faults }
simulate-given-up = given up: { $stuck }
simulate-summary = stories told to their end: { $told }; faults: { $faults }; stories with a promise not kept: { $violations }; stuck: { $stuck }; wall time: { $wall } s; virtual time: { $virtual } h

## Stories that are simulated

simulate-estate-not-valid = the estate of the scenario is not valid:
simulate-no-runtime = a runtime cannot be made
simulate-no-beginning = the beginning of the story cannot be told:
simulate-machines = { $machines ->
        [one] { $machines } machine
       *[other] { $machines } machines
    }
simulate-disaster = { $machines ->
        [one] { $machines } machine, acts { $first } to { $last }: { $disaster }
       *[other] { $machines } machines, acts { $first } to { $last }: { $disaster }
    }
simulate-act = act { $act }: { $what }
simulate-as-remedy = apply { $goal }, as the remedy says
simulate-rollback = rollback of { $goal }
simulate-not-in-ledger = { $machine } is not in the ledger

## Promises that are not kept in a simulated story

broken-unannounced = { $address } is not reached, which no plan announced: { $why }
broken-still-unreached = { $address } is not reached after { $step }, which ends its outage: { $why }
broken-loop = { $address }: { $why }
broken-undelivered = { $end } after { $hop }
broken-two-processes = two processes with the same ledger change things at the same time
broken-facts-not-on-disk = a NIC is changed while the facts of { $machine } are not on disk
broken-not-on-record = { $service } { $call } of { $place } was sent without an attempt on record: { $body }
broken-instance-runs = the VM of { $machine } gets an address while the instance runs
broken-not-reached = `{ $goal }` was called reached: { $what }
broken-address-not-reached = { $address } of { $machine } is not reached: { $why }
broken-ledger-differs = { $machine } has { $addresses }, and the ledger { $recorded }
broken-two-answers = { $address } is answered by { $ends } for { $origin }
broken-test-copy-left = the test copy of { $vm } is left at { $site }
broken-old-vm-runs = the old VM { $vm } runs at { $site }
broken-no-site = there is no site { $site }
broken-not-at-site = { $machine } is not at { $site } with exactly { $addresses }, on: { $ran }; its VMs there: { $vms }
broken-answered-by-instance = { $address } is still answered by instance { $instance }
broken-source-runs = the source of { $machine } runs in EC2
broken-answered-by-other = { $address } of { $machine } is answered by { $holder }
broken-not-running-in-ec2 = { $machine } does not run in EC2
broken-also-runs = { $machine } also runs as VM { $vm } at { $site }
broken-no-recovery-point = { $name } ({ $machine }) has no recovery point at the other site
broken-instance-changed = instance { $instance } was { $was } and is { $is }
broken-vm-changed = VM { $vm } was { $was } and is { $is }
broken-route-gone = route { $route } is gone
broken-route-new = route { $route } is new
broken-made-twice = { $count } times at { $site }: { $what }
made-subnet = overlay subnet { $name } of { $vpc }
made-flow-vpc = Flow VPC { $name }
made-policy = protection policy { $name }
made-plan = recovery plan { $name }
made-category = category { $name }
made-vm = running VM of { $instance }
