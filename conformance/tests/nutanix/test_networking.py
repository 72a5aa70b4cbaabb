"""Flow networking: subnets, reserved addresses, VPCs and their prefixes, route tables, the view of AWS."""

import ntnx_networking_py_client as networking
import pytest


@pytest.fixture(scope="module")
def prod(tokyo):
    return tokyo.vpc("prod").ext_id


@pytest.fixture
def subnet(tokyo, prod, fresh_name):
    made = tokyo.make_subnet(fresh_name, "10.250.3.0/24", prod)
    yield made
    for vnic in tokyo.subnets.list_vnics_by_subnet_id(made).data or []:
        tokyo.drop_vm(vnic.vm_reference)
    tokyo.drop_subnet(made)


def ip(address):
    return networking.IPAddress(ipv4=networking.IPv4Address(value=address, prefix_length=32))


def reserved(tokyo, subnet):
    found = tokyo.addresses.list_reserved_ips_by_subnet_id(subnet).data or []
    return {one.ipv4_address: one.client_context for one in found}


def test_a_subnet_is_created_read_changed_and_deleted(tokyo, prod, fresh_name, refuse):
    ident = tokyo.make_subnet(fresh_name, "10.250.4.0/24", prod)
    answer = tokyo.subnets.get_subnet_by_id(ident)
    made = answer.data
    assert type(made).__name__ == "Subnet"
    assert (made.name, made.subnet_type, made.vpc_reference, made.ip_prefix) == (
        fresh_name,
        "OVERLAY",
        prod,
        "10.250.4.0/24",
    )
    assert made.ip_config[0].ipv4.default_gateway_ip.value == "10.250.4.1"
    assert made.ip_usage.num_assigned_i_ps == 0
    made.description = "changed"
    made.dhcp_options = networking.DhcpOptions(domain_name_servers=[ip("10.101.0.2")])
    tokyo.done(tokyo.subnets.update_subnet_by_id(ident, made))
    changed = tokyo.subnets.get_subnet_by_id(ident).data
    assert changed.description == "changed"
    assert changed.dhcp_options.domain_name_servers[0].ipv4.value == "10.101.0.2"
    tokyo.drop_subnet(ident)
    with refuse(404):
        tokyo.subnets.get_subnet_by_id(ident)


def test_a_stale_subnet_is_refused(tokyo, subnet, refuse):
    first = tokyo.subnets.get_subnet_by_id(subnet).data
    second = tokyo.subnets.get_subnet_by_id(subnet).data
    first.description = "first"
    tokyo.done(tokyo.subnets.update_subnet_by_id(subnet, first))
    second.description = "second"
    with refuse(412):
        tokyo.subnets.update_subnet_by_id(subnet, second)


def test_subnets_of_one_vpc_do_not_overlap(tokyo, prod, subnet, fresh_name):
    body = tokyo.subnets.get_subnet_by_id(subnet).data
    again = networking.Subnet(
        name=f"{fresh_name}-2", subnet_type="OVERLAY", vpc_reference=prod, ip_config=body.ip_config
    )
    assert tokyo.failed(tokyo.subnets.create_subnet(again)).message


def test_one_prefix_may_be_in_two_vpcs(tokyo, subnet, fresh_name):
    other = tokyo.affected(
        tokyo.done(tokyo.vpcs.create_vpc(networking.Vpc(name=f"{fresh_name}-vpc"))), "networking:config:vpc"
    )
    twin = tokyo.make_subnet(f"{fresh_name}-twin", "10.250.3.0/24", other)
    assert tokyo.subnets.get_subnet_by_id(twin).data.vpc_reference == other
    tokyo.drop_subnet(twin)
    etag = tokyo.etag("networking", tokyo.vpcs.get_vpc_by_id(other))
    tokyo.done(tokyo.vpcs.delete_vpc_by_id(other, if_match=etag))


def test_a_subnet_in_use_cannot_be_deleted(tokyo, subnet, fresh_name):
    vm = tokyo.make_vm(fresh_name, tokyo.nic(subnet, "10.250.3.9"))
    etag = tokyo.etag("networking", tokyo.subnets.get_subnet_by_id(subnet))
    assert tokyo.failed(tokyo.subnets.delete_subnet_by_id(subnet, if_match=etag)).message
    tokyo.drop_vm(vm)


def test_vnics_list_the_vm_of_each_address(tokyo, subnet, fresh_name):
    vm = tokyo.make_vm(fresh_name, tokyo.nic(subnet, "10.250.3.9", secondary=["10.250.3.10"]))
    (vnic,) = tokyo.subnets.list_vnics_by_subnet_id(subnet).data
    assert vnic.vm_reference == vm
    assert [one.ipv4.value for one in vnic.assigned_ipv4_addresses] == ["10.250.3.9"]
    assert [one.ipv4.value for one in vnic.assigned_secondary_ipv4_addresses] == ["10.250.3.10"]
    tokyo.drop_vm(vm)
    assert not tokyo.subnets.list_vnics_by_subnet_id(subnet).data


