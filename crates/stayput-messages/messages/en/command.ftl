# What commands answer, refuse and advise.

hint-wait-for-holder = wait until it has ended; a killed process releases its lock, so this one is still running
hint-check-doubt = it is not known whether the call took effect; run the same command again: it checks this first
hint-resume = { $done } of { n-steps } are done and kept; run the same command again to resume from here
canary-is-left-out = { $machine } is given both with --canary and with --leave-out
hint-left-unreached = on-prem does not reach { n-addresses } of machines that this run has moved, and no remaining step is safe; remove the cause and run the same command again, or take the run back: stayput rollback { $run }
hint-look-again = { $steps ->
        [one] { n-steps } is done and kept; run the same command again: it shows the new plan and asks before it applies it
       *[other] { n-steps } are done and kept; run the same command again: it shows the new plan and asks before it applies it
    }
goes-on-without-stayput = continues without stayput: { $what }
hint-resume-at-once = { $done } of { n-steps } are done and kept; run the same command again to resume from here; machines may not be reached until the routes are written: continue at once
hint-nothing-contacted = nothing was contacted and nothing was changed
hint-allow-call = allow ec2:{ $call } on it; nothing was changed
hint-allow-start = allow ec2:StartInstances on them, as for every rollback of a move; nothing was changed
hint-find-who-undoes = find out who changes it, with the audit log of that system, then run the same command again
hint-run-stays-open = check with `stayput status`; the run stays open until the verification passes
hint-nothing-changed = nothing was changed
no-plan = no plan: { n-obstacles }; nothing was changed

## The form of an error

error = error:
because = because:
hint = hint:
hint-stop-lab = stop it: stayput lab down --dir { $dir }
hint-start-lab = start one: stayput lab up
hint-fewer-machines = fewer --machines

## Files and names that are typed

file-too-long = it has more than { $bytes } bytes
file-not-regular = it is not a regular file
ca-file-unreadable = the CA file { $file } cannot be read: { $problem }
hint-right-ca-file = name the right file with ca-file; nothing was contacted
file-unreadable = { $file } cannot be read: { $error }
hint-name-estate-file = name the estate file with --file or STAYPUT_FILE, or start one: stayput config init > stayput.toml
no-such-network = there is no network `{ $name }` in the estate
hint-networks = its networks are { $networks }
no-such-site = there is no NC2 site `{ $name }` in the estate
hint-sites = its sites are { $sites }
several-machines-in-ledger = { $machines } machines in the ledger are called `{ $name }`
hint-by-instance-id = name it by its instance id
no-machine-in-ledger = no machine `{ $name }` is in the ledger
hint-list-machines = `stayput status --all` lists the machines; `stayput capture` records them
saved-world = saved world
saved-plan = saved plan
hint-written-by = { $command } writes a { $what }
file-is-none = { $file } is no { $what }: { $error }
formats = { $first } to { $last }
file-of-other-format = { $file } has format { $has }; this build reads { $reads }
file-of-other-estate = { $file } is of estate { $of }, the estate file is of { $own }
file-unwritable = { $file } cannot be written: { $error }
not-applied-without-terminal = Not applied: no terminal to confirm on. Use --yes.
confirm = Type `yes` to apply:
not-applied = Not applied. Nothing was changed.
nothing-observed = no system of the estate could be observed
hint-check-network = nothing was changed; check the network, then each of these
doubt-former-vm = this VM is not { $machine } any more: see `stayput status`

## stayput plan and apply

