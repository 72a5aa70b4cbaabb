# Why a run or a step of it stopped, and what a step says while it is under way.

engine-no-credentials = no credentials for { $what }: set { $variables }
engine-not-allowed = the AWS credentials may not call { $call } on { $table } in { $region }
engine-no-plan = no plan: { n-obstacles }
engine-undone = { $title }: done { $times } times in this run, and undone each time by another system or person
engine-not-verified = not verified at { $site }: { $summary }
engine-not-a-lab = { $url } is not on loopback: steps without a proof run only in a lab
engine-internal = internal error: { $what }
engine-world-changed = the world is not what this plan was made for
engine-world-changed-after = after phase { $phase } the world is not what was approved
engine-stopped = stopped on request
engine-stopped-after = stopped on request after phase { $phase }
engine-step-failed = step { $step } failed: { $title }
engine-steps-failed = { n-steps } failed

engine-other-script = document { $document }, version { $version }, does not run exactly the capture script of this build for { $platform }

## Why a guest was not captured

engine-guest-no-instance = AWS shows no such instance in this region to these credentials
engine-guest-not-running = its instance is { $state }
engine-guest-not-registered = its agent is not registered with Systems Manager in this account
engine-guest-not-registered-no-profile = its agent is not registered with Systems Manager in this account, and the instance has no instance profile
engine-guest-not-online = its agent does not report ({ $ping })
engine-guest-other-platform = there is no script for its operating system ({ $platform })
engine-guest-not-sent = the command was not sent: { $why }
engine-guest-not-confirmed = the command was not confirmed, and may run: { $why }
engine-guest-failed = the script failed ({ $status }, exit code { $code }): { $stderr }
engine-guest-failed-without-code = the script did not run to its end ({ $status })
engine-guest-no-report = the script printed no report: { $why }
engine-guest-not-read = the command was sent, and what it printed could not be read: { $why }
engine-guest-went-offline = its agent went offline, or was deregistered, before the command was sent
engine-guest-not-ended = the script had not ended when the time was up ({ $status })

## Why a step failed

step-error-world-changed = { $what } is { $found }, the plan expects { $expected }
step-error-missing = { $what } is missing at { $site }
step-error-refused = refused: { $why }
step-error-too-slow = { $what }: timed out after { $seconds } s; it may still complete
step-error-failed = { $what }: { $reason }
step-error-interrupted = { $what }: stayput stopped waiting on request; the operation continues
step-error-both = { $first }; then { $then }
step-error-not-verified = { $more ->
        [0] { $what }: { $summary }: { $wrong }
       *[other] { $what }: { $summary }: { $wrong }; and { $more } more
    }

## What steps find, wait for and say

