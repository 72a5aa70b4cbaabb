# What a guest says about its own network, and what it loses after the move.

## The report

guest-empty = the guest has printed nothing
guest-no-report = no line is the report of a guest; the output begins with: { $first }
guest-cut = { $characters ->
        [one] the report of the guest is cut off: the output has 1 character
       *[other] the report of the guest is cut off: the output has { $characters } characters
    }
guest-not-json = the report of the guest cannot be read: { $why }
guest-version = the report of the guest has version { $found }; this program reads version 1
guest-several = { $reports ->
        [one] 1 report is in the output
       *[other] { $reports } reports that differ are in the output
    }
guest-left-out = { $count ->
        [one] 1 item is left out: { $which }
       *[other] { $count } items are left out: { $which }
    }
guest-file-cut = only a part of the file is in the report, or it has bytes that are not UTF-8
guest-odd-name = an interface has a name that Linux does not give
guest-no-devices = no interface with a device is in the report
guest-os-unknown = the report does not say whether the guest runs Linux or Windows
guest-no-drivers-section = the report has no drivers
guest-no-kernels = no kernel was found in /lib/modules

## Differences between EC2 and the guest

guest-other-instance = the report is of { $found }, not of { $expected }
guest-unknown-instance = the guest could not read which instance it is on
guest-unknown-addresses = not known: the addresses of { $interface }, or not all of them
guest-unknown-part = not known: { $part }: { $why }
guest-address-missing = EC2 has assigned { $address } to the interface { $mac }, but no interface of the guest has it
guest-address-not-seen = not known: whether the guest has { $address }, which EC2 has assigned to the interface { $mac }
guest-address-not-in-ec2 = { $interface } has { $address }, which EC2 does not know
guest-other-interface = EC2 has assigned { $address } to the interface { $expected }, but { $interface } has it in the guest
guest-mac-missing = no interface of the guest has the MAC address { $mac } of the EC2 interface with device index { $index }
guest-mac-not-seen = not known: whether an interface of the guest has the MAC address { $mac } of the EC2 interface with device index { $index }
guest-mac-not-in-ec2 = { $interface } has the MAC address { $mac }, which EC2 does not know
guest-unknown-mac = not known: the MAC address of { $interface }

## Advice

guest-advice = { $what }: { $consequence }
guest-kind-mac = settings for a MAC address of EC2
guest-kind-path = settings for a PCI path of EC2
guest-kind-driver = settings for a driver of EC2
guest-kind-name = settings for the name of an interface
guest-kind-renaming = a rule that names an interface by its device in EC2
guest-kind-fixed-mac = a MAC address of EC2 that the guest sets on the interface
guest-kind-volatile = a file that a program writes at each start
guest-kind-no-file = addresses that no configuration file has
guest-kind-no-configuration = an interface that no configuration file is about
guest-kind-routes = static routes or policy rules of settings that do not apply after the move
guest-kind-routes-no-file = routes or policy rules that no configuration file has
guest-kind-dns = name servers of settings that do not apply after the move
guest-kind-cloud-init = a network configuration of cloud-init with a MAC address of EC2
guest-kind-shared-subnet = two interfaces in one subnet
guest-kind-stacked = addresses on a bond, bridge or VLAN
guest-kind-ghost = an adapter that Windows keeps although it is not there
guest-kind-static-profile = static settings of a Windows adapter
guest-kind-no-driver = drivers for AHV
guest-kind-metadata = users of instance metadata (169.254.169.254)
guest-kind-resolver = users of the resolver of the VPC (169.254.169.253)
guest-kind-time = users of the time service of EC2 (169.254.169.123)
guest-kind-activation = users of the activation service of EC2 (169.254.169.250, 169.254.169.251)
guest-kind-not-read = a part that was not read
guest-loses-addresses = the guest loses { $addresses }
guest-loses-name = the interface gets another name
guest-loses-routes = the routes or rules are lost
guest-loses-dns = the name servers are lost
guest-loses-service = the service does not exist after the move
guest-loses-boot = the guest does not start, or has no network
guest-loses-nothing-now = nothing is lost at the first start
guest-loses-unknown = not known

