# The documents are computed by the provider without a call to AWS, so that they are real here. The credentials are not.
provider "aws" {
  region                      = "ap-northeast-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
}

override_data {
  target = data.aws_caller_identity.this
  values = { account_id = "111122223333" }
}

variables {
  name                  = "stayput"
  create_policies       = false
  regions               = ["ap-northeast-1", "ap-northeast-3"]
  route_table_arns      = ["arn:aws:ec2:ap-northeast-1:111122223333:transit-gateway-route-table/tgw-rtb-0aaaaaaaaaaaaaaaa"]
  attachment_arns       = ["arn:aws:ec2:ap-northeast-1:111122223333:transit-gateway-attachment/tgw-attach-0aaaaaaaaaaaaaaaa"]
  state_table_arns      = ["arn:aws:dynamodb:ap-northeast-1:111122223333:table/stayput-state"]
  capture_document_arns = ["arn:aws:ssm:ap-northeast-1:111122223333:document/stayput-capture"]
  instance_tags         = { Migrate = "stayput" }
}

run "reader_reads_only" {
  command = plan
  assert {
    condition = alltrue([
      for action in flatten([for statement in jsondecode(output.documents["reader"]).Statement : statement.Action]) :
      can(regex(":(Describe|Get|Search|Query|Scan)", action))
    ])
    error_message = "The reader must have no action that writes."
  }
  assert {
    condition     = length(jsondecode(output.documents["reader"]).Statement[0].Action) == 17
    error_message = "The reader must have the 17 actions of README.md."
  }
}

run "operator_writes_routes_only_in_the_named_tables" {
  command = plan
  assert {
    condition = toset(flatten([
      for statement in jsondecode(output.documents["operator"]).Statement : statement.Resource if statement.Sid == "WriteRoutes"
    ])) == toset(concat(var.attachment_arns, var.route_table_arns))
    error_message = "Routes must be limited to the named tables and attachments."
  }
  assert {
    condition = !anytrue([
      for action in flatten([for statement in jsondecode(output.documents["operator"]).Statement : statement.Action if statement.Effect == "Allow"]) :
      can(regex("Attachment$", action)) && !can(regex(":Describe", action)) || can(regex("(Disassociate|Detach|Terminate|Stop|[*])", action))
    ])
    error_message = "The operator must not be allowed to delete or detach anything but routes."
  }
  assert {
    condition = contains(flatten([
      for statement in jsondecode(output.documents["operator"]).Statement : statement.Action if statement.Effect == "Deny"
    ]), "ec2:DeleteTransitGateway*Attachment")
    error_message = "Deletion of an attachment must be denied."
  }
}

run "operator_starts_only_tagged_instances" {
  command = plan
  assert {
    condition = [
      for statement in jsondecode(output.documents["operator"]).Statement : statement.Condition if statement.Sid == "StartSources"
    ] == [{ StringEquals = { "aws:ResourceTag/Migrate" = "stayput" } }]
    error_message = "Starting must be limited by tag."
  }
}

run "without_tags_no_instance_is_started_and_no_command_sent" {
  command = plan
  variables {
    instance_tags = {}
  }
  assert {
    condition     = !strcontains(output.documents["operator"], "StartInstances") && !strcontains(output.documents["operator"], "SendCommand")
    error_message = "Without tags there must be no right on instances."
  }
}

run "guest_has_no_right_on_the_state_table" {
  command = plan
  assert {
    condition     = !strcontains(output.documents["guest"], "dynamodb:")
    error_message = "A guest must not read or write the state."
  }
}

run "each_document_fits_into_a_managed_policy" {
  command = plan
  assert {
    condition     = alltrue([for document in values(output.documents) : length(jsonencode(jsondecode(document))) <= 6144])
    error_message = "IAM accepts at most 6,144 characters."
  }
}