lost-only-unplanned = --lost is for unplanned failovers
hint-mode-unplanned = add --mode unplanned, or leave --lost out
lost-not-left = this failover does not leave { $site }, so it cannot be declared lost
hint-leaves = it leaves { $sites }
plan-has-no-steps = there is nothing to do, so there are no steps
plan-has-no-such-step = the plan has no step { $step }: its steps are 1 to { $last }
no-plan-has-step = `{ $step }` names no step of any plan
hint-name-step-early = name a step by its number, as `stayput plan` shows it, or by its id, as `stayput plan --json` does; nothing was contacted
hint-name-step = name a step by its number, as `stayput plan` shows it, or by its id, as `stayput plan --json` does
cutover-time-past = --cutover-after { $text } is more than a day ago
hint-correct-date = correct the date, or leave it out to stop machines as soon as their disks are copied
cutover-time-wrong = --cutover-after { $text }: { $error }
hint-write-time = write it as 2026-12-01T02:00:00+09:00 or 2026-12-01T02:00[Asia/Tokyo]
plan-is-stale = the world is not what this plan was made for; nothing was changed
hint-save-again = look at the new plan and save it again: stayput plan … --out FILE
cutover-time-has-passed = --cutover-after { $time } has passed: machines stop as soon as their disks are copied
hint-plan-first = look at the plan first: stayput plan …
apply-reached = { $goal } reached
apply-stopped = { $goal } stopped after phase { $phase }, as requested
apply-result = { $result }: { n-steps }, { $changed } changed something, { $took } (run { $run })
apply-continue = run the same command without --until to continue
apply-unreached = on-prem does not reach { n-addresses } now: continue at once
run-superseded = superseded and closed: run { $run }
run-rolled-back = rolled back and closed: run { $run }
apply-verified = verified at { $site }: { $found } of { $expected } machines that must run do, { $delivered } of { $addresses } addresses are reached
apply-stopping = stopping: no new steps, waiting for calls in flight; interrupt again to stop now
name-goal-or-plan = name a goal or a --plan

## stayput status

value-unknown = unknown
status-nowhere = nowhere
column-network = network
column-cidr = cidr
column-home = home
column-machines = machines
column-reached = reached from on-prem
column-machine = machine
column-instance = instance
column-site = site
column-addresses = addresses
column-state = state
status-reached-of = { $reached } of { $of }
status-served-twice = served twice: { $what }
status-off = off
status-reached = reached
status-see-below = unknown: see below
status-more = … and { $more } more (--all)
status-unobserved = { $what }; the state of its objects is unknown
status-unobserved-with-edges = { $what }; the state of its objects is unknown, and so is whether packets from on-prem enter by edge { $edges }
status-former-vm = former VM { $vm } at { $at } is not off
status-source-runs = its instance is { $state } in EC2; { $remedy }
status-verdict = { $address }: { $verdict }
status-verdict-of-former = { $address }: { $verdict }, which is a former VM
world-saved = { $file } has the world as it is now ({ $bytes } bytes)
man-pages-written = man pages are in { $dir }

## stayput journal

run-abandoned-now = run { $run } ({ $goal }) is abandoned: { $why }
run-prefix-too-short = `{ $wanted }` is too short for the id of a run: give at least { $least } characters
no-run-starts-with = no run starts with `{ $wanted }`
hint-list-runs = `stayput journal` lists the runs
several-runs-start-with = { $runs } runs start with `{ $wanted }`
hint-more-of-id = give more of the id; `stayput journal` lists the runs
run-is-open-and-locked = open; the estate is locked by { $holder }
journal-run = { $run }  { $started }  { $goal }  by { $who }  { $state }
journal-empty = no plan was applied to this estate yet
journal-of-run = { $goal } by { $who }, { $started }, { $state }
journal-locked = the estate is locked by { $holder }
journal-was-so = was so already
journal-no-outcome-yet = no outcome yet: it is in progress, or its process ended
journal-no-outcome = no outcome on record: its process ended
journal-attempt = attempt { $number }
journal-by = by { $who }
journal-approved = a plan of { n-steps } was approved: { $verdict }
journal-approved-by = a plan of { n-steps } was approved by { $who }: { $verdict }

## Machines: stayput capture, adopt, retire, expect

capture-no-interface = EC2 lists no interface of { $label } ({ $machine }) in the networks; nothing was changed
hint-facts-from-ec2 = its facts can only be taken from EC2 while it is there
capture-guests = { $of ->
        [one] guests: { $captured } of { $of } machine captured
       *[other] guests: { $captured } of { $of } machines captured
    }
