# What is wrong at a home.

wrong-unobserved = { $system } { $verb }: { $why }
wrong-no-machines = there are no machines to verify
wrong-elsewhere = { $label } is at { $at }
wrong-not-running = { $label } ran before and its VM is { $power }: power it on in Prism Central
wrong-not-running-not-listed = { $label } ran before and its VM is not listed
wrong-addresses = { $label } has { $has } instead of { $wants }
wrong-not-reached = { $label } { $address }: { $verdict }
wrong-reply-lost = { $label } { $address }: the reply is lost: { $verdict }
wrong-served-twice = { $label } is served twice: its instance { $machine } is { $state } in EC2
wrong-added-in-ec2 = { $label } lacks { $addresses }, assigned to its instance { $machine } in EC2 after its addresses were recorded; to keep: stayput capture --replace { $machine }, then apply the move again; otherwise unassign in EC2
wrong-no-route = { $cidr } in { $table } ({ $region }) is absent, expected { $to }
wrong-other-route = { $cidr } in { $table } ({ $region }) is { $leads }, expected { $to }
verification-summary = { $found } of { $expected } expected machines run, { $delivered } of { $addresses } addresses are reached
verification-summary-assumed = { $summary }; not read and taken as down, as the site is declared lost: edge { $edges }

## Parts

no-address = no address
