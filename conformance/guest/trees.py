# ruff: noqa: E501
"""Configuration trees of guests, as path and content. The formats are those that the distributions write."""

import gzip
import io
import lzma

UBUNTU_NETPLAN = {
    "etc/os-release": 'PRETTY_NAME="Ubuntu 22.04.4 LTS"\nNAME="Ubuntu"\nVERSION_ID="22.04"\nID=ubuntu\n',
    "etc/netplan/50-cloud-init.yaml": (
        "# This file is generated from information provided by the datasource.\n"
        "network:\n"
        "    ethernets:\n"
        "        ens5:\n"
        "            dhcp4: true\n"
        "            dhcp6: false\n"
        "            match:\n"
        "                macaddress: 06:93:3d:7a:be:69\n"
        "            set-name: ens5\n"
        "    version: 2\n"
    ),
    "etc/netplan/90-wifi.yaml": (
        "network:\n"
        "  version: 2\n"
        "  wifis:\n"
        "    wlan0:\n"
        "      access-points:\n"
        '        "office": {password: "netplan-flow, secret", mode: infrastructure}\n'
        '        "home":\n'
        "          password: netplan-plain-secret\n"
        "        lab:\n"
        "          auth:\n"
        "            key-management: eap\n"
        "            password: |\n"
        "              netplan-block-secret\n"
        "            client-key-password:\n"
        "              netplan-next-line-secret\n"
        "            identity: lab-user\n"
        "  tunnels:\n"
        "    wg0:\n"
        "      mode: wireguard\n"
        "      keys: {private: netplan-wireguard-secret}\n"
        "      peers:\n"
        "        - keys:\n"
        "            public: public-key-that-stays\n"
        "            shared: netplan-shared-secret\n"
    ),
    "etc/cloud/cloud.cfg.d/90-net.cfg": (
        "users:\n"
        "  - name: ops\n"
        "    plain_text_passwd: cloud-user-secret\n"
        "network:\n"
        "  config: disabled\n"
        "chpasswd:\n"
        "  list: ops:cloud-list-secret\n"
    ),
    "run/cloud-init/network-config.json": (
        '{"config": {"version": 2, "ethernets": {"ens5": {"match": {"macaddress": "06:93:3d:7a:be:69"}, '
        '"password": "json-flow-secret", "set-name": "ens5"}}}}'
    ),
    "etc/chrony/chrony.conf": (
        "# comment\nserver 169.254.169.123 prefer iburst minpoll 4 maxpoll 4\nkeyfile /etc/chrony/chrony.keys\n"
    ),
    "etc/resolv.conf": "nameserver 127.0.0.53\noptions edns0\nsearch ap-northeast-1.compute.internal\n",
    "run/systemd/resolve/resolv.conf": "nameserver 172.30.0.2\nsearch ap-northeast-1.compute.internal\n",
    "etc/hosts": "127.0.0.1 localhost\n\n# comment\n::1 ip6-localhost ip6-loopback\nff02::1 ip6-allnodes\n10.0.5.5\tldap ldap.example # old\n",
}

DEBIAN_IFUPDOWN = {
    "etc/os-release": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n',
    "etc/network/interfaces": (
        "auto lo\niface lo inet loopback\n\nallow-hotplug ens5\niface ens5 inet static\n"
        "    address 172.30.1.10/24\n    gateway 172.30.1.1\n    hwaddress ether 06:93:3d:7a:be:69\n"
        "    dns-nameservers 172.30.0.2\n    wpa-ssid office\n    wpa-psk ifupdown-psk-secret\n"
        "    wireless-key1 ifupdown-wep-secret\n    # wpa-psk ifupdown-comment-secret\n"
        "    up curl -u ops:ifupdown-curl-secret http://10.0.0.1/up\n"
        "    up curl http://ops:ifupdown-url-secret@10.0.0.1/up\n"
        "source /etc/network/interfaces.d/*\n"
    ),
    "etc/network/interfaces.d/50-extra": "auto ens6\niface ens6 inet dhcp\n",
    "etc/systemd/network/10-eth.link": "[Match]\nMACAddress=06:93:3d:7a:be:69\n\n[Link]\nName=ens5\n",
    "etc/systemd/timesyncd.conf": "[Time]\n#NTP=\nNTP=169.254.169.123\n",
    "etc/resolv.conf": "domain example\nsearch example internal.example\nnameserver 172.30.0.2\nnameserver 169.254.169.253\n",
    "etc/hosts": "127.0.0.1\tlocalhost\n127.0.1.1\tdb-01.example db-01\n169.254.169.254 metadata.example\n",
}