capture-guest-missing = { $label } ({ $machine }): { $why }
capture-no-machines = no machine of these networks is recorded; nothing ran in a guest
capture-all-moved = the machines of these networks are VMs: their guests are captured in EC2 only; nothing ran in a guest
hint-api-recorded = what the EC2 API shows is recorded; repeat with --via ssm
hint-capture-first = record them first: stayput capture
hint-other-script = create the document with infra/modules/capture-document and the files of guest/ of this version, or remove `capture-document` from [source.NAME]
hint-no-document = create the document (infra/modules/capture-document), or remove `capture-document` from [source.NAME]
capture-facts-match = the recorded facts match EC2; nothing was changed
hint-check-machines = check the machines first: stayput status --all
capture-replaced = replaced
capture-difference = { $fact }: { $recorded } → { $observed }
fact = { $fact ->
        [name] name
        [platform] platform
        [interfaces] interfaces
        [tags] tags
       *[instance-type] instance type
    }
adopt-no-vm = there is no VM { $vm } at { $site }
hint-look-in-prism-central = look for it in Prism Central of { $site }
adopt-linked = { $label } is now linked to VM { $name } ({ $vm }) at { $site }
adopt-left = What is left to do:
machine-without-network = { $id } has no network of the estate
hint-name-site = name its --site
adopt-linked-to-other = VM { $vm } at { $site } is linked to { $other } already
hint-link-other = link { $other } to its own VM first, or remove it from the ledger: stayput retire { $other }
power-off = off
adopt-power-on = the VM is { $state }: power it on in Prism Central of { $site }, or set that it may be off: stayput expect { $id } off
adopt-route = route its networks there, unless they are already: { $lead }
adopt-restore = the VM has { $has } instead of { $wants }; this restores them and routes the networks there: { $lead }
adopt-former = VM { $other } at { $at }, its former VM, must not run; its state was not read. When Prism Central of { $at } answers: stayput apply clean-up { $names } --site { $at }
adopt-instance = its EC2 instance { $id } must stay stopped; its state was not read. Check with: stayput status { $names }
retire-announced = { $label } ({ $machine }) will be removed from the ledger; its history is kept.
hint-check-first = check it first: stayput status --all
retire-done = { $label } ({ $machine }) is retired
retire-done-because = { $label } ({ $machine }) is retired: { $why }
retire-refused = { $label } ({ $id }) is not retired: it may still answer for its addresses; nothing was changed
hint-stop-it = stop or delete what is running, and make unobserved systems reachable; or add --force if you are sure
hint-move-without-it = do not retire a machine that stays in EC2; move without it: stayput apply move … --leave-out MACHINE
expect-runs = { $label } ({ $machine }) must run and be reached after a move or failover
expect-runs-as-before = { $label } ({ $machine }) must run and be reached after a move or failover, as before
expect-off = { $label } ({ $machine }) may be off after a move or failover
expect-off-as-before = { $label } ({ $machine }) may be off after a move or failover, as before

## stayput config

config-is-right = { $file } is right: estate { $estate }, { n-networks }, { n-sites }, { n-waves }, { n-edges }

## stayput trace

