# What the operator should know although it stops nothing.

warning-old-recovery-point = the newest recovery point of { $label } at { $site } is of { $time }, { $older } min older than that of other machines (RPO { $rpo } min)
warning-subnet-does-not-exist = { $what } at { $at }: { $property } names subnet { $subnet }, which does not exist; correct it when the subnet has been made
warning-obstacle = { $obstacle }: { $remedy }
warning-facts-kept = { $label }: EC2 shows other interfaces than its facts on record, which are kept because it has moved, or may be moving; to take over what EC2 shows: stayput capture --replace { $machine }
warning-added-in-ec2 = { $label } lacks { $addresses }, assigned to its instance { $machine } in EC2 after its addresses were recorded; to keep: stayput capture --replace { $machine }, then apply the move again; otherwise unassign in EC2
warning-off = { $label }: it ran when it was captured and its VM is off; power it on, or it fails the verification; if it shall stay off: stayput expect { $machine } off
warning-halves-stay = on-prem comes in to { $network } by the region of { $home } (path b): { $halves } stay; `stayput apply failover { $network } --to { $home } --path a` removes them
warning-no-recovery-point = { $label } ({ $machine }) of network { $network } has no recovery point at { $to }: it cannot be started there, and its disks are at { $lost } only
warning-failed-in-move = { $label } ({ $machine }) failed in Move plan { $plan }: { $why }; { $what }; `--leave-out { $machine }` moves the network without it
warning-cancelled-in-move = { $label } ({ $machine }): its copy was cancelled in Move plan { $plan }; { $what }
warning-not-looked-at = { $kind } { $id } in { $region } is not looked at: { $why }
warning-without-address-stays = { $eni } ({ $what }) is in network { $network } without an IPv4 address and stays in EC2

## What of a machine does not come along

warning-public-address = { $label }: public address { $public } of { $private } stays in EC2
warning-not-carried = { $label }: { $lost } is not carried over
warning-efa = { $label }: { $eni } is an Elastic Fabric Adapter; the VM gets an ordinary NIC
warning-trunk = { $label }: { $eni } is a trunk interface; its branch interfaces stay in EC2
warning-no-ipv4-address = { $label }: { $eni } ({ $what }) has no IPv4 address and is not carried over
warning-source-dest-check = { $label }: source/destination check is off on { $address }; what it routes for must be moved too

## A site that is left

warning-added-to-former = { $label }: its former VM at { $site } has { $addresses }, with which it was not captured; on-prem does not reach that any more
warning-own-copies = an earlier test of recovery plan { $plan } by stayput has left { $copies } at { $site }; the test removes them if that run was given up
warning-left = { $site } is left: { $machines }
warning-declared-lost = { $site } is declared lost: { $machines }
warning-routes-of-site = { $site }: { $routes }
warning-site-returns = { $site }: when it returns, power off what ran there: stayput apply clean-up { $networks } --site { $site }
left-prism-not-observed = its Prism Central was not observed; machines that still run there are not powered off
left-prism-silent = its Prism Central { $verb }; machines that still run there are not powered off
left-none-runs = its Prism Central answers, and no machine of these networks runs there
left-running = { $machines ->
        [one] its Prism Central answers and shows { GROUPED($machines) } machine running, which are not powered off: { $names }
       *[other] its Prism Central answers and shows { GROUPED($machines) } machines running, which are not powered off: { $names }
    }
left-routes-not-observed = AWS { $region } was not observed; its routes are not fenced and still lead there: keep its edges down until this has been run again: stayput apply { $goal }
left-routes-silent = AWS { $region } { $verb }; its routes are not fenced and still lead there: keep its edges down until this has been run again: stayput apply { $goal }
left-routes-fenced = its routes are made to drop packets before machines start elsewhere

## Machines that are left out

warning-left-out-at-site = { $machine } is left out: it is VM { $vm } at { $site } already, which is left as it is
warning-left-out-in-ec2 = { $count ->
        [0] { $machine } is left out: it stays in EC2, and its addresses are no longer reached when its network is routed to NC2; `protect` needs it moved, terminated or in another subnet
        [one] { $machine } is left out: it stays in EC2, and { $addresses } is no longer reached when its network is routed to NC2; `protect` needs it moved, terminated or in another subnet
       *[other] { $machine } is left out: it stays in EC2, and { $addresses } are no longer reached when its network is routed to NC2; `protect` needs it moved, terminated or in another subnet
    }
warning-left-out = { $machine } is left out: it is left wherever it is
machine-with-id = { $label } ({ $machine })
move-tries-again = Move tries it again
move-tries-in-plan = it is tried again in Move plan { $plan }

## Rollbacks

warning-data-stays-on-vm = { $label } ({ $machine }): what was written since its cutover began at { $time } is lost to it: it stays on VM { $vm } at { $site }, which is kept, off
warning-move-plans-left-over = Move plans that are not over are cancelled, because machines that they cut over have returned to EC2: { $plans }; their other machines are copied again
warning-move-plans-stay = Move plans of the run go on and are not changed: { $plans }; cancel them in Move if the machines are not to be moved
warning-move-plans-end-now = Move plans of the run are cancelled, because Move was asked for a cutover that it has not made: { $plans }; copies of machines that were not cut over are dropped
warning-move-plans-end = Move plans of the run are cancelled, because they have cut over machines that go back: { $plans }; copies of machines that were not cut over are dropped
warning-made-stays = what the run made beforehand stays, and does no harm: { $made }
warning-facts-stay = what was captured stays in the ledger: nothing is taken back
warning-nothing-is-lost = what was written at { $at } comes along, because machines are synchronized before they leave
warning-failover-undone-before-recovery = no machine has left { $home }: only routes are taken back
