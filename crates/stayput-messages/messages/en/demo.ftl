# What `stayput demo` tells while it runs and when it is over, and why it cannot be carried out.

demo-lab-goes-on = the lab is still running: eval "$(stayput lab env --dir { $dir })"; stop it with: stayput lab down --dir { $dir }
demo-lab-wrote = what the lab wrote is in { $dir }
demo-pace = time runs { $idle } times as fast as a clock's while nothing touches traffic, { $moving } times while machines move, { $switching } from the first prefix to the last route

## Headings of the chapters

demo-chapter-capture = Who is there, and which addresses they have
demo-chapter-move = EC2 → NC2 { $site }
demo-chapter-protect = Ready to fail over to { $site }
demo-chapter-test-failover = A rehearsal in an isolated network; no route changes
demo-chapter-between-sites = NC2 { $from } → NC2 { $to }
demo-chapter-article = The same machines again, in the order of the article
demo-chapter-article-move = The article's order: EC2 → NC2, detach the EC2 VPC, then the static route
demo-chapter-article-protect = Protected as stayput does it
demo-chapter-article-failover = The article's order: failover, the far table first, the whole VPC's prefix at the new home

## A chapter

demo-proven = proven: { n-states }, { n-holes }
demo-reached = { $total ->
        [one] reached from on-prem: { $delivered } of { $total } address; the lab's own packets: { $walked } of { $walks }
       *[other] reached from on-prem: { $delivered } of { $total } addresses; the lab's own packets: { $walked } of { $walks }
    }
demo-some-of-all = { $some } of { $all }

## The prover about the article's order

demo-no-step = stayput has no step for this: { $what }; the fabric predicts its effect below
demo-prover-accepts = stayput's prover accepts this order: { $proof }
demo-prover-accepts-rest = stayput's prover accepts the rest of this order: { $proof }
demo-prover-refuses = stayput's prover refuses this order:
demo-prover-refuses-rest = stayput's prover refuses the rest of this order:
demo-more-refusals = and { $more } more of this kind
demo-more-states = { $states ->
        [one] … and in { $states } more state
       *[other] … and in { $states } more states
    }

## The steps of the article's order

demo-step-none = the machines have arrived and have their addresses; no route is changed yet
demo-step-detach = detach the EC2 VPC from the Transit Gateway
demo-step-route = static route { $cidr } → { $to } in { $table }
demo-why-article = the article's order
demo-step = { $step }. { $title }
demo-step-with-call = { $step }. { $title } ({ $call }, { $time })
demo-counts = { $delivered } delivered, { $lost } lost, { $looping } looping, { $wrong } at a wrong site; { $walk }
demo-counts-as-predicted = { $delivered } delivered, { $lost } lost, { $looping } looping, { $wrong } at a wrong site; { $walk }; as the fabric predicted before the call
demo-counts-not-as-predicted = { $delivered } delivered, { $lost } lost, { $looping } looping, { $wrong } at a wrong site; { $walk }; not as the fabric predicted before the call
demo-walk-agrees = the lab's own walk agrees
demo-walk-differs = the lab's own walk differs on { $addresses }
demo-not-reached-at-end = not reached at the end: { $addresses }
demo-all-reached-at-end = every address is reached at the end
demo-took = ({ $time })
demo-article-ends = (the article ends here; it does not cover the failback)

## What a step of the article's order does to addresses

demo-addresses-staying = { $addresses ->
        [one] { $addresses } address that stays in EC2
       *[other] { $addresses } addresses that stay in EC2
    }
demo-addresses-moving = { $addresses ->
        [one] { $addresses } address of a machine that moves
       *[other] { $addresses } addresses of machines that move
    }
demo-cuts-off = cuts { $whose } off from on-prem: { $which }
demo-cuts-off-without-goal = cuts { $whose } off from on-prem (not part of the goal): { $which }
demo-makes-loop = makes packets to { $whose } loop until their TTL expires: { $which }
demo-makes-reachable = makes { $whose } reachable from on-prem
demo-changes-nothing = changes nothing for packets from on-prem
demo-elsewhere = { $source } reached { $moving } that move and { $staying } that stay, and now reaches { $moving_now } and { $staying_now }
demo-addresses-because = { $addresses } ({ $verdict })
demo-addresses-and-more = { $names }, and { $more } more
demo-part-moves = { $network }, moves
demo-part-stays = { $subnet }, stays in EC2
demo-delivered-at = delivered at { $place }
demo-opinions = { $part }: { $fabric } | the lab's walk: { $walk }

## What each machine had

demo-machine = machine
demo-moment-ec2 = EC2
demo-moment-after-move = after move
demo-moment-after-restore = after restore
demo-moment-after-failover = after failover
demo-moment-after-failback = after failback
demo-no-name = (no Name)
demo-more-machines = { $machines ->
        [one] … and { $machines } more machine
       *[other] … and { $machines } more machines
    }

