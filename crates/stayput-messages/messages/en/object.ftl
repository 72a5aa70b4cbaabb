# Objects of the systems, their properties and the values of these, for obstacles and warnings to quote.

object-flow-vpc = Flow VPC { $name }
object-overlay-subnet = overlay subnet { $network }
object-test-subnet = test subnet { $network }
object-subnet = subnet { $network }
object-policy = protection policy { $name }
object-recovery-plan = recovery plan { $name }
object-vm = VM { $name } ({ $vm })
object-vm-of-it = its VM { $vm }
object-subnet-of-flow-vpc = subnet { $subnet } ({ $id }) of Flow VPC { $vpc }
object-prefix-of-flow-vpc = an externally routable prefix of Flow VPC { $vpc }
object-no-nat-subnet = a no-NAT external subnet on Flow VPC { $vpc }
object-prefix-of-network = network { $network }: its prefix on the user VPC
object-subnet-of-network = network { $network }: its overlay subnet
interface-of-machine = of { $machine }
interface-of-named-machine = of { $name }, { $machine }
name-vpc-attachment = VPC of { $site }
name-peering = peering
name-vpn = VPN
name-direct-connect = Direct Connect

## Properties

property-cidr = CIDR
property-gateway = gateway
property-dns = DNS servers
property-pool = DHCP pool
property-type = type
property-isolation = isolation
property-locations = locations
property-category-of-policy = category
property-category = category of its stage
value-in-several-stages = in several stages
property-replication = replication { $from } → { $to }
property-rpo = RPO of { $direction }
property-retention = retention of { $direction }
property-mapping = network mapping of { $network }
property-of-mapping = { $mapping }, { $part }
mapping-primary = primary side
mapping-recovery = recovery side
mapping-primary-test = test network at the primary side
mapping-recovery-test = test network at the recovery side
mapping-of-addresses = IP mapping

## Values

value-none = none
value-not-told = not told
value-present = present
value-absent = absent
value-enabled = enabled
value-disabled = disabled
value-subnet = subnet { $subnet }
value-no-subnet = no subnet
value-subnet-of-network = the subnet of the network
value-one-mapping = one mapping
value-mappings = { $mappings } mappings
value-range-inside = a range inside { $cidr }
value-free-of-addresses = ranges without the addresses in use
value-pools-with-addresses = { $pools } with { $addresses }
value-user-vpc = a user VPC
value-transit-vpc = a transit VPC
value-isolated = no external subnet and no externally routable prefix
value-not-isolated = { n-external-subnets } and { n-prefixes }

## What is left of a machine

remains-instance = its EC2 instance in { $region } { $is }
remains-vm = its VM { $vm } at { $site } { $is }
remains-run = runs
remains-unknown = is in an unknown state
remains-off = is off
remains-gone = does not exist any more

## A test of another client

test-job-runs = job { $job } runs
test-job-has-left = job { $job } has left { $copies }
test-job-without-name = without a name
test-subnet-has = it has { $vms }
counted-vms = { n-vms }: { $names }
