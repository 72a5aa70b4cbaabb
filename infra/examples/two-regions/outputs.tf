# For `terraform output -json`: all ids by site and region, in the terms of stayput.toml.
output "stayput" {
  description = "What stayput.toml needs of this landing zone."
  value = {
    format = 1

    estate  = { name = var.name }
    on_prem = { prefixes = var.on_prem_prefixes }

    source = {
      ec2 = {
        region         = local.tokyo_region
        vpc            = var.ec2_vpc.vpc_id
        tgw            = module.transit_tokyo.transit_gateway_id
        attachment     = module.transit_tokyo.vpc_attachment_ids["ec2"]
        route_tables   = var.ec2_vpc.route_table_ids
        moved_networks = var.ec2_vpc.moved_networks
      }
    }

    sites = {
      tokyo = {
        region                 = local.tokyo_region
        vpc                    = module.nc2_tokyo.vpc_id
        cidr                   = module.nc2_tokyo.cidr_block
        tgw                    = module.transit_tokyo.transit_gateway_id
        attachment             = module.transit_tokyo.vpc_attachment_ids["nc2"]
        subnets                = module.nc2_tokyo.subnet_ids
        route_tables           = module.nc2_tokyo.route_table_ids
        overlay_security_group = module.nc2_tokyo.overlay_security_group_id
      }
      osaka = {
        region                 = local.osaka_region
        vpc                    = module.nc2_osaka.vpc_id
        cidr                   = module.nc2_osaka.cidr_block
        tgw                    = module.transit_osaka.transit_gateway_id
        attachment             = module.transit_osaka.vpc_attachment_ids["nc2"]
        subnets                = module.nc2_osaka.subnet_ids
        route_tables           = module.nc2_osaka.route_table_ids
        overlay_security_group = module.nc2_osaka.overlay_security_group_id
      }
    }

    edges = merge(
      { for name, edge in module.transit_tokyo.edges : name => merge(edge, { region = local.tokyo_region }) },
      { for name, edge in module.transit_osaka.edges : name => merge(edge, { region = local.osaka_region }) },
    )

    transit_gateways = {
      (local.tokyo_region) = {
        id           = module.transit_tokyo.transit_gateway_id
        route_tables = module.transit_tokyo.route_table_ids
        attachments  = merge(module.transit_tokyo.vpc_attachment_ids, module.transit_tokyo.vpn_attachment_ids, { peering = module.transit_peering.attachment_id })
      }
      (local.osaka_region) = {
        id           = module.transit_osaka.transit_gateway_id
        route_tables = module.transit_osaka.route_table_ids
        attachments  = merge(module.transit_osaka.vpc_attachment_ids, module.transit_osaka.vpn_attachment_ids, { peering = module.transit_peering.attachment_id })
      }
    }

    peering     = module.transit_peering.attachment_id
    vpc_peering = one(module.vpc_peering[*].connection_id)

    state_table = {
      name        = module.state_table.name
      regions     = module.state_table.regions
      consistency = module.state_table.consistency
    }

    capture_document = {
      region = local.tokyo_region
      name   = module.capture_document.name
    }

    iam_policies = module.iam_policies.policy_arns
  }
}