## Chapters

demo-stage = stage
demo-stage-steps = steps
demo-stage-wall = wall
demo-stage-virtual = virtual
demo-stage-reached = reached

## Packets through the kernel's namespaces

demo-packets-stayput = Packets, in stayput's order:
demo-packets-article = Packets, in the article's order:
demo-packets-switches = Packets in the routing work alone, in both orders:
demo-packets-chapter = chapter
demo-packets-step = step
demo-packets-took = took
demo-packets-sent = sent
demo-packets-lost = lost
demo-packets-announced = announced
demo-packets-gap = longest gap
demo-packets-machines = { $machines ->
        [one] { $step } ({ $machines } machine)
       *[other] { $step } ({ $machines } machines)
    }
demo-packets-total = { $sent ->
        [one] { $sent } packet sent, { $lost } lost, { $switch } of them while a table changed although deliverable just before and just after
       *[other] { $sent } packets sent, { $lost } lost, { $switch } of them while a table changed although deliverable just before and just after
    }
demo-packets-outside = { $packets } lost outside the holes the plans had announced
demo-packets-outside-after = { $address } after { $step }
demo-packets-outside-at-start = { $address } after nothing
demo-packets-kernel-failed = the kernel could not follow: { $failure }
demo-packets-how = (one packet to each address every { $interval } ms, by the { $namespaces } namespaces of a kernel as { $privilege }; latest packet { $lateness } ms late; the kernel followed a route within { $longest } µs, half of the time within { $median })
demo-switch-took = routing work took
demo-switch-sent = packets sent in it
demo-switch-lost = lost
demo-switch-lost-staying = lost to what stays in EC2
demo-switch-looped = looped
demo-switch-lost-in-change = lost while a table changed

## Both orders

demo-order-stayput = stayput's order
demo-order-article = the article's order
demo-both-orders = Stayput's order and the article's on the same machines, as the lab's own walk saw them (virtual time):
demo-longest-moving = a machine that moves: longest time not reached
demo-longest-staying = an address that stays: longest time not reached
demo-staying-lost = addresses that stay and were lost
demo-looped = addresses whose packets looped
demo-broken-at-end = addresses not reached at the end
demo-always-reached = always reached
demo-never-again = not reached any more
demo-outage = { $time } ± { $within }
demo-none = none
demo-about-prefixes = The article has its prefixes on the Flow VPCs before the machines move; stayput sets them when they have arrived, and waits for NC2.

## The last line

demo-kept = { $kept } of { $total } addresses kept, every trace delivered ({ $time })
demo-kept-unannounced = { $kept } of { $total } addresses kept, every trace delivered, but packets were lost that no plan had announced ({ $time })
demo-kept-undelivered = { $kept } of { $total } addresses kept, but not every trace was delivered ({ $time })
demo-kept-undelivered-unannounced = { $kept } of { $total } addresses kept, but not every trace was delivered, but packets were lost that no plan had announced ({ $time })

## Why a rehearsal cannot be carried out

rehearsal-speed = speed { $given } is out of range: a demo runs at { $slowest } to { $fastest } virtual seconds a second
rehearsal-shared-ledger = the ledger of this estate is a DynamoDB table; a rehearsal uses a file
rehearsal-interrupted = interrupted
rehearsal-create = cannot create { $path }
rehearsal-read = cannot read { $path }
rehearsal-estate = { $path } is not an estate file
rehearsal-run = cannot run { $program }
rehearsal-command = `stayput { $command }` failed: { $message }
rehearsal-no-answer = no answer
rehearsal-form = { $what } has an unknown form
rehearsal-form-plan = the plan
rehearsal-form-applied-plan = the plan that `apply --json` prints
rehearsal-form-kernel = the lab's answer about its kernel
rehearsal-no-appliance = the lab has no such appliance
rehearsal-no-recovery-site = the scenario has no network with a recovery site
rehearsal-undecided = { $packets ->
        [one] the prober has not decided on { $packets } packet after { $seconds } s
       *[other] the prober has not decided on { $packets } packets after { $seconds } s
    }
rehearsal-task = a task of the rehearsal was stopped
article-no-plan = there is no plan of { $chapter }
article-no-site = the plan fails over to no site
article-no-effect = { $what } has no effect after { $seconds } s
article-detachment = the detachment
article-route = the route
article-not-attached = the EC2 VPC is not attached to a Transit Gateway
article-not-covered = no prefix of the EC2 VPC covers { $cidr }
article-ca = the lab's CA cannot be used
article-unsigned = { $call } cannot be signed
article-no-answer = { $call } has no answer
article-unreadable = the answer to { $call } cannot be read
article-refused = { $call } was refused: { $code }
article-no-reason = no reason
