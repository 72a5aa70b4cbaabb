locals {
  partition = data.aws_partition.this.partition
  account   = data.aws_caller_identity.this.account_id

  # Run Command names instances of any region; the tags limit which.
  instances = "arn:${local.partition}:ec2:*:${local.account}:instance/*"
}

data "aws_partition" "this" {}

data "aws_caller_identity" "this" {}

# ---- Reader: status, plan, trace --------------------------------------------------------------------------------------

data "aws_iam_policy_document" "reader" {
  # These actions have no resource-level permissions.
  statement {
    sid = "ReadNetwork"
    actions = [
      "directconnect:DescribeDirectConnectGatewayAssociations",
      "ec2:DescribeInstances",
      "ec2:DescribeNetworkInterfaces",
      "ec2:DescribeRouteTables",
      "ec2:DescribeSubnets",
      "ec2:DescribeTransitGatewayAttachments",
      "ec2:DescribeTransitGatewayPeeringAttachments",
      "ec2:DescribeTransitGatewayRouteTables",
      "ec2:DescribeTransitGatewayVpcAttachments",
      "ec2:DescribeTransitGateways",
      "ec2:DescribeVpcs",
      "ec2:DescribeVpnConnections",
      "ec2:GetManagedPrefixListEntries",
      "ec2:GetTransitGatewayPrefixListReferences",
      "ec2:GetTransitGatewayRouteTableAssociations",
      "ec2:GetTransitGatewayRouteTablePropagations",
      "ec2:SearchTransitGatewayRoutes",
    ]
    resources = ["*"]

    dynamic "condition" {
      for_each = length(var.regions) > 0 ? [var.regions] : []
      content {
        test     = "StringEquals"
        variable = "aws:RequestedRegion"
        values   = condition.value
      }
    }
  }

  dynamic "statement" {
    for_each = length(var.state_table_arns) > 0 ? [var.state_table_arns] : []
    content {
      sid = "ReadState"
      actions = [
        "dynamodb:DescribeTable",
        "dynamodb:GetItem",
        "dynamodb:Query",
      ]
      resources = statement.value
    }
  }
}

# ---- Operator: apply, rollback, capture in guests ---------------------------------------------------------------------

data "aws_iam_policy_document" "operator" {
  source_policy_documents = [data.aws_iam_policy_document.reader.json]

  statement {
    sid = "WriteRoutes"
    actions = [
      "ec2:CreateTransitGatewayRoute",
      "ec2:DeleteTransitGatewayRoute",
      "ec2:ReplaceTransitGatewayRoute",
    ]
    resources = concat(var.route_table_arns, var.attachment_arns)
  }

  # Only items: the table itself belongs to Terraform.
  dynamic "statement" {
    for_each = length(var.state_table_arns) > 0 ? [var.state_table_arns] : []
    content {
      sid = "WriteState"
      actions = [
        "dynamodb:PutItem",
      ]
      resources = statement.value
    }
  }

  dynamic "statement" {
    for_each = length(var.instance_tags) > 0 ? [var.instance_tags] : []
    content {
      sid       = "StartSources"
      actions   = ["ec2:StartInstances"]
      resources = [local.instances]

      dynamic "condition" {
        for_each = statement.value
        content {
          test     = "StringEquals"
          variable = "aws:ResourceTag/${condition.key}"
          values   = [condition.value]
        }
      }
    }
  }

  dynamic "statement" {
    for_each = length(var.instance_tags) > 0 && length(var.capture_document_arns) > 0 ? [var.capture_document_arns] : []
    content {
      sid       = "SendCaptureDocument"
      actions   = ["ssm:DescribeDocument", "ssm:GetDocument", "ssm:SendCommand"]
      resources = statement.value
    }
  }

  dynamic "statement" {
    for_each = length(var.instance_tags) > 0 && length(var.capture_document_arns) > 0 ? [var.instance_tags] : []
    content {
      sid       = "SendCaptureToSources"
      actions   = ["ssm:SendCommand"]
      resources = [local.instances]

      dynamic "condition" {
        for_each = statement.value
        content {
          test     = "StringEquals"
          variable = "ssm:resourceTag/${condition.key}"
          values   = [condition.value]
        }
      }
    }
  }

  # These actions have no resource-level permissions that name an instance or a document.
  dynamic "statement" {
    for_each = length(var.instance_tags) > 0 && length(var.capture_document_arns) > 0 ? [true] : []
    content {
      sid = "ReadCapture"
      actions = [
        "ssm:DescribeInstanceInformation",
        "ssm:GetCommandInvocation",
        "ssm:ListCommandInvocations",
      ]
      resources = ["*"]
    }
  }

  # Denied whatever other policies the operator has: stayput never needs these, and each can cut off a whole VPC.
  statement {
    sid    = "NeverDetach"
    effect = "Deny"
    actions = [
      "ec2:DeleteTransitGateway*Attachment",
      "ec2:DisableTransitGatewayRouteTablePropagation",
      "ec2:DisassociateTransitGatewayRouteTable",
      "ec2:TerminateInstances",
    ]
    resources = ["*"]
  }
}

# ---- Guest: the agent of Systems Manager ------------------------------------------------------------------------------

data "aws_iam_policy_document" "guest" {
  # What the agent needs to be registered and to run documents that are sent to it. Its actions on the message services have no
  # resource-level permissions. A guest needs no right on the state table: the sender reads the output.
  statement {
    sid = "RunSentDocuments"
    actions = [
      "ec2messages:AcknowledgeMessage",
      "ec2messages:DeleteMessage",
      "ec2messages:FailMessage",
      "ec2messages:GetEndpoint",
      "ec2messages:GetMessages",
      "ec2messages:SendReply",
      "ssm:UpdateInstanceInformation",
      "ssmmessages:CreateControlChannel",
      "ssmmessages:CreateDataChannel",
      "ssmmessages:OpenControlChannel",
      "ssmmessages:OpenDataChannel",
    ]
    resources = ["*"]
  }
}

# ---- Managed policies -------------------------------------------------------------------------------------------------

locals {
  documents = {
    reader = {
      description = "stayput: read the network; for status, plan and trace"
      json        = data.aws_iam_policy_document.reader.json
    }
    operator = {
      description = "stayput: read the network and write routes of moved networks; for apply and rollback"
      json        = data.aws_iam_policy_document.operator.json
    }
    guest = {
      description = "stayput: let Systems Manager run the capture document in a guest; for instance profiles"
      json        = data.aws_iam_policy_document.guest.json
    }
  }
}

resource "aws_iam_policy" "this" {
  for_each = var.create_policies ? local.documents : {}

  name        = "${var.name}-${each.key}"
  description = each.value.description
  policy      = each.value.json

  tags = var.tags
}
