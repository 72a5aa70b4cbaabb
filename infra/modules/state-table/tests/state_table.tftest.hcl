mock_provider "aws" {
  mock_resource "aws_cloudformation_stack" {
    defaults = { outputs = { TableName = "stayput-state" } }
  }
  mock_data "aws_region" {
    defaults = { id = "ap-northeast-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  name = "stayput-state"
}

run "strong_table_has_two_replicas_and_a_witness" {
  assert {
    condition = (
      jsondecode(aws_cloudformation_stack.this[0].template_body).Resources.Table.Properties.MultiRegionConsistency == "STRONG" &&
      jsondecode(aws_cloudformation_stack.this[0].template_body).Resources.Table.Properties.Replicas[*].Region == ["ap-northeast-1", "ap-northeast-3"] &&
      jsondecode(aws_cloudformation_stack.this[0].template_body).Resources.Table.Properties.GlobalTableWitnesses[*].Region == ["ap-northeast-2"]
    )
    error_message = "The default must be Tokyo and Osaka with the witness in Seoul."
  }
  assert {
    condition     = alltrue([for replica in jsondecode(aws_cloudformation_stack.this[0].template_body).Resources.Table.Properties.Replicas : replica.DeletionProtectionEnabled])
    error_message = "Each replica must be protected from deletion."
  }
  assert {
    condition = (
      jsondecode(aws_cloudformation_stack.this[0].template_body).Resources.Table.Properties.KeySchema == [
        { AttributeName = "pk", KeyType = "HASH" }, { AttributeName = "sk", KeyType = "RANGE" },
      ] &&
      jsondecode(aws_cloudformation_stack.this[0].template_body).Resources.Table.Properties.AttributeDefinitions[*].AttributeType == ["S", "N"]
    )
    error_message = "The keys must be those of a ledger."
  }
  assert {
    condition     = length(aws_dynamodb_table.this) == 0 && output.name == "stayput-state"
    error_message = "There must be one table, made by the stack."
  }
  assert {
    condition = output.arns == {
      ap-northeast-1 = "arn:aws:dynamodb:ap-northeast-1:111122223333:table/stayput-state"
      ap-northeast-3 = "arn:aws:dynamodb:ap-northeast-3:111122223333:table/stayput-state"
    }
    error_message = "The table has an ARN in each region of a replica."
  }
}

run "plain_table_is_in_one_region" {
  variables {
    consistency = "single-region"
  }
  assert {
    condition     = length(aws_cloudformation_stack.this) == 0 && length(output.regions) == 1
    error_message = "There must be one table in one region."
  }
  assert {
    condition     = aws_dynamodb_table.this[0].deletion_protection_enabled && aws_dynamodb_table.this[0].point_in_time_recovery[0].enabled
    error_message = "The table must be protected from deletion, with point-in-time recovery."
  }
}

run "regions_of_different_sets_are_refused" {
  command = plan
  variables {
    witness_region = "us-west-2"
  }
  expect_failures = [aws_cloudformation_stack.this]
}
