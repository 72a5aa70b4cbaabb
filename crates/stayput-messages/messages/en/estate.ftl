# What is wrong with an estate file: the finding, its remedy and the labels at the places in the file. The descriptions of keys are the doc comments
# of stayput-estate, from which the JSON Schema is made too.

estate-errors = { $file } has { $count ->
        [one] { $count } error
       *[other] { $count } errors
    }
estate-label-here = here

## Syntax, keys and types

estate-syntax = this is not TOML: { $problem }
estate-syntax-remedy = correct this first: the other checks run once the file can be read as TOML
estate-unknown-key = unknown key `{ $key }` in { $table }
estate-missing-key = { $table } has no { $key }
estate-wrong-type = `{ $key }` must be { $wanted }, but this is { $found }
estate-unknown-value = `{ $text }` is not a value of `{ $key }`
estate-below-limit = `{ $key }` is { $number }, but must be at least { $limit }
estate-above-limit = `{ $key }` is { $number }, but must be at most { $limit }
estate-unreadable = this could not be read: { $problem }
estate-unreadable-remedy = this is an error in stayput: please report it with the file
estate-value-absent = a value is absent
estate-whole-file = the file
estate-table = [{ $path }]
estate-label-unknown-key = unknown key
estate-label-missing-table = the file ends without { $table }
estate-label-missing-key = has no `{ $key }`
estate-label-unknown-value = not a value of this key
estate-label-out-of-range = out of range
estate-label-wrong-type = must be { $wanted }

### What to write instead

estate-choices = { $what }: { $known }
estate-choices-with-near = did you mean `{ $near }`? { $what }: { $known }
estate-choices-none = { $what }: none
estate-tables-of-file = tables of the file
estate-keys-of-table = keys of { $table }
estate-values-of-key = values of `{ $key }`
estate-nc2-sites = NC2 sites
estate-tgws-of-sites = Transit Gateways of the sites
estate-add-key = add for example `{ $key } = { $example }`. { $description }
estate-add-table = add { $table }. { $description }
estate-add-table-with-keys = add { $table } with { $keys }. { $description }
estate-correct-key = for example `{ $key } = { $example }`. { $description }
estate-correct-table = write it as { $table }. { $description }
estate-correct-table-with-keys = write it as { $table } with { $keys }. { $description }

### Types of TOML

type-table = a table
type-table-of-strings = a table of strings
type-table-of-tables = a table of named tables
type-list = a list
type-list-of-strings = a list of strings
type-string = a string
type-whole-number = a whole number
type-other = something else
type-integer = an integer
type-decimal = a decimal number
type-boolean = true or false
type-time = a date or time

## Single values

estate-empty = this text is empty
estate-empty-remedy = write a value, or remove the key if it is optional
estate-label-empty = must not be empty
estate-bad-name = `{ $text }` is not a name
estate-bad-name-remedy = a name is 1 to 40 lower-case letters, digits and dashes, for example `tokyo-1`
estate-label-name = must be a name
estate-bad-document = `{ $text }` is not the name of a Systems Manager document
estate-bad-document-remedy = write the document's name or ARN: 3 to 128 letters, digits, `_`, `-`, `.`, `:` and `/`
estate-label-document = not a document name
estate-bad-prefix = `{ $text }` is not an IPv4 prefix
estate-bad-prefix-remedy = write the network address and the length, for example `172.30.1.0/24`
estate-label-prefix = must be an IPv4 prefix
estate-host-bits = `{ $text }` has host bits set
estate-host-bits-remedy = the prefix it lies in is `{ $meant }`: write that if it was meant
estate-label-host-bits = not a network address
estate-leading-zeros = `{ $text }` has a number with leading zeros
estate-leading-zeros-remedy = some programs read such a number as octal, others as decimal: write `{ $meant }` if it is decimal
estate-label-leading-zeros = leading zeros
estate-bad-address = `{ $text }` is not an IPv4 address
estate-bad-address-remedy = write four numbers, for example `10.101.0.2`
estate-label-address = must be an IPv4 address
estate-wrong-id-kind = `{ $text }` is the id of { $found }, not of { $wanted }
estate-wrong-id-kind-remedy = write the id of { $wanted }, which starts with `{ $prefix }`
estate-label-wrong-id-kind = id of another kind
estate-bad-id = `{ $text }` is not the id of { $wanted }
estate-bad-id-remedy = ids of this kind are `{ $prefix }` followed by letters and digits, for example `{ $prefix }0a1b2c3d4e5f60001`
estate-label-id = must be an AWS id
estate-bad-gateway = `{ $text }` is not the id of a Direct Connect gateway
estate-bad-gateway-remedy = it is a UUID, for example `8f2a1c34-5b6d-4e7f-8091-a2b3c4d5e6f7`
estate-label-gateway = must be a UUID
estate-bad-region = `{ $text }` is not an AWS region
estate-bad-region-remedy = write the name the AWS API uses, for example `ap-northeast-1`
estate-label-region = must be a region
estate-zone-for-region = `{ $text }` is an availability zone, not a region
estate-zone-for-region-remedy = its region is `{ $region }`
estate-url-not-https = `{ $text }` does not start with https://
estate-url-has-path = `{ $text }` has something after host and port
estate-url-has-credentials = `{ $text }` has a user name in it; credentials come from the environment
estate-url-bad-host = `{ $text }` has no valid host name
estate-url-bad-port = `{ $text }` has no valid port number
estate-bad-url-remedy = write `{ $meant }`; TLS is always used and always verified (`ca-file` trusts a private CA)
estate-label-url = must be https://host:port
estate-duration-syntax = `{ $text }` is not a duration
estate-label-duration-syntax = must be a duration
estate-duration-unit = `{ $text }` has a unit that this key does not take
estate-label-duration-unit = in another unit
estate-duration-zero = `{ $text }` is zero
estate-label-duration-zero = must be more than zero
estate-duration-not-whole-minutes = `{ $text }` is not a whole number of minutes
estate-label-duration-not-whole-minutes = must be whole minutes
estate-duration-too-long = `{ $text }` is too long
estate-label-duration-too-long = must be shorter
estate-rpo-remedy = write whole minutes, hours or days, for example `30m`, `1h` or `1d`
estate-rpo-not-whole-minutes-remedy = Prism Central accepts whole minutes: the next possible value is `{ $minutes }m`
estate-pause-remedy = write a number and `ms`, `s` or `m`, for example `500ms`, `2s` or `1m`
estate-bad-category = `{ $text }` cannot be a category key in Prism Central
estate-bad-category-remedy = it has 1 to 64 characters, does not start with `$` and has none of / , ! " # % ' ( ) * + : ; = ? \ | [ ] ^ &
estate-label-category = must be a category key
estate-bad-date = `{ $text }` is not a date
estate-bad-date-remedy = write year, month and day, for example `2027-03-31`
estate-label-date = must be a date
estate-not-acceptable = what rule { $rule } finds cannot be accepted
estate-not-acceptable-remedy = correct what `stayput check` names; nothing is known about an object that was not read
estate-label-not-acceptable = cannot be accepted

