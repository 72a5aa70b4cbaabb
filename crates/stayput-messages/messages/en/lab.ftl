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
lab-place = { $what } { $name } { $becomes }
lab-place-with-sites = { $what } { $name } { $becomes }, with site { $sites }
lab-was-already = was already { $state }
lab-is-now = is now { $state }
lab-vm = VM { $name } ({ $vm }) at site { $site } { $becomes }
lab-instance = instance { $instance } ({ $name }) in { $region } { $becomes }
lab-changes = is { $state }; it was { $before }

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