object-at-flow-vpc = Flow VPC { $name } at { $site }
found-with-parts = present with { n-external-subnets } and { n-prefixes }
expected-isolated = isolated
property-of-subnet = { $property } of subnet { $subnet } ({ $id }) at { $site }
the-gateway = the gateway
the-pool = the DHCP pool
object-at-prefix = externally routable prefix { $other } of Flow VPC { $name } at { $site }
found-there = there
expected-no-overlap = no prefix that overlaps { $cidr }
failed-prefixes-contested = another client keeps changing the prefixes of Flow VPC { $name }
object-prefix = prefix { $cidr }
wait-route-to-host = route { $cidr } → host ENI in the VPC of { $site }
wait-route-gone = route { $cidr } gone in the VPC of { $site }
note-nc2-writes = NC2 is writing { $cidr } ({ $missing } of { $tables } tables left)
object-move-plan = Move plan { $plan }
object-in-inventory = { $machine } in Move's inventory
object-aws-provider = Move's AWS provider { $provider }
object-aos-provider = Move's AOS provider { $provider }
object-container = storage container { $container }
note-preparing = Move is preparing the guests
wait-replication = replication of Move plan { $name }
note-ready = { $ready } of { $machines } machines ready to cut over
note-retrying = Move is retrying { $machine }
wait-retry = Move plan { $name }: retry of failed machines
failed-move-plan = it is { $state }
object-in-move-plan = { $machine } in Move plan { $name }
wait-cutover = cutover of { $machine }
failed-became-unknown = { $machine } is cut over, but Move does not say which VM it became; find it in Prism Central and run: stayput adopt { $machine } --vm UUID
object-made-by-move = VM { $vm }, which Move made of { $machine }
refused-source-runs = { $machine } is { $state } in EC2; stop it first: its addresses must not be served twice
object-machine = { $label } ({ $machine })
found-not-in-ec2 = no longer in EC2
expected-instance = an instance
object-addresses-of = the addresses of { $label } ({ $machine })
wait-vm-off = VM { $vm } at { $site } is off
refused-vm-not-off = VM { $vm } at { $site } is not off; a VM that may be running is not deleted
refused-not-current-vm = according to the ledger { $machine } is not VM { $home_vm } at { $home }; the current VM of a machine must not be removed
home-vm-does-not-exist = does not exist
home-vm-not-on = is not on
refused-only-copy = VM { $home_vm } at { $home }, which is { $machine }, { $refused }; its former VM { $former } may be its only remaining copy
wait-verified = every machine runs and is reached at { $site }
note-tracing = observing and tracing everything
object-vm-only = VM { $vm }
object-nic = NIC { $nic } of { $label } at { $site }
found-without-address = present without an address
found-with-addresses = present with { $addresses }
expected-own-nics = only NICs with captured addresses or with addresses from the DHCP pool; capture the address or remove the NIC
object-captured-addresses = the captured addresses of { $label }
note-adding = adding { $address }
note-powering-on = powering the VM on
failed-addresses-after = its addresses are { $addresses } after the change
object-nics-of = NICs of { $machine }
object-route = route { $cidr } in { $table } ({ $region })
wait-route = route { $cidr } → { $to } in { $table } ({ $region })
note-no-test = this run started no test: nothing to remove
note-removes-copies = removes the copies of an earlier test of this ledger
note-copies-removed = the copies are removed already
machine-was-vm = { $machine } (VM { $before })
failed-became-unknown-after-recovery = it has ended, but does not report which VM these became: { $machines }; find each in Prism Central of { $to } and run: stayput adopt MACHINE --vm UUID --site { $to }
object-recovery-from = recovery of { $from }
failed-no-partner = Prism Central of { $to } has no partner
failed-several-partners = Prism Central of { $to } has several partners, and that of { $from } does not report which one it is
note-recovery-runs = recovery plan { $plan } is running
failed-job = its job is { $status }
refused-recovery-plan = recovery plan { $plan }: { $findings }
object-test-copy = test copy of { $label }
failed-power = its power state is { $power }
failed-not-there = it does not exist
failed-addresses = it has [{ $has }] instead of [{ $wants }]
found-no-vm = no longer VM { $id } at { $from }
expected-until-recovered = present until { $to } has it
found-without-category = without category { $key }={ $network }
expected-category = protected by it; run `stayput apply protect` again
found-without-point = without a recovery point at { $to }
expected-point = a recovery point at { $to }; run `stayput apply protect` again
note-old-point = the newest recovery point of { $label } is { $minutes } min old
changed-vm-off = { $label } ran before and its VM { $id } at { $to } is off: power it on in Prism Central of { $to }
note-categories = { $number } of { $vms } VMs
schedule = { $rpo }, recovery points kept: { $kept }
schedule-no-rpo = no RPO
schedule-rpo = RPO { $seconds } s
schedule-not-reported = not reported
object-at-policy = protection policy { $name } ({ $id }) at { $site }
object-at-recovery-plan = recovery plan { $name } at { $site }
found-categories = { $categories ->
        [one] with { $categories } category in its stages
       *[other] with { $categories } categories in its stages
    }
found-mappings = with { n-mappings } for subnet { $subnet }
expected-mapping = one mapping of it, with its test networks and IP mapping enabled
wait-points = recovery points of { n-machines } at { $recovery }
note-points = { $machines ->
        [one] { $there } of { $machines } machine has a recovery point at { $recovery }
       *[other] { $there } of { $machines } machines have a recovery point at { $recovery }
    }
object-prism-central = Prism Central
object-held-by-prism-central = what Prism Central holds
object-move = Move
object-held-by-move = what Move holds
object-site = this site in stayput.toml
object-move-of-site = `move` in stayput.toml
refused-not-observed = { $region } was not observed
refused-not-in-ledger = the addresses of { $machine } are not in the ledger
note-retries = { $error }; retrying
changed-addresses = { $label } ({ $id }) has { $is } now; { $was } was captured
superseded-by = superseded by run { $run } to { $goal }
rolled-back-by = rolled back by run { $run }
credentials-of = { $what } of { $site }
credentials-variables = { $prefix }_USERNAME and { $prefix }_PASSWORD (or the same with _{ $suffix })
object-attachment-of-vpc = the Transit Gateway attachment of VPC { $vpc }
object-vm-of = the VM of { $machine }

## Rollbacks

note-start-not-confirmed = EC2 did not confirm the start, which is requested again after a minute: { $error }
note-move-plan-goes-on = Move plan { $plan } has not ended yet
note-powering-off = the guest does not shut down: powering off
wait-runs-in-ec2 = { $machine } runs in EC2
wait-move-plan-ended = Move plan { $plan } has ended
object-start-of = start of { $machine }
failed-terminated = the instance is terminated
refused-served-twice = VM { $name } ({ $vm }) at { $site } is not off, and it was { $machine }: its addresses must not be served twice
refused-nics-of-running = VM { $name } ({ $vm }) at { $site } is not off; the NICs of a VM that may run are not removed
refused-nics-of-current = according to the ledger { $machine } is not in EC2; the current VM of a machine keeps its NICs
entry-of-run = entry { $sequence } of run { $run }