### Kinds of AWS ids

id-kind-attachment = a Transit Gateway attachment
id-kind-tgw-route-table = a Transit Gateway route table
id-kind-tgw = a Transit Gateway
id-kind-vpc = a VPC
id-kind-subnet = a subnet
id-kind-instance = an instance
id-kind-interface = a network interface
id-kind-route-table = a VPC route table
id-kind-vpn = a VPN connection
id-kind-other = an AWS object

### Values that are not of an estate file

cidr-syntax = `{ $text }` is not an IPv4 prefix such as 172.30.1.0/24
cidr-host-bits = `{ $text }` has host bits set; the prefix is { $meant }
cidr-leading-zeros = `{ $text }` has a number with leading zeros; without them it is { $meant }
mac-syntax = `{ $text }` is not a MAC address such as 06:1a:2b:3c:4d:5e
aws-id-syntax = `{ $text }` is not an id of the form `{ $prefix }…`

## Values that conflict with each other

estate-none-declared = there is no [{ $table }.NAME] table
estate-none-declared-remedy = an estate has at least one: add a [{ $table }.NAME] table
estate-label-is-empty = is empty
estate-several-sources = there are { $count } EC2 sources: { $names }
estate-several-sources-remedy = an estate has exactly one [source.NAME]; put machines of another VPC into a separate estate
estate-label-another-source = another source
estate-label-first-source = the first
estate-site-named-twice = the EC2 source and an NC2 site are both named `{ $site }`
estate-site-named-twice-remedy = sites are told apart by name: rename one of the two
estate-label-nc2-site = an NC2 site
estate-label-source = the EC2 source
estate-no-on-prem = there is no on-prem prefix
estate-no-on-prem-remedy = list the prefixes that must keep reaching the machines, for example `prefixes = ["10.0.0.0/16"]`
estate-label-lists-nothing = lists nothing
estate-on-prem-overlaps-no-nat = the on-prem prefix { $prefix } overlaps { $no_nat }, the no-NAT external subnet
estate-on-prem-overlaps-no-nat-remedy = Flow uses { $no_nat } between its gateways, so it must not be routed anywhere else: list on-prem prefixes that leave it out
estate-label-overlaps-it = overlaps it
estate-network-size = network `{ $network }` is a /{ $length }, but must be from /16 to /28
estate-network-too-large-remedy = these are the limits of an externally routable prefix in Flow: make several networks of it
estate-network-too-small-remedy = these are the limits of an externally routable prefix in Flow: take the whole EC2 subnet, which is never smaller
estate-label-network-size = must be /16 to /28
estate-networks-overlap = networks `{ $network }` ({ $cidr }) and `{ $other }` ({ $other_cidr }) overlap
estate-networks-overlap-remedy = an address belongs to one network: give each network a separate CIDR, or make them one network
estate-label-overlaps = overlaps `{ $other }`
estate-label-addresses-of = the addresses of `{ $other }`
estate-network-overlaps-on-prem = network `{ $network }` ({ $cidr }) overlaps the on-prem prefix { $prefix }
estate-network-overlaps-on-prem-remedy = an address cannot be on both sides of an edge: correct the CIDR, or list on-prem prefixes that leave it out
estate-label-overlaps-on-prem = overlaps on-prem
estate-label-on-prem-prefix = the on-prem prefix
estate-network-overlaps-no-nat = network `{ $network }` ({ $cidr }) overlaps { $no_nat }, the no-NAT external subnet
estate-network-overlaps-no-nat-remedy = Flow uses { $no_nat } between its gateways: a network with these addresses cannot move
estate-subnet-used-twice = networks `{ $network }` and `{ $other }` have the same EC2 subnet
estate-subnet-used-twice-remedy = a subnet moves as one network: give each network the subnet that has its CIDR
estate-label-same-subnet = the same subnet
estate-label-subnet-of = the subnet of `{ $other }`
estate-unknown-site = there is no NC2 site `{ $site }`
estate-label-unknown-site = no such site
estate-source-as-target = `{ $site }` is the EC2 source, not an NC2 site
estate-label-source-as-target = not an NC2 site
estate-recovery-is-primary = network `{ $network }` has `{ $site }` as both primary and recovery site
estate-recovery-is-primary-remedy = name another site as `recovery`, or remove the key if the network is not to be protected
estate-label-same-site = the same site
estate-label-primary-site = the primary site
estate-recovery-on-same-tgw = the sites of network `{ $network }`, `{ $primary }` and `{ $recovery }`, share { $tgw }
estate-recovery-on-same-tgw-remedy = a failover moves the network between two Transit Gateways: choose a recovery site that has another `tgw`
estate-label-recovery-on-same-tgw = fails over to the same Transit Gateway
estate-label-tgw-of-primary = the primary site's
estate-label-tgw-of-recovery = the recovery site's
estate-vpc-used-twice = sites `{ $site }` and `{ $other }` have the same VPC
estate-vpc-used-twice-remedy = each site needs a separate VPC: correct the `vpc` of one of them
estate-label-same-vpc = the same VPC
estate-label-vpc-of = already the VPC of `{ $other }`
estate-tgw-in-two-regions = { $tgw } is in { $region } here, but in { $other_region } at site `{ $other }`
estate-tgw-in-two-regions-remedy = a Transit Gateway is in one region: correct `tgw` or `region`
estate-label-another-region = another region
estate-label-region-at = the region at site `{ $other }`
estate-flow-vpc-used-twice = site `{ $site }` has `{ $vpc }` as both `{ $key }` and `{ $other_key }`
estate-flow-vpc-used-twice-remedy = these are three VPCs: machines run in `flow-vpc`, `transit-vpc` is NC2's own, and `test-vpc` must stay isolated from both
estate-label-used-for-both = used for both
estate-label-also-here = also here
estate-empty-wave = wave `{ $wave }` selects nothing
estate-empty-wave-remedy = add `tags`, `names` or `ids`, for example `names = ["web-*"]`; any of them selects
estate-label-empty-wave = has no criterion
estate-instance-in-two-waves = instance { $instance } is in waves `{ $other }` and `{ $wave }`
estate-instance-in-two-waves-remedy = a machine is cut over once: list it in one wave only
estate-label-listed-again = listed again
estate-label-already-in-wave = already in `{ $other }`
estate-edge-on-unknown-tgw = edge `{ $edge }` is on { $tgw }, which no site is attached to
estate-label-tgw-of-no-site = no site's
estate-attachment-used-twice = edges `{ $edge }` and `{ $other }` have the same attachment
estate-attachment-used-twice-remedy = each edge needs a separate attachment: correct the `attachment` of one of them
estate-label-same-attachment = the same attachment
estate-label-attachment-of = already that of `{ $other }`
estate-key-of-other-kind = edge `{ $edge }` is a `{ $kind }`, which has no `{ $key }`
estate-key-of-other-kind-remedy = `{ $key }` belongs to edges of kind `{ $owner }`: remove it, or correct `kind`
estate-label-key-of-other-kind = only a `{ $owner }` has this
estate-ledger-key-of-other-kind = a ledger of this kind has no `{ $key }`
estate-ledger-key-of-other-kind-remedy = `{ $key }` belongs to ledgers of kind `{ $owner }`: remove it, or correct `kind`
estate-label-ledger-key-of-other-kind = only a `{ $owner }` ledger has this
estate-missing-ledger-key = a ledger of kind `dynamodb` needs `{ $key }`
estate-label-kind = the kind
estate-missing-key-of-kind = edge `{ $edge }` is a `{ $kind }` and has no `{ $key }`
estate-missing-key-of-kind-remedy = add `{ $example }`
estate-label-needs-key = needs `{ $key }`
