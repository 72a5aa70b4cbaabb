# For `terraform output -json`: all ids by site and region, in the terms of stayput.toml.
output "stayput" {
  description = "What stayput.toml needs of this landing zone."
  value = {
    format = 1

    estate  = { name = var.name }
    on_prem = { prefixes = var.on_prem_prefixes }

    source = {
      ec2 = {
        region         = var.region
        vpc            = var.ec2_vpc.vpc_id
        tgw            = module.transit.transit_gateway_id
        attachment     = module.transit.vpc_attachment_ids["ec2"]
        route_tables   = var.ec2_vpc.route_table_ids
        moved_networks = var.ec2_vpc.moved_networks
      }
    }

    sites = {
      nc2 = {
        region                 = var.region
        vpc                    = module.nc2.vpc_id
        cidr                   = module.nc2.cidr_block
        tgw                    = module.transit.transit_gateway_id
        attachment             = module.transit.vpc_attachment_ids["nc2"]
        subnets                = module.nc2.subnet_ids
        route_tables           = module.nc2.route_table_ids
        overlay_security_group = module.nc2.overlay_security_group_id
      }
    }

    edges = { for name, edge in module.transit.edges : name => merge(edge, { region = var.region }) }

    transit_gateways = {
      (var.region) = {
        id           = module.transit.transit_gateway_id
        route_tables = module.transit.route_table_ids
        attachments  = merge(module.transit.vpc_attachment_ids, module.transit.vpn_attachment_ids, module.transit.direct_connect_attachment_ids)
      }
    }

    peering     = null
    vpc_peering = null

    state_table = {
      name        = module.state_table.name
      regions     = module.state_table.regions
      consistency = module.state_table.consistency
    }

    capture_document = {
      region = var.region
      name   = module.capture_document.name
    }

    iam_policies = module.iam_policies.policy_arns
  }
}
