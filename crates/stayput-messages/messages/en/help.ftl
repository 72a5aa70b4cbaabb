# What `--help` says of commands, arguments and values. The ids follow the command line.

help-stayput = Machines move; their addresses stay put
help-heading-which-calls = Which calls
help-heading-what-becomes = What becomes of them
help-file = The estate file
help-json = One JSON object on standard output instead of text
help-no-input = Never prompt; fail where a confirmation is needed
help-quiet = No progress on standard error
help-init = Propose a stayput.toml from what AWS, Prism Central and Move show. Overwrites nothing
help-config = Check an estate file, or print its schema or an example
help-capture = Record the machines and their addresses in the ledger
help-plan = Show the plan for a goal, with its proof. Changes nothing
help-apply = Show a plan, ask, and apply it. Run it again to resume after a failure or a kill
help-rollback = Take back what a run did: show the plan, ask, and apply it. Run it again to resume after a failure or a kill
help-check = Check endpoints, credentials and rights, and what a move of the machines would lose. Changes nothing
help-status = Show where each network and machine is now, and whether it is reached
help-trace = Show the path of packets from SRC to DST, hop by hop, and why they take it
help-world = Save the observed world to a file
help-adopt = Link a machine to its VM by hand. Contacts only the Prism Central of that site
help-retire = Remove a machine that was terminated or deleted from the ledger. Its history is kept
help-expect = Set whether a machine must run after a move or failover
help-journal = Show the runs, or the steps of one run: what was done, when, and by which user
help-ledger = Create the table of a shared ledger, or check the ledger's records
help-ledger-init = Create the DynamoDB table of the estate file, if there is none
help-ledger-verify = Read every record and check its checksum. Changes nothing
help-ledger-verify-export = Check this file of `ledger export` instead
help-ledger-export = Write every record into a file, one line of JSON each, with a hash chain
help-ledger-export-file = The file, which must not exist
help-ledger-import = Write the records of such a file into the ledger, which must be empty
help-ledger-import-file = A file of `ledger export`
help-ledger-copy = Copy the ledger into another one, which must be empty: from a file on this computer to DynamoDB, or back
help-ledger-copy-to = An estate file with the same [estate] and another [ledger]
help-lab = Run the emulator: AWS, two Prism Centrals and Move on loopback
help-demo = Rehearse the whole procedure in the lab: EC2 → NC2 Tokyo → NC2 Osaka → NC2 Tokyo
help-completions = Print shell completions
help-completions-shell = The shell
help-man = Write man pages into a folder
help-man-dir = The folder; created if absent
help-bench = Measure planning for large estates, and NIC restores against a slow lab
help-config-check = Check the file. Contacts no system
help-config-schema = Print the JSON Schema, for editors
help-config-init = Print a commented example file
help-world-save = Observe everything and write it into a file, for `--world`
help-world-save-path = The file
help-world-file = A world that `stayput world save` wrote; nothing is contacted
help-capture-networks = Networks; all if none is given
help-capture-via = Ask the EC2 API, run a script in the guests through Systems Manager, or do both and compare
help-capture-replace = Replace the recorded facts of this machine, by instance id or Name tag, with what EC2 shows, although it has moved. Shows the difference and asks. Repeatable
help-capture-yes = Do not ask before replacing
help-plan-out = Write the plan into a file, for `apply --plan`
help-plan-explain = Explain one step, by its number or id: its reason, its dependencies, its effect on packets, and the outages that it starts and ends
help-apply-plan = Apply exactly the plan in this file, which `plan --out` wrote; fails if the world has changed since
help-apply-yes = Do not ask before applying
help-apply-until = Stop after this phase. The same command resumes from there
help-apply-cutover-after = Stop no machine before this time (RFC 3339, such as 2026-12-01T02:00:00+09:00); disks are copied meanwhile
help-rollback-run = The run, by its id or the beginning of it, as `stayput journal` lists them
help-rollback-yes = Do not ask before applying
help-phase-prepare = Everything that can be prepared, and all validations; no machine stops
help-phase-seed = Move copies disks while the sources run
help-phase-cut-over = Machines stop, start at the new site and get their own addresses
help-phase-route = Prefixes and routes are changed to the new site
help-phase-verify = Everything is observed again, and paths are traced
help-phase-close = What the old site no longer needs is removed
help-goal-capture = Record the machines' identities and addresses in the ledger
help-move = Move the networks' machines to their primary site, with their addresses and routes
help-move-networks = Networks; those that share machines must be named together
help-move-canary = Move only this machine for now, by id or Name tag, with its own route. A later move of the network includes it. Repeatable
help-move-leave-out = Leave this machine behind, by instance id or Name tag; its addresses are not reached afterwards. Repeatable
help-protect = Prepare the networks for failover: overlay, policy, recovery plan, recovery points
help-protect-networks = Networks
help-failover = Fail the networks' machines over to another site, with their addresses and routes
help-failover-networks = Networks; those that share machines must be named together
help-failover-to = The site to fail over to
help-failover-mode = How to fail over
help-failover-path = The region through which on-prem enters afterwards. If not given, it stays as it is: path b where the two halves of the network are announced already, else path a
help-failover-lost = Declare a site lost, with `--mode unplanned`: machines seen running there, or routes that cannot be fenced, do not stop the failover. Repeatable
help-failback = Return the networks' machines to their primary site
help-failback-networks = Networks; those that share machines must be named together
help-clean-up = Power off former VMs of the networks' machines at a site that returned. Never affects the current VM of a machine
help-clean-up-networks = Networks
help-clean-up-site = The site of the former VMs
help-clean-up-remove = Also delete them, with their disks
help-goal-rollback = Take back what a run did: machines that it moved start in EC2 again, machines that it failed over go home, routes lead where they led
help-mode-test = Test with copies in an isolated network, which are removed afterwards; no route changes
help-mode-planned = Both sites work: shut down, synchronize, start at the other site
help-mode-unplanned = The other site or its region is lost: start from recovery points, fence systems that answer, and skip those that do not
help-path-a = Through the Transit Gateway of the old region and its peering; halves of an earlier path b are removed
help-path-b = Directly into the recovery region: two longer prefixes, the halves of each network, attract on-prem traffic there
help-init-region = Region to read; repeat it for each. Every region with a Transit Gateway if none is given
help-init-source = The VPC that the machines leave, where there are several with machines
help-init-prism = Prism Central of a site, which AWS does not show; its certificate is verified
help-init-move = Move of a site
help-init-flow-vpc = The Flow VPC for the overlay subnets of a site, where there are several
help-init-wave-tag = Tag of instances whose values become waves
help-init-name = Name of the estate; the names of its sites if absent
help-init-ca-file = Certificate of the private CA of Prism Central and Move, relative to the estate file
help-init-profile = Named profile of the AWS configuration files
help-init-aws-endpoint = Replaces every AWS endpoint, for labs
help-init-aws-ca-file = Certificate of the CA of that endpoint, relative to the estate file
help-check-networks = Networks whose machines are checked; all if none is given
help-check-all = List every object, however many there are
help-check-sarif = SARIF 2.1.0 on standard output instead of text
help-status-networks = Networks; all if none is given
help-status-all = List every machine, however many there are
help-trace-source = Where the packet starts: `on-prem`, an edge's name, `nc2:SITE`, `overlay:NETWORK@SITE`, a subnet's or VPC's id, or an address, a name or an instance id of a running machine
help-trace-destination = The destination: an address, an instance id, a machine's name, or a prefix, with one trace for each group of addresses that behave alike
help-trace-plan = Show the state after this plan, which `plan --out` wrote
help-trace-after = Show the state after this step of the plan, by its number or id; by default after the last
help-trace-diff = Show the differences from the current state
help-trace-against = Show the differences in this other world, which `stayput world save` wrote
help-adopt-machine = The machine, by instance id or Name tag
help-adopt-vm = Its current VM
help-adopt-site = The site of the VM; by default the primary site of the machine's network
help-retire-machine = The machine, by instance id or Name tag
help-retire-why = The reason, to be recorded
help-retire-yes = Do not ask before retiring
help-retire-force = Retire it even if its instance or one of its VMs is running, or if this cannot be determined
help-expect-machine = The machine, by instance id or Name tag
help-expect-state = The expected state
help-expect-running = It must run and be reached
help-expect-off = It may be off
help-journal-run = The run; a list of runs if not given
help-journal-abandon = Close a run that will not be resumed. Nothing is undone; the same goal then starts a new run
help-journal-abandon-run = The run, by its id or the beginning of it
help-journal-abandon-why = The reason, to be recorded
help-lab-up = Start a lab in the background and write its estate file
help-lab-down = Stop it
help-lab-status = Show its state and its virtual time
help-lab-scenarios = List the scenarios
help-lab-env = Print variables for a shell: eval "$(stayput lab env)"
help-lab-fault = Make calls to its systems fail
help-lab-site = Take an NC2 site down or up: its Prism Central, its Move and its machines
help-lab-region = Take an AWS region down or up, with the sites in it
help-lab-vm = Switch a VM off or on, as a person in Prism Central does
help-lab-instance = Start or stop an instance, as a person in the EC2 console does
help-lab-simulate = Tell stories with faults in virtual time, and judge whether every promise was kept
help-lab-up-scenario = A built-in scenario or a scenario file
help-lab-up-machines = How many machines move, 1 to what the scenario has
help-lab-up-speed = Virtual seconds per second, 0.001 to 1000000; 0 stops time
help-lab-up-latency = Minimum response time in milliseconds, 0 to 600000
help-lab-up-dataplane = What carries packets; `kernel`: Linux network namespaces, one for each router and machine
help-lab-up-foreground = Stay in the foreground until interrupted
help-lab-up-until-stdin-closes = With --foreground: stop also when standard input is closed, so that the lab ends with its parent process
help-lab-dir = The lab's folder: CA, estate file, ledger, endpoints
help-demo-machines = How many machines move
help-demo-keep = Leave the lab running and print how to use it
help-demo-dir = The lab's folder; a temporary one if not given
help-demo-speed = Virtual seconds per second, 1 to 1000000
help-demo-order = The order of steps to run; `article`: stayput's order, then on the same machines the order of the article that led to this tool
help-demo-dataplane = What carries packets; `kernel`: Linux network namespaces, through which a prober then really sends
help-dataplane-none = Nothing: routing is computed
help-dataplane-kernel = Network namespaces of this machine's kernel (Linux only)
help-order-stayput = Stayput's own
help-order-article = Also the article's: detach the EC2 VPC, then the static route; Tokyo's table first at failover; a /16 in Osaka
help-bench-what = What to measure
help-bench-machines = Sizes to measure, instead of the default ones
help-bench-concurrency = Concurrent machines, instead of 1, 16 and 64 (`nics`)
help-bench-poll = Pause between two reads of a task, in milliseconds (`nics`)
help-bench-runs = Repetitions; the median is reported
help-bench-plan = Planning time and peak memory for 1,000, 10,000 and 100,000 machines
help-bench-nics = NIC restores a second at concurrency 1, 16 and 64
help-bench-demo = Wall time of the demo with 12, 250 and 2,000 machines
help-bench-fabric = The routing model at the quota of Transit Gateway routes, for 1,000, 10,000 and 100,000 addresses
help-bench-fabric-probe = The part of `fabric` that runs in a process of its own
help-bench-fabric-probe-addresses = The same, with routes for single addresses
help-bench-plan-probe = The part of `plan` that runs in a process of its own
help-bench-nics-probe = The part of `nics` that runs in a process of its own
help-lab-fault-add = Add a fault: which calls, and what becomes of them
help-lab-fault-list = List the faults with how often each has applied
help-lab-fault-clear = Remove one fault, or all
help-lab-fault-clear-id = The fault's number, as `fault list` shows it; all if not given
help-lab-fault-add-rule = The rule, as a table of TOML, instead of the options below
help-lab-fault-rule-service = Which service: aws, ec2, ssm, dynamodb, sts, directconnect, prism, move
help-lab-fault-rule-site = Calls to the Prism Central or Move of this site
help-lab-fault-rule-region = Calls to this AWS region, or to a site in it
help-lab-fault-rule-call = An AWS action, or METHOD /path/{"{"}id{"}"}; with * and ?
help-lab-fault-rule-object = A text in the path or the body, such as an id
help-lab-fault-rule-kind = Only calls that read, or only calls that change something
help-lab-fault-rule-nth = The first matching call that it applies to; by default the first
help-lab-fault-rule-times = How many calls it applies to; by default one
help-lab-fault-rule-forever = Apply it to every matching call
help-lab-fault-rule-lasts = How long the fault exists; by default until it is cleared
help-lab-fault-rule-refuse = Answer this HTTP status; the call is not applied
help-lab-fault-rule-refuse-after = Apply the call and answer this HTTP status
help-lab-fault-rule-code = With --refuse, --refuse-after: the error code
help-lab-fault-rule-message = With --refuse, --refuse-after: the error message
help-lab-fault-rule-retry-after = With --refuse, --refuse-after, --throttle: the Retry-After header
help-lab-fault-rule-throttle = Answer the service's error for too many requests
help-lab-fault-rule-not-sent = Refuse the connection
help-lab-fault-rule-delay = Apply the call at once and answer it later
help-lab-fault-rule-delay-request = Apply the call later, and answer it then
help-lab-fault-rule-hang = Never answer; the call is not applied, or later
help-lab-fault-rule-applied-after = With --hang: when the call is applied
help-lab-fault-rule-lose-request = Neither apply nor answer the call
help-lab-fault-rule-lose-answer = Apply the call and do not answer it
help-lab-fault-rule-close = With --lose-request, --lose-answer: close the connection instead of leaving it silent
help-lab-fault-rule-twice = Apply the call twice
help-lab-fault-rule-cut = Close the connection after so many bytes of the answer
help-lab-fault-rule-garbage = Answer 200 with a body in no format
help-lab-fault-rule-html = Answer 200 with an HTML page, as a proxy does
help-lab-fault-rule-empty = Answer 200 without a body
help-lab-fault-rule-unapplied = With --garbage, --html, --empty: do not apply the call
help-lab-fault-rule-stale = Let reads show the state before this call for so long
help-lab-fault-rule-drop = Leave this element out of the answer's list, from 1
help-lab-fault-rule-page = Answer lists in pages of at most so many elements
help-lab-fault-rule-task = What becomes of the tasks that the call starts
help-lab-fault-rule-expire-token = Treat the caller's token or credentials as expired
help-lab-fault-rule-site-down = Take this site down with the call
help-lab-fault-rule-region-down = Take this region down with the call
help-lab-fault-rule-down-for = With --site-down, --region-down: when it returns; by default it stays down
help-kind-read = Calls that only look, and dry runs
help-kind-change = Calls that may change something
help-task-fails = They fail, without their change: Prism Central, Move, SSM
help-task-never-ends = They never end
help-task-vanishes = They make their change and are not found afterwards: Prism Central, SSM
help-lab-site-down = Nothing there answers; its state is kept
help-lab-site-up = It answers again, with the state it had
help-lab-region-down = Nothing there answers; its state is kept
help-lab-region-up = It answers again, with the state it had
help-place-name = Its name
help-lab-vm-off = Switch it off
help-lab-vm-on = Switch it on
help-vm-vm = Its name or UUID
help-vm-site = The site it is at, if several sites have a VM of this name
help-lab-instance-start = Start it
help-lab-instance-stop = Stop it
help-instance-instance = Its id or Name tag
help-lab-singles-kinds = Each fault of each call, one time that the call is made in each act
help-lab-singles-all = Each fault of each time that a call is made. That takes days
help-lab-simulate-seeds = Stories with several faults, drawn from these seeds: A..B, without B, or one seed
help-lab-simulate-single-faults = Stories with one fault each
help-lab-simulate-range = Of the single faults only these, by number: A..B, without B
help-lab-simulate-step = Of the single faults, or seeds, only every N-th
help-lab-simulate-acts-after = Of single faults: how many further acts are told after the act with the fault
help-lab-simulate-scenario = A built-in scenario or a scenario file
help-lab-simulate-state = Remembers in this file what was told, and goes on from there
help-lab-simulate-threads = How many stories are told at the same time; by default one for each core