RHEL8_IFCFG = {
    "etc/os-release": 'NAME="Red Hat Enterprise Linux"\nID="rhel"\nVERSION_ID="8.9"\n',
    "etc/sysconfig/network-scripts/ifcfg-lo": "DEVICE=lo\n",
    "etc/sysconfig/network-scripts/ifcfg-eth0": (
        "DEVICE=eth0\nBOOTPROTO=none\nHWADDR=06:93:3d:7a:be:69\nONBOOT=yes\nTYPE=Ethernet\nIPADDR=172.30.1.10\nPREFIX=24\n"
        "IPADDR1=172.30.1.110\nPREFIX1=24\nGATEWAY=172.30.1.1\nDNS1=172.30.0.2\nKEY_MGMT=WPA-PSK\n"
    ),
    "etc/sysconfig/network-scripts/route-eth0": "10.0.0.0/16 via 172.30.1.1 dev eth0\n",
    "etc/sysconfig/network-scripts/keys-eth0": "KEY1=s:never-read-secret\n",
    "etc/sysconfig/network-scripts/ifcfg-wifi": (
        "ESSID=office\nWPA_PSK='ifcfg-psk-secret'\nKEY1=s:ifcfg-wep-secret\nKEY_PASSPHRASE1=ifcfg-pass-secret\n"
        'IEEE_8021X_PASSWORD="ifcfg 802 secret"\nIEEE_8021X_PRIVATE_KEY_PASSWORD=ifcfg-private-secret\n'
        "MACSEC_MKA_CAK=ifcfg-cak-secret\nIPV6_TOKEN=::10\nIEEE_8021X_IDENTITY=ops\n"
        'PASSWORD="ifcfg multi\nifcfg-line-secret\nends"\nDEVICE=wlan0\n'
    ),
    "etc/sysconfig/network": "NETWORKING=yes\nGATEWAY=172.30.1.1\n",
    "etc/NetworkManager/NetworkManager.conf": "[main]\n# comment\nplugins=ifcfg-rh\n",
    "etc/resolv.conf": "nameserver 172.30.0.2\n",
    "etc/chrony.conf": "pool 2.rhel.pool.ntp.org iburst\nserver 169.254.169.123 prefer\n",
}

RHEL9_KEYFILE = {
    "etc/os-release": 'NAME="Red Hat Enterprise Linux"\nID="rhel"\nVERSION_ID="9.4"\n',
    "etc/NetworkManager/system-connections/eth0.nmconnection": (
        "[connection]\nid=eth0\ntype=ethernet\ninterface-name=eth0\n\n[ethernet]\nmac-address=06:93:3D:7A:BE:69\n\n"
        "[802-1x]\neap=peap;\nidentity=ops\npassword=keyfile-802-secret\nprivate-key-password=keyfile-private-secret\n"
        "password-flags=0\n\n"
        "[ipv4]\nmethod=manual\naddress1=172.30.1.10/24,172.30.1.1\naddress2=172.30.1.110/24\ndns=172.30.0.2;\n\n"
        "[ipv6]\nmethod=auto\ntoken=::10\n"
    ),
    "etc/NetworkManager/system-connections/office wifi.nmconnection": (
        "[connection]\nid=office\ntype=wifi\n[wifi]\nssid=office\n[wifi-security]\nkey-mgmt=wpa-psk\n"
        "psk=keyfile-psk-secret\nwep-key0=keyfile-wep-secret\nleap-password=keyfile-leap-secret\n"
    ),
    "etc/NetworkManager/system-connections/vpn.nmconnection": (
        "[connection]\ntype=vpn\n[vpn]\nIPSec gateway=vpn.example\n[vpn-secrets]\nIPSec secret=keyfile-vpn-secret\n"
        "strange=keyfile-strange-secret\n[ipv4]\nmethod=auto\n"
    ),
    "etc/NetworkManager/system-connections/wg0.nmconnection": (
        "[connection]\ntype=wireguard\ninterface-name=wg0\n[wireguard]\nprivate-key=keyfile-wireguard-secret\n"
        "[wireguard-peer.xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=]\npreshared-key=keyfile-peer-secret\n"
    ),
    "etc/resolv.conf": "nameserver 172.30.0.2\n",
}

