locals {
  strong = var.consistency == "strong"
  # The keys that stayput's ledger needs.
  keys    = [{ name = "pk", type = "S" }, { name = "sk", type = "N" }]
  regions = local.strong ? [data.aws_region.this.id, var.replica_region] : [data.aws_region.this.id]

  replica_settings = {
    DeletionProtectionEnabled        = var.deletion_protection
    PointInTimeRecoverySpecification = { PointInTimeRecoveryEnabled = true }
    Tags                             = [for key, value in var.tags : { Key = key, Value = value }]
  }
}

data "aws_partition" "this" {}

data "aws_region" "this" {}

data "aws_caller_identity" "this" {}

# ---- One region -------------------------------------------------------------------------------------------------------

resource "aws_dynamodb_table" "this" {
  count = local.strong ? 0 : 1

  name                        = var.name
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = var.deletion_protection

  dynamic "attribute" {
    for_each = local.keys
    content {
      name = attribute.value.name
      type = attribute.value.type
    }
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled = true
  }

  tags = var.tags
}

# ---- Two regions and a witness ----------------------------------------------------------------------------------------
# aws_dynamodb_table has no witness before version 6 of the provider. CloudFormation has one, and works with all versions.

resource "aws_cloudformation_stack" "this" {
  count = local.strong ? 1 : 0

  name = replace("${var.name}-table", "/[^a-zA-Z0-9-]/", "-")
  tags = var.tags

  template_body = jsonencode({
    AWSTemplateFormatVersion = "2010-09-09"
    Description              = "State table of stayput: a global table with multi-region strong consistency"
    Resources = {
      Table = {
        Type                = "AWS::DynamoDB::GlobalTable"
        UpdateReplacePolicy = "Retain"
        Properties = {
          TableName              = var.name
          BillingMode            = "PAY_PER_REQUEST"
          AttributeDefinitions   = [for key in local.keys : { AttributeName = key.name, AttributeType = key.type }]
          KeySchema              = [for index, key in local.keys : { AttributeName = key.name, KeyType = index == 0 ? "HASH" : "RANGE" }]
          MultiRegionConsistency = "STRONG"
          Replicas               = [for region in local.regions : merge(local.replica_settings, { Region = region })]
          GlobalTableWitnesses   = [{ Region = var.witness_region }]
          SSESpecification       = { SSEEnabled = true, SSEType = "KMS" }
        }
      }
    }
    Outputs = {
      TableName = { Value = { Ref = "Table" } }
    }
  })

  lifecycle {
    precondition {
      condition     = length(distinct([data.aws_region.this.id, var.replica_region, var.witness_region])) == 3
      error_message = "The two replicas and the witness must be in three regions."
    }
    # The sets of regions in which DynamoDB offers strong consistency.
    precondition {
      condition = anytrue([
        for set in [
          ["ap-northeast-1", "ap-northeast-2", "ap-northeast-3"],
          ["us-east-1", "us-east-2", "us-west-2"],
          ["eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1"],
        ] : alltrue([for region in [data.aws_region.this.id, var.replica_region, var.witness_region] : contains(set, region)])
      ])
      error_message = "DynamoDB offers strong consistency within the sets Tokyo, Seoul, Osaka; N. Virginia, Ohio, Oregon; Ireland, London, Paris, Frankfurt."
    }
  }
}