## Fixes

guest-fix-capture-again = Find out why, and run the capture in the guest again: { $why }
guest-fix-cloud-init = This forbids cloud-init to configure networks. With the old MAC address it would find no interface and report an error.
guest-fix-by-driver = { $agents ->
        [none] The new file applies to the driver virtio_net, which no interface has in EC2. Policy rules and routes of other tables are not in it.
       *[other] The new file applies to the driver virtio_net, which no interface has in EC2. Policy rules and routes of other tables are not in it. In EC2 the addresses come from instance metadata through { $agents }; after the move they do not.
    }
guest-fix-by-edit = After these lines the settings no longer depend on the device. { $interface } keeps its name by a rule for the driver virtio_net, if it would lose it. If the initramfs configures the network, build it again.
guest-fix-several = The guest has several interfaces: compare the address and the MAC address that the second line shows with Prism Central before you go on, since the order of the new interfaces is assumed to be that of EC2. The settings are those of { $interface }.
guest-fix-name = This rule gives the new interface the name { $interface }. Firewalls and programs may refer to it. With several interfaces, compare the MAC address with Prism Central first: their order is assumed to be that of EC2.
guest-fix-kept-name = The rule no longer applies, but the kernel gives the only interface the name { $interface }. Remove the rule.
guest-fix-fixed-mac = Whether the new network accepts frames with the old MAC address is not known. Remove the setting: DHCP answers to the new one.
guest-fix-stale = No interface of this guest has this MAC address or PCI path. Remove the setting if no program needs it.
guest-fix-addresses = { $agents ->
        [none] No configuration file has these addresses: a person or a program has set them, and they are lost at a restart. What is set with `ip address` is lost at the next one again, so write it into the configuration.
       *[other] No configuration file has these addresses. In EC2 they come from instance metadata through { $agents }; after the move they do not. What is set with `ip address` is lost at the next restart, so write it into the configuration.
    }
guest-fix-no-configuration = Find out which program configures { $interface }: no file in the report does.
guest-fix-routes = { $agents ->
        [none] Set them again and write them into the configuration: { $routes }. Rules are needed only if answers have to leave by the interface with the address.
       *[other] Set them again and write them into the configuration: { $routes }. In EC2 they can come from { $agents }. Rules are needed only if answers have to leave by the interface with the address.
    }
guest-fix-shared-subnet = { $first } and { $second } have addresses in one subnet. Without policy rules, answers leave by one of them only, and a network that checks source addresses drops them.
guest-fix-stacked = Look how { $interface } names the interfaces below it, and use names that stay or the new MAC addresses.
guest-fix-other-kernel = Kernel { $release } does not have { $drivers }. Install a kernel that has them, and start it in EC2 first.
guest-fix-initramfs = The initramfs of kernel { $release } does not have { $drivers }, so the guest does not find its disk. Nutanix Move also does this if its preparation of the guest is not switched off.
guest-fix-drivers-unknown = Whether kernel { $release } can use { $drivers } at its start is not known. Building the initramfs again with these lines does no harm.
guest-fix-windows-drivers = Install the package Nutanix VirtIO for { $drivers } and start Windows again in EC2. Nutanix Move also does this if its preparation of the guest is not switched off. A disk driver has to have the start type 0.
guest-fix-windows-static = The settings stay with the old adapter. These lines make them again on the adapter that has the primary address by DHCP. They disconnect it for a moment: run them on the console.
guest-fix-windows-mac = The MAC address is set for the old device and does not apply to the new one.
guest-fix-ghost = An address of an absent adapter can be refused to the new one. These lines remove the adapter; Windows Server 2016 and older remove it in the device manager, with hidden devices shown.
guest-fix-metadata = Their users: { $users }. Give them what they read in another way, or stop them. Credentials of the instance role end with the move.
guest-fix-resolver = Their users: { $users }. Use the name servers of the new network.
guest-fix-time = Their users: { $users }. Use time servers that the new network reaches.
guest-fix-activation = Their users: { $users }. Activate Windows with a key management service of your own, or with a licence for it.
