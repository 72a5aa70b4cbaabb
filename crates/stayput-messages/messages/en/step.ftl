# What a step makes true, in one line, and why it is in the plan.

step-capture = capture { n-machines } into the ledger
step-flow-vpc = { $site }: isolated Flow VPC { $name }
step-subnet = { $site }: overlay subnet { $network } { $cidr }, DHCP pool { $pools }
step-test-subnet = { $site }: test subnet { $network } { $cidr }, DHCP pool { $pools }
step-prefix-on-user-vpc = { $site }: externally routable prefix { $cidr } on the user VPC
step-prefix-off-user-vpc = { $site }: externally routable prefix { $cidr } off the user VPC
step-prefix-on-transit-vpc = { $site }: externally routable prefix { $cidr } on the transit VPC
step-prefix-off-transit-vpc = { $site }: externally routable prefix { $cidr } off the transit VPC
step-replicate = { $site }: Move replicates { n-machines } ({ $plan })
step-cutover = { $site }: { $machine } stops in EC2 and starts as a VM
step-restore = { $site }: { $machine } { $nics }
step-restore-on = { $site }: { $machine } { $nics }; powered on if off
step-route = { $region }: { $cidr } in { $table }: { $from } → { $to }
step-category = { $site }: category { $category } on { n-vms }
step-policy = { $points ->
        [one] { $site }: protection policy { $name } ⇄ { $recovery }, RPO { $rpo } min, { GROUPED($points) } recovery point kept
       *[other] { $site }: protection policy { $name } ⇄ { $recovery }, RPO { $rpo } min, { GROUPED($points) } recovery points kept
    }
step-recovery-plan = { $site }: recovery plan { $name } ⇄ { $recovery }, { n-networks } mapped
step-recovery-points = { $recovery }: recovery points of { n-machines }
step-validate = { $to }: { $plan } validates { $from } → { $to }
step-planned = { $to }: { $plan } brings { n-machines } { $from } → { $to }
step-unplanned = { $to }: { $plan } starts { n-machines } of { $from } from their recovery points
step-test = { $to }: { $plan } starts copies of { n-machines }
step-test-clean-up = { $to }: { $plan } removes the copies that its test made
step-power-off = { $former } is powered off
step-delete = { $former } is deleted
step-shut-down = { $site }: VM { $name } ({ $vm }, { $addresses }) of { $machine } shuts down
step-shut-down-without-address = { $site }: VM { $name } ({ $vm }, no address) of { $machine } shuts down
step-start-source = { $region }: { $machine } starts in EC2 again
step-source-stays-stopped = { $region }: { $machine } is in EC2 again, stopped as it was captured
step-cancel-move-plan = { $site }: Move plan { $plan } ends
step-release-nics = { $site }: VM { $name } ({ $vm }), which was { $machine }, has no NIC on the overlay
step-remove-copies = { $site }: { $plan } removes the copies that its test made
step-verify = every address of { $what } is delivered at { $site }

## Parts

route-absent = absent
route-blackhole = blackhole
route-attachment = { $attachment }
former-vm = { $site }: former VM { $name } ({ $vm }, { $addresses }) of { $machine }, which is at { $home },
former-vm-without-address = { $site }: former VM { $name } ({ $vm }, no address) of { $machine }, which is at { $home },

## What happens to the NICs of a machine, after its name

nics-get-and-pool = { $nics ->
        [one] { $gets }; the NIC with an address from the pool is removed
       *[other] { $gets }; the NICs with addresses from the pool are removed
    }
nics-get-and-recovery = keeps { $addresses }; a NIC with another address from the pool is replaced
nics-get = gets { $addresses }
nics-keep = keeps its addresses
nic-removed = NIC { $nic } with { $addresses } is removed
nic-without-address-removed = NIC { $nic } without an address is removed

## Why a step is in the plan

why-capture = addresses must be in the ledger, synced, before any NIC is touched
why-validate-failover = a failover that may lose addresses only warns; any such warning stops here
why-unplanned = the old home is lost: machines start from their newest recovery points
why-planned = machines stop at the old home before they start at the new one
why-restore-recovered = checks that the recovery plan kept every address, and restores it if not
why-validate-test = the recovery plan would keep every address
why-test = copies start in the isolated VPC; no route changes
why-test-clean-up = the copies are removed
why-verify = the world is observed again and every address traced before the old home is closed
why-fence = a cluster that comes back gets no packets
why-route = one table at a time, in the safe order with the shortest holes
why-remove-half = on-prem comes in by the old region again (path a)
why-remove-part = the prefix of the whole network says the same
why-user-prefix = the user VPC accepts packets for the network; no table changes yet
why-transit-prefix = NC2 writes the network into the VPC's route tables; must stand before any TGW route
why-no-transit-prefix = hosts beside the old home must no longer be caught by its overlay
why-subnet = the same CIDR at this site; its DHCP pool avoids every address in use
why-replicate = copies while the source runs; nothing is stopped yet
why-cutover = Move stops the source, copies the rest and starts the VM with an address from the pool
why-restore-moved = the new NIC is added and confirmed before the old one goes
why-half = more specific than what any other region announces, it draws on-prem here
why-power-off = the machine runs elsewhere, and no address may be served twice
why-delete = its disks are deleted with it; the machine is seen running elsewhere first
why-test-vpc = test failovers need an isolated place with the same CIDRs
why-category = the policy protects what carries the category; categories are added, never replaced
why-policy = recovery points flow to the other site, and back after a failover
why-recovery-plan = maps each network to itself at the other site, so addresses are kept; one plan serves both directions
why-recovery-points = protected means: a recovery point is at the other site
why-cancel-asked-cutover = Move was asked to cut a machine over and has not done it: it could begin at any time
why-cancel-move-plan = Move takes no machine into a new plan while another plan with it goes on
why-release-nics-for-move = a rollback that was cut short left them there; the machine's new VM gets these addresses
why-release-nics = started by mistake it answers for no address, and the machine can be moved again
why-shut-down = no address may be served twice; its disks stay as they are
why-start-source = its interfaces kept their addresses while it was stopped
why-remove-copies = copies of a test block the next one
why-route-back = the route leads where it led before the run
why-verify-rollback = the world is observed again and every address traced