## Examples and notes under the options

help-after =
    Examples:
      stayput demo                            rehearse migration, failover and failback on this computer
      stayput init                            propose stayput.toml from what the systems show
      stayput check                           check endpoints, rights and machines
      stayput plan move app db                show the plan for moving two networks, with its proof
      stayput apply move app db               show the plan, ask, apply it; after a kill, run it again
      stayput apply failover app db --to osaka
      stayput rollback 4a81cb7a               take back what a run did
      stayput trace on-prem 172.30.1.34       show where packets go now

    Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 world changed since the plan,
    4 obstacles found, 5 another process is working on the estate.
help-after-init =
    A site is named after the city of its region, such as tokyo. Credentials come from the environment:
    AWS_PROFILE and the like, PRISM_CENTRAL_USERNAME and PRISM_CENTRAL_PASSWORD, MOVE_USERNAME and MOVE_PASSWORD.

    Examples:
      stayput init                                        ask for what cannot be seen
      stayput init --no-input --region ap-northeast-1 --region ap-northeast-3 \
        --prism tokyo=https://10.101.2.10:9440 --move tokyo=https://10.101.2.20 \
        --prism osaka=https://10.102.2.10:9440
      stayput config check                                list what is left to fill in

    A second run shows how its proposal differs from the file.
help-after-check =
    docs/checks.md explains each rule. Findings that are known are accepted in the estate file, with a reason and a last day: [accept.NAME].

    Exit code 4: an error is left that is not accepted.
