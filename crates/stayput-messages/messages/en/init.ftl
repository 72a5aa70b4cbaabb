# The file that `stayput init` proposes, and what it says.

init-head =
    stayput.toml, proposed by `stayput init` from what AWS, Prism Central and Move show.
    Read every line. What is marked GAP could not be seen; `stayput config check` lists it.
init-gap = GAP { $key }: { $what }
init-prefix-proposed = proposed: { $prefix } ({ $how } to an edge)
init-prefix-overlaps = not proposed: { $prefix } ({ $how } to an edge) covers or overlaps a network that moves
init-gap-prefixes = no prefix leads to a VPN or Direct Connect gateway; write what is behind them
init-source-candidate = { $machines ->
        [one] candidate: { $vpc } ({ $name }) in { $region }, 1 machine
       *[other] candidate: { $vpc } ({ $name }) in { $region }, { $machines } machines
    }
init-gap-source = name the VPC that the machines leave: --source VPC
init-source = { $machines ->
        [one] { $name }: 1 machine
       *[other] { $name }: { $machines } machines
    }
init-gap-tgw = it is attached to no Transit Gateway, or to several
init-no-sites = No VPC with bare-metal hosts was seen.
init-gap-sites = name the regions of the NC2 clusters with --region, or deploy the clusters first
init-site = taken for an NC2 cluster, because at least half of its instances are bare-metal hosts
init-dns = proposed: the DNS server of the cluster's VPC; whether machines on an overlay subnet reach it is not proven
init-gap-move = networks move to this site, so it needs Move: --move { $site }=https://HOST
init-gap-prism = AWS does not show Prism Central: --prism { $site }=https://HOST:9440
init-gap-flow-vpc-unseen = Prism Central was not read, so the name of the Flow VPC is not known
init-gap-flow-vpc = not exactly one Flow VPC is there ({ $names }): --flow-vpc SITE=NAME
init-gap-provider = Move at { $site } has not exactly one provider of this kind; write its name
init-gap-primary = not exactly one NC2 cluster is in the region of the source; write the site that the network moves to
init-networks-unknown = Networks and waves are read from the VPC that the machines leave.
init-gap-networks = no subnet with machines that can move was seen
init-network = { $machines ->
        [one] 1 machine
       *[other] { $machines } machines
    }
init-network-not-proposed = Not proposed: [networks.{ $name }], { $cidr }, { $subnet }. It cannot move while these interfaces are in it: { $services }
init-untagged = machines without the tag { $tag }
init-gap-on-prem-routes = AWS does not show what on-prem routes into a static VPN
init-preference = On-prem's preference is not shown by AWS: local-preference = 100 if absent, higher wins.
init-protection = proposed: the most data that a failover may lose, and how many recovery points are kept
init-ledger = or a table that several hosts share: kind = "dynamodb"; see docs/configuration.md

## The command

not-a-pair = write SITE=VALUE
init-ask-source = Several VPCs have machines. Which one do they leave?
init-ask-number = Number:
init-ask-prism = Prism Central of { $site } ({ $vpc } in { $region }), as https://HOST:9440; empty if there is none:
init-ask-move = Move of { $site }, as https://HOST; empty if there is none:
init-no-regions = no region has a Transit Gateway
init-no-regions-hint = name the regions with --region, or check whose credentials these are: aws sts get-caller-identity
init-unreadable = { $system } was not read: { $problem }
init-unknown-site = `{ $site }` is no site: these VPCs have bare-metal hosts: { $sites }
init-unknown-source = { $vpc } has no machines, or was not seen; candidates: { $candidates }
init-written = { $file } is written: { $state }
init-complete = it is complete.
init-gaps = { $gaps ->
        [one] 1 gap is left.
       *[other] { $gaps } gaps are left.
    }
init-wrong = { $errors ->
        [one] it has 1 error, which `stayput config check` shows.
       *[other] it has { $errors } errors, which `stayput config check` shows.
    }
init-exists = { $file } exists and is left as it is. The proposal differs so (- the file, + the proposal):
init-same = { $file } is as proposed.
init-next = Next: read the file, then stayput config check, stayput check.
init-gap-line = gap { $key }: { $what }
init-dangling-link = { $file } is a symbolic link to a file that does not exist
init-gap-flow-vpc-named = { $site } has no Flow VPC { $name } for networks; there are: { $names }
init-gap-transit-vpc = not exactly one transit VPC is there ({ $names }); write the one that NC2 made
init-gap-edge-kind = the VPN connection was not seen: write bgp-vpn or static-vpn
