"""Seeds a running moto server through boto3 and prints what was made, as JSON.

Usage: moto_seed.py ENDPOINT REGION. At the end moto is told to check signatures and policies, so that the client under
test must sign as AWS expects.
"""

import json
import sys
import urllib.request

import boto3

endpoint, region = sys.argv[1:]


def client(service):
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id="seed",
        aws_secret_access_key="seed",
    )


ec2, iam = client("ec2"), client("iam")
vpc = ec2.create_vpc(CidrBlock="172.30.0.0/16")["Vpc"]["VpcId"]
ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": "old <&> \u6771\u4eac"}])
subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="172.30.1.0/24", AvailabilityZone=region + "a")["Subnet"]["SubnetId"]
image = ec2.describe_images()["Images"][0]["ImageId"]
instance = ec2.run_instances(
    ImageId=image, MinCount=1, MaxCount=1, InstanceType="m5.large", SubnetId=subnet, PrivateIpAddress="172.30.1.34"
)["Instances"][0]["InstanceId"]
gone = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet)["Instances"][0]["InstanceId"]
ec2.terminate_instances(InstanceIds=[gone])
eni = ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress="172.30.1.99", Description="spare")[
    "NetworkInterface"
]["NetworkInterfaceId"]
tgw = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
attachment = ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=tgw, VpcId=vpc, SubnetIds=[subnet])[
    "TransitGatewayVpcAttachment"
]["TransitGatewayAttachmentId"]
table = ec2.create_transit_gateway_route_table(
    TransitGatewayId=tgw,
    TagSpecifications=[{"ResourceType": "transit-gateway-route-table", "Tags": [{"Key": "Name", "Value": "spokes"}]}],
)["TransitGatewayRouteTable"]["TransitGatewayRouteTableId"]
ec2.create_transit_gateway_route(
    DestinationCidrBlock="10.1.0.0/16", TransitGatewayRouteTableId=table, TransitGatewayAttachmentId=attachment
)
ec2.create_transit_gateway_route(DestinationCidrBlock="10.2.0.0/16", TransitGatewayRouteTableId=table, Blackhole=True)

iam.create_user(UserName="stayput")
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
iam.put_user_policy(UserName="stayput", PolicyName="all", PolicyDocument=json.dumps(policy))
key = iam.create_access_key(UserName="stayput")["AccessKey"]
request = urllib.request.Request(
    endpoint + "/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"}, method="POST"
)
urllib.request.urlopen(request).read()

print(
    json.dumps(
        {
            "key_id": key["AccessKeyId"],
            "secret": key["SecretAccessKey"],
            "vpc": vpc,
            "subnet": subnet,
            "instance": instance,
            "gone": gone,
            "eni": eni,
            "tgw": tgw,
            "attachment": attachment,
            "table": table,
        }
    )
)