AMAZON_LINUX_2 = {
    "etc/os-release": 'NAME="Amazon Linux"\nVERSION="2"\nID="amzn"\nVERSION_ID="2"\nPRETTY_NAME="Amazon Linux 2"\n',
    "etc/sysconfig/network-scripts/ifcfg-eth0": (
        "DEVICE=eth0\nBOOTPROTO=dhcp\nONBOOT=yes\nTYPE=Ethernet\nUSERCTL=yes\nPEERDNS=yes\nDHCPV6C=yes\nRES_OPTIONS="
        '"timeout:2 attempts:5"\nDHCP_ARP_CHECK=no\n'
    ),
    "etc/sysconfig/network-scripts/ec2net-functions": "# uses http://169.254.169.254/latest/meta-data\n",
    "etc/udev/rules.d/70-persistent-net.rules": (
        "# elastic network interface\n"
        'SUBSYSTEM=="net", ACTION=="add", DRIVERS=="ena", ATTR{address}=="06:93:3d:7a:be:69", NAME="eth0"\n'
        'SUBSYSTEM=="net", ACTION=="add", DRIVERS=="?*", KERNELS=="0000:00:06.0", NAME="eth1"\n'
    ),
    "etc/udev/rules.d/60-other.rules": 'SUBSYSTEM=="block", KERNEL=="sd*", MODE="0660"\n',
    "var/lib/dhclient/dhclient--eth0.lease": (
        'lease {\n  interface "eth0";\n  fixed-address 172.30.1.110;\n  expire 4 2099/01/01 00:00:00;\n}\n'
        'lease {\n  interface "eth0";\n  fixed-address 172.30.1.11;\n  expire 4 2020/01/01 00:00:00;\n}\n'
    ),
    "etc/resolv.conf": "search ap-northeast-1.compute.internal\nnameserver 172.30.0.2\n",
    "etc/chrony.conf": "server 169.254.169.123 prefer iburst\n",
    "etc/cron.d/backup": "5 * * * * root curl -s http://169.254.169.254/latest/meta-data/instance-id\n",
    "usr/bin/amazon-ssm-agent": "",
}

AMAZON_LINUX_2023 = {
    "etc/os-release": 'NAME="Amazon Linux"\nVERSION="2023"\nID="amzn"\nVERSION_ID="2023"\nPRETTY_NAME="Amazon Linux 2023"\n',
    "usr/lib/systemd/network/80-ec2.network": "[Match]\nDriver=ena ixgbevf vif\n\n[Link]\nMTUBytes=9001\n\n[Network]\nDHCP=yes\n",
    "usr/lib/systemd/network/99-default.link": "[Match]\nOriginalName=*\n",
    "run/systemd/network/70-ens5.network": "[Match]\nPermanentMACAddress=06:93:3d:7a:be:69\n\n[Network]\nDHCP=yes\n\n[Route]\nTable=10001\nGateway=_dhcp4\n",
    "etc/systemd/network/50-wg.netdev": (
        "[NetDev]\nName=wg0\nKind=wireguard\n[WireGuard]\nPrivateKey=networkd-private-secret\n"
        "[WireGuardPeer]\nPublicKey=public-key-that-stays\nPresharedKey=networkd-first-secret\\\nnetworkd-second-secret\nEndpoint=192.0.2.1:51820\n"
    ),
    "etc/systemd/network/60-static.network": "[Match]\nName=ens6\n\n[Network]\nAddress=172.30.1.110/24\nGateway=172.30.1.1\n",
    "run/chrony.d/link-local.sources": "server 169.254.169.123 prefer iburst minpoll 4 maxpoll 4\n",
    "run/systemd/resolve/resolv.conf": "nameserver 172.30.0.2\n",
}

