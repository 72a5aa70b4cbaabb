# Systems, how one fails to be read, and objects that cannot be read.

system-aws = AWS { $region }
system-prism-central = Prism Central of { $site }
system-move = Move of { $site }
silence-silent = does not answer
silence-refused = refuses these credentials
silence-faulty = answers with errors
system-unobserved = { $system } { $verb }: { $why }

## Objects that cannot be read

object-unreadable = { $kind } { $id } cannot be read at `{ $path }`: { $reason }
object-unreadable-with-name = { $kind } `{ $name }` cannot be read at `{ $path }`: { $reason }
object-unreadable-with-name-and-id = { $kind } `{ $name }` ({ $id }) cannot be read at `{ $path }`: { $reason }
object-unreadable-without-id = { $kind } without a readable id cannot be read at `{ $path }`: { $reason }

## Kinds of objects

kind-vm = VM
kind-subnet = subnet
kind-reserved-address = reserved address
kind-subnet-vnic = virtual NIC
kind-flow-vpc = Flow VPC
kind-category = category
kind-domain-manager = domain manager
kind-registration = registration
kind-protection-policy = protection policy
kind-recovery-plan = recovery plan
kind-network-mapping = network mapping
kind-recovery-stage = recovery plan stage
kind-recovery-job = recovery plan job
kind-execution-step = execution step
kind-validation-finding = validation finding
kind-recovery-point = recovery point
kind-move-provider = Move provider
kind-move-workload = Move workload
kind-move-plan = migration plan
kind-move-vm = VM of a migration plan

### Of AWS

kind-vpc = VPC
kind-main-route-table = main route table of VPC
kind-tgw = Transit Gateway
kind-tgw-route-table = Transit Gateway route table
kind-attachment = Transit Gateway attachment
kind-subnets-of-attachment = subnets of Transit Gateway attachment
kind-ends-of-peering = ends of Transit Gateway peering
kind-instance = instance
kind-interface = network interface