trace-class = { $ranges } ({ n-addresses })
trace-unchanged = unchanged
trace-note = note: { $caveat }
trace-no-reply = no reply: no machine was reached
trace-reply = reply to { $to }
trace-symmetric = symmetric: the reply takes the path of the request
trace-asymmetric = asymmetric: the reply takes another path than the request; a stateful firewall between them drops it
hint-sources = a source is `on-prem`, an edge's name, `nc2:SITE`, `overlay:NETWORK@SITE`, a subnet's or a VPC's id, or an address, a name or an instance id of a running machine
trace-no-source = `{ $text }` is no source of packets
trace-no-machine-has = no running machine has { $address }
trace-overlay-incomplete = `overlay:{ $text }` does not name network and site
trace-no-network = there is no network `{ $network }`
trace-no-subnet = no subnet { $id } was observed
trace-no-vpc = no VPC { $vpc } was observed
hint-destinations = a destination is an address, a prefix, an instance id or a machine's name
trace-prefix-too-large = { $prefix } has more addresses than a /16
trace-no-destination = `{ $text }` is neither an address, nor a prefix, nor a machine
hint-status-lists = `stayput status` lists the machines
machine-without-address = { $id } has no address
several-machines-called = { $machines } machines are called `{ $text }`
hint-use-id = use an instance id: { $ids }
trace-goal-or-plan = name a goal or a --plan, not both
trace-after-needs-plan = --after needs a plan to have steps
hint-goal-behind-destination = name the goal behind the destination, as in `stayput trace on-prem web-01 --after 6 move app`, or a --plan
trace-nothing-to-compare = there is nothing to compare with
hint-name-other-state = name a goal, a --plan, or another saved world: --against FILE
trace-against-is-for-worlds = --against compares two worlds; a plan's steps are compared with now: --diff
state-now = now
state-when-done = when `{ $goal }` is done
state-after-step = after step { $number }: { $title }
apply-run-did-more = run { $run } has done more since this plan was made; nothing was changed
hint-save-rollback-again = look at the new plan and save it again: stayput plan rollback { $run } --out FILE
not-the-uuid-of-a-vm = `{ $text }` is not the UUID of a VM
hint-copy-the-uuid = copy it from the VM's details in Prism Central, for example 3f1c8e2a-5b6d-4e7f-8091-a2b3c4d5e6f7; nothing was contacted
file-without-folder = cannot write { $file }: there is no folder { $folder }; nothing was contacted
hint-make-folder = create it: mkdir -p { $folder }
file-is-folder = cannot write { $file }: it is a folder; nothing was contacted
hint-name-a-file = name a file in a folder that exists
file-in-a-file = cannot write { $file }: { $folder } is not a folder; nothing was contacted

## The ledger as a whole

ledger-file-ready = The ledger is a file; it is ready.
ledger-table-created = Created DynamoDB table { $table } in { $region }. The ledger is empty.
ledger-table-ready = DynamoDB table { $table } in { $region } is there and can hold a ledger.
ledger-init-several = DynamoDB table { $table } does not exist, and stayput does not create tables with replicas
hint-ledger-init-several = create it with replicas in these regions and MultiRegionConsistency STRONG
hint-ledger-init = create it with `stayput ledger init`, or correct `table` and `region` in [ledger]
hint-strong-table = use a table of one region without `other-regions`, or one with MultiRegionConsistency STRONG
hint-other-table = name another table in [ledger]; `stayput ledger init` creates one that fits
ledger-exported = { $file }: { $records } records of estate { $estate }
ledger-export-verified = { $file }: { $records } records of estate { $estate }, exported { $at }: its checksums match. They find damage and edits by hand; they are no signature.
ledger-imported = { $records } records of { $file } are in the ledger.
ledger-copied = { $records } records copied to the ledger of { $to }.
hint-ledger-copied = Name the new ledger in [ledger] of every estate file, and remove the old one: two ledgers of one estate do not know of each other.
ledger-other-estate = { $file } is of estate { $found }, this one is { $estate }
hint-ledger-other-estate = use the estate file of { $found }
ledger-half-copied = another ledger is being copied into this one, or that was interrupted
hint-ledger-half-copied = wait until the copy has ended; if it was interrupted, copy into a new ledger: name another file or table in [ledger]
ledger-same = both estate files name the same ledger
hint-ledger-copy-to = name an estate file with another [ledger]
hint-ledger-not-empty = create a new ledger: name another file or table in [ledger]
ledger-verified = { $machines } machines and { $retired } retired ones with { $records } records, { $runs } runs with { $attempts } attempts: every record could be read, and no checksum differs.