SUSE_WICKED = {
    "etc/os-release": 'NAME="SLES"\nVERSION_ID="15.5"\nID="sles"\nPRETTY_NAME="SUSE Linux Enterprise Server 15 SP5"\n',
    "etc/sysconfig/network/ifcfg-eth0": (
        "BOOTPROTO='static'\nSTARTMODE='auto'\nIPADDR='172.30.1.10/24'\nIPADDR_1='172.30.1.110/24'\nLABEL_1='1'\n"
        "LLADDR='06:93:3d:7a:be:69'\nWIRELESS_WPA_PSK='wicked-psk-secret'\nWIRELESS_KEY_0='wicked-wep-secret'\n"
        "WIRELESS_CLIENT_KEY_PASSWORD='wicked-client-secret'\n"
    ),
    "etc/sysconfig/network/ifcfg-lo": "STARTMODE=nfsroot\n",
    "etc/sysconfig/network/ifroute-eth0": "10.0.0.0/16 172.30.1.1 - eth0\n",
    "etc/sysconfig/network/routes": "default 172.30.1.1 - -\n",
    "etc/sysconfig/network/config": "## Type: string\n# comment\n" * 50 + 'NETCONFIG_DNS_STATIC_SERVERS="172.30.0.2"\n',
    "etc/udev/rules.d/70-persistent-net.rules": (
        'SUBSYSTEM=="net", ACTION=="add", DRIVERS=="?*", ATTR{address}=="06:93:3d:7a:be:69", '
        'ATTR{dev_id}=="0x0", ATTR{type}=="1", KERNEL=="eth*", NAME="eth0"\n'
    ),
    "etc/ntp.conf": "server 169.254.169.123 iburst\ncrypto pw ntp-crypto-secret\n",
    "etc/resolv.conf": "nameserver 172.30.0.2\n",
}

TREES = {
    "ubuntu-netplan": UBUNTU_NETPLAN,
    "debian-ifupdown": DEBIAN_IFUPDOWN,
    "rhel8-ifcfg": RHEL8_IFCFG,
    "rhel9-keyfile": RHEL9_KEYFILE,
    "amazon-linux-2": AMAZON_LINUX_2,
    "amazon-linux-2023": AMAZON_LINUX_2023,
    "suse-wicked": SUSE_WICKED,
}


def cpio(entries):
    """An archive in the format of initramfs files (cpio, newc) from path and content."""
    out = io.BytesIO()
    for path, content in [*entries.items(), ("TRAILER!!!", b"")]:
        name = path.encode() + b"\0"
        fields = [0, 0o100644, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0]
        out.write(b"070701" + b"".join(b"%08X" % field for field in fields) + name)
        out.write(b"\0" * (-out.tell() % 4))
        out.write(content)
        out.write(b"\0" * (-out.tell() % 4))
    out.write(b"\0" * (-out.tell() % 512))
    return out.getvalue()


MODULES = "usr/lib/modules/5.14.0-1.x86_64/kernel/drivers"
LISTS_ONLY = {
    "usr/lib/modules/5.14.0-1.x86_64/modules.order": b"kernel/drivers/net/virtio_net.ko\nkernel/drivers/scsi/virtio_scsi.ko\n",
    f"{MODULES}/net/ena/ena.ko": b"\x7fELF ena",
}
WITH_VIRTIO = {
    **LISTS_ONLY,
    f"{MODULES}/net/virtio_net.ko.xz": b"\xfd7zXZ",
    f"{MODULES}/scsi/virtio_scsi.ko": b"\x7fELF",
}
MICROCODE = {"kernel/x86/microcode/GenuineIntel.bin": bytes(range(256)) * 9 + b"tail"}

INITRAMFS = {
    "gzip": gzip.compress(cpio(WITH_VIRTIO)),
    "xz": lzma.compress(cpio(WITH_VIRTIO), check=lzma.CHECK_CRC32),
    "microcode and gzip": cpio(MICROCODE) + gzip.compress(cpio(WITH_VIRTIO)),
    "not compressed": cpio(WITH_VIRTIO),
    "microcode and many files": cpio(MICROCODE)
    + cpio({**{f"bin/{i}": b"x" for i in range(90)}, **WITH_VIRTIO})
    + b"rest",
}