help-after-rollback =
    Examples:
      stayput journal                         list the runs
      stayput plan rollback 4a81cb7a          show what a rollback would do
      stayput rollback 4a81cb7a               show it, ask, apply it
      stayput plan rollback 4a81cb7a --out undo.json
      stayput apply --plan undo.json          apply exactly the plan that was reviewed
help-after-fault-add =
    Examples:
      stayput lab fault add --service prism --site osaka --call 'POST */recovery-plans/*' --lose-answer
      stayput lab fault add --service ec2 --call 'Replace*Route' --nth 2 --refuse 503 --times 3
      stayput lab fault add --service move --kind read --delay 5s --forever --lasts 10m
      stayput lab fault add --rule 'service = "ssm", task = "never-ends"'

    Times of --lasts, --stale, --applied-after and --down-for are virtual; those of --delay and
    --delay-request are real.
help-after-simulate =
    A story is the life of an estate: capture, canary, move, protection, drill, failovers, failbacks, the loss of
    a region and the way back. It runs in this process and in virtual time: no lab has to be up.

    Examples:
      stayput lab simulate --seeds 0..1000
      stayput lab simulate --seeds 42                  # one story again, in full if it is bad
      stayput lab simulate --single-faults kinds --range 0..500
      stayput lab simulate --single-faults kinds --state told.json    # run it again to go on

    Exit code 0: every promise was kept and every story came to its end. Otherwise 1.
