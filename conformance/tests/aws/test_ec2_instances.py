"""Instances: launch with a fixed address, stop, start, terminate, and the address after that."""

import itertools

import pytest

ADDRESSES = (f"10.231.1.{last}" for last in itertools.count(20))
WAIT = {"Delay": 1, "MaxAttempts": 20}


@pytest.fixture(scope="module")
def place(ec2):
    """A subnet for tests: VPC and subnet ids."""
    vpc = ec2.create_vpc(CidrBlock="10.231.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.231.1.0/24")["Subnet"]["SubnetId"]
    return vpc, subnet


@pytest.fixture
def instance(ec2, place):
    """A running instance with a fixed address."""
    address = next(ADDRESSES)
    made = ec2.run_instances(
        ImageId="ami-0123456789abcdef0",
        InstanceType="t3.micro",
        MinCount=1,
        MaxCount=1,
        SubnetId=place[1],
        PrivateIpAddress=address,
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "conformance"}]}],
    )["Instances"][0]
    ec2.get_waiter("instance_running").wait(InstanceIds=[made["InstanceId"]], WaiterConfig=WAIT)
    yield made["InstanceId"], address
    ec2.terminate_instances(InstanceIds=[made["InstanceId"]])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[made["InstanceId"]], WaiterConfig=WAIT)


def state_of(ec2, ident):
    return ec2.describe_instances(InstanceIds=[ident])["Reservations"][0]["Instances"][0]


def test_an_instance_has_the_address_it_was_launched_with(ec2, instance):
    ident, address = instance
    seen = state_of(ec2, ident)
    assert seen["PrivateIpAddress"] == address
    assert {"Key": "Name", "Value": "conformance"} in seen["Tags"]


def test_an_address_in_use_is_refused(ec2, place, instance, refuse):
    with refuse("InvalidIPAddress.InUse"):
        ec2.run_instances(
            ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, SubnetId=place[1], PrivateIpAddress=instance[1]
        )


def test_an_address_outside_the_subnet_is_refused(ec2, place, refuse):
    with refuse("InvalidParameterValue"):
        ec2.run_instances(
            ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, SubnetId=place[1], PrivateIpAddress="10.99.0.9"
        )


def test_stopping_and_starting_takes_time_and_keeps_the_address(lab, ec2, instance, refuse):
    ident, address = instance
    with lab.frozen():
        (change,) = ec2.stop_instances(InstanceIds=[ident])["StoppingInstances"]
        assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("running", "stopping")
        assert state_of(ec2, ident)["State"]["Name"] == "stopping"
    ec2.get_waiter("instance_stopped").wait(InstanceIds=[ident], WaiterConfig=WAIT)
    stopped = state_of(ec2, ident)
    assert stopped["PrivateIpAddress"] == address
    assert stopped["State"] == {"Code": 80, "Name": "stopped"}
    with refuse("DryRunOperation"):
        ec2.start_instances(InstanceIds=[ident], DryRun=True)
    assert state_of(ec2, ident)["State"]["Name"] == "stopped"
    with lab.frozen():
        (change,) = ec2.start_instances(InstanceIds=[ident])["StartingInstances"]
        assert (change["PreviousState"]["Name"], change["CurrentState"]["Name"]) == ("stopped", "pending")
    ec2.get_waiter("instance_running").wait(InstanceIds=[ident], WaiterConfig=WAIT)
    assert state_of(ec2, ident)["State"] == {"Code": 16, "Name": "running"}


def test_stopping_twice_changes_nothing(ec2, instance):
    ident, _ = instance
    ec2.stop_instances(InstanceIds=[ident])
    ec2.get_waiter("instance_stopped").wait(InstanceIds=[ident], WaiterConfig=WAIT)
    (again,) = ec2.stop_instances(InstanceIds=[ident])["StoppingInstances"]
    assert again["CurrentState"]["Name"] == "stopped"


def test_a_stopping_instance_cannot_be_started(lab, ec2, instance, refuse):
    ident, _ = instance
    with lab.frozen():
        ec2.stop_instances(InstanceIds=[ident])
        with refuse("IncorrectInstanceState"):
            ec2.start_instances(InstanceIds=[ident])
    ec2.get_waiter("instance_stopped").wait(InstanceIds=[ident], WaiterConfig=WAIT)


def test_the_status_of_running_instances_is_ok(ec2, instance):
    ident, _ = instance
    ec2.get_waiter("instance_status_ok").wait(InstanceIds=[ident], WaiterConfig=WAIT)
    ec2.stop_instances(InstanceIds=[ident])
    ec2.get_waiter("instance_stopped").wait(InstanceIds=[ident], WaiterConfig=WAIT)
    assert ec2.describe_instance_status(InstanceIds=[ident])["InstanceStatuses"] == []
    (all_states,) = ec2.describe_instance_status(InstanceIds=[ident], IncludeAllInstances=True)["InstanceStatuses"]
    assert all_states["InstanceState"]["Name"] == "stopped"


def test_secondary_addresses_come_and_go(ec2, instance, refuse):
    ident, address = instance
    eni = state_of(ec2, ident)["NetworkInterfaces"][0]["NetworkInterfaceId"]

    def addresses():
        (shown,) = ec2.describe_network_interfaces(NetworkInterfaceIds=[eni])["NetworkInterfaces"]
        return [each["PrivateIpAddress"] for each in shown["PrivateIpAddresses"]]

    added = ec2.assign_private_ip_addresses(NetworkInterfaceId=eni, PrivateIpAddresses=["10.231.1.200"])
    assert added["NetworkInterfaceId"] == eni
    assert added["AssignedPrivateIpAddresses"] == [{"PrivateIpAddress": "10.231.1.200"}]
    chosen = ec2.assign_private_ip_addresses(NetworkInterfaceId=eni, SecondaryPrivateIpAddressCount=2)
    chosen = [each["PrivateIpAddress"] for each in chosen["AssignedPrivateIpAddresses"]]
    assert sorted(addresses()) == sorted([address, "10.231.1.200", *chosen])
    with refuse("InvalidParameterValue"):
        ec2.unassign_private_ip_addresses(NetworkInterfaceId=eni, PrivateIpAddresses=[address])
    ec2.unassign_private_ip_addresses(NetworkInterfaceId=eni, PrivateIpAddresses=["10.231.1.200", *chosen])
    assert addresses() == [address]


def test_a_terminated_instance_frees_its_address(ec2, place):
    address = "10.231.1.250"
    for _ in range(2):
        made = ec2.run_instances(
            ImageId="ami-0123456789abcdef0", MinCount=1, MaxCount=1, SubnetId=place[1], PrivateIpAddress=address
        )["Instances"][0]["InstanceId"]
        ec2.get_waiter("instance_running").wait(InstanceIds=[made], WaiterConfig=WAIT)
        ec2.terminate_instances(InstanceIds=[made])
        ec2.get_waiter("instance_terminated").wait(InstanceIds=[made], WaiterConfig=WAIT)