def test_addresses_are_reserved_by_list_and_released_by_context(tokyo, subnet, fresh_name, read_address):
    spec = networking.IpReserveSpec(
        reserve_type=networking.ReserveType.IP_ADDRESS_LIST,
        ip_addresses=[ip("10.250.3.200"), ip("10.250.3.34")],
        client_context="wave-1",
    )
    tokyo.done(tokyo.addresses.reserve_ips_by_subnet_id(subnet, spec))
    assert reserved(tokyo, subnet) == {"10.250.3.200": "wave-1", "10.250.3.34": "wave-1"}
    vm = tokyo.make_vm(fresh_name, tokyo.nic(subnet))
    (nic,) = tokyo.nics(vm)
    assert read_address(nic) == "10.250.3.201", "a reserved address is not handed out"
    tokyo.drop_vm(vm)
    other = networking.IpReserveSpec(
        reserve_type=networking.ReserveType.IP_ADDRESS_LIST, ip_addresses=[ip("10.250.3.34")], client_context="wave-2"
    )
    assert "10.250.3.34" in tokyo.failed(tokyo.addresses.reserve_ips_by_subnet_id(subnet, other)).message
    release = networking.IpUnreserveSpec(unreserve_type=networking.UnreserveType.CONTEXT, client_context="wave-1")
    tokyo.done(tokyo.addresses.unreserve_ips_by_subnet_id(subnet, release))
    assert reserved(tokyo, subnet) == {}


def test_addresses_are_reserved_by_range_and_by_count(tokyo, subnet):
    in_range = networking.IpReserveSpec(
        reserve_type=networking.ReserveType.IP_ADDRESS_RANGE,
        start_ip_address=ip("10.250.3.60"),
        count=3,
        client_context="range",
    )
    tokyo.done(tokyo.addresses.reserve_ips_by_subnet_id(subnet, in_range))
    assert set(reserved(tokyo, subnet)) == {"10.250.3.60", "10.250.3.61", "10.250.3.62"}
    counted = networking.IpReserveSpec(
        reserve_type=networking.ReserveType.IP_ADDRESS_COUNT, count=2, client_context="count"
    )
    task = tokyo.done(tokyo.addresses.reserve_ips_by_subnet_id(subnet, counted))
    assert task.completion_details
    contexts = list(reserved(tokyo, subnet).values())
    assert (contexts.count("range"), contexts.count("count")) == (3, 2)
    release = networking.IpUnreserveSpec(
        unreserve_type=networking.UnreserveType.IP_ADDRESS_RANGE, start_ip_address=ip("10.250.3.60"), count=3
    )
    tokyo.done(tokyo.addresses.unreserve_ips_by_subnet_id(subnet, release))
    assert set(reserved(tokyo, subnet).values()) == {"count"}


def prefixes(vpc):
    return sorted(f"{one.ipv4.ip.value}/{one.ipv4.prefix_length}" for one in vpc.externally_routable_prefixes or [])


def with_prefix(tokyo, name, *cidrs):
    """Replaces the routable prefixes of a VPC; the task's answer."""
    vpc = tokyo.vpcs.get_vpc_by_id(tokyo.vpc(name).ext_id).data
    vpc.externally_routable_prefixes = [
        networking.IPSubnet(
            ipv4=networking.IPv4Subnet(
                ip=networking.IPv4Address(value=cidr.split("/")[0], prefix_length=32),
                prefix_length=int(cidr.split("/")[1]),
            )
        )
        for cidr in cidrs
    ]
    return tokyo.vpcs.update_vpc_by_id(vpc.ext_id, vpc)


def test_vpcs_have_their_prefixes_and_external_subnets(tokyo):
    prod = tokyo.vpc("prod")
    assert prefixes(prod) == ["192.168.50.0/24"] and prod.vpc_type == "REGULAR"
    assert tokyo.vpc("transit-vpc").vpc_type == "TRANSIT"
    uplink = tokyo.subnets.get_subnet_by_id(prod.external_subnets[0].subnet_reference).data
    assert uplink.is_external is True and uplink.is_nat_enabled is False


def test_a_prefix_is_added_to_both_vpcs_and_removed(tokyo):
    for name in ("prod", "transit-vpc"):
        tokyo.done(with_prefix(tokyo, name, "192.168.50.0/24", "10.250.9.0/24"))
        assert prefixes(tokyo.vpc(name)) == ["10.250.9.0/24", "192.168.50.0/24"]
    for name in ("transit-vpc", "prod"):
        tokyo.done(with_prefix(tokyo, name, "192.168.50.0/24"))
        assert prefixes(tokyo.vpc(name)) == ["192.168.50.0/24"]


def test_a_prefix_longer_than_28_bits_is_refused(tokyo):
    before = prefixes(tokyo.vpc("prod"))
    try:
        answer = with_prefix(tokyo, "prod", "192.168.50.0/24", "10.250.9.1/32")
    except networking.rest.ApiException as error:
        assert error.status == 400
    else:
        assert tokyo.failed(answer).message
    assert prefixes(tokyo.vpc("prod")) == before


def test_route_tables_lead_to_the_external_subnet(tokyo):
    prod = tokyo.vpc("prod")
    table = next(
        one for one in tokyo.everything(tokyo.route_tables.list_route_tables) if one.vpc_reference == prod.ext_id
    )
    routes = tokyo.routes.list_routes_by_route_table_id(table.ext_id).data
    default = next(one for one in routes if one.destination.ipv4.prefix_length == 0)
    assert default.nexthop.nexthop_type == "EXTERNAL_SUBNET"
    assert default.nexthop.nexthop_reference == prod.external_subnets[0].subnet_reference


def test_the_clusters_aws_subnets_and_vpc_are_listed(tokyo, refuse):
    cluster = tokyo.vms.list_vms(_limit=1).data[0].cluster.ext_id
    (vpc,) = tokyo.aws_vpcs.list_aws_vpcs(cluster).data
    assert vpc.cidrs == ["10.101.0.0/16"] and vpc.vpc_id.startswith("vpc-")
    found = {one.cidr: one for one in tokyo.aws_subnets.list_aws_subnets(cluster).data}
    assert found["10.101.3.0/24"].vpc_id == vpc.vpc_id
    with refuse(404):
        tokyo.aws_vpcs.list_aws_vpcs("00000000-0000-4000-8000-000000000000")
