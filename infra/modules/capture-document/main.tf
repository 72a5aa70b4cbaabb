locals {
  scripts = {
    for platform, file in { Linux = var.linux_script_file, Windows = var.windows_script_file } :
    platform => trimsuffix(replace(file(file), "\r\n", "\n"), "\n") if file != null
  }

  actions = { Linux = "aws:runShellScript", Windows = "aws:runPowerShellScript" }
}

resource "aws_ssm_document" "this" {
  name            = var.name
  document_type   = "Command"
  document_format = "JSON"
  target_type     = "/AWS::EC2::Instance"

  # The document has no parameters: a sender can run this script and no other command.
  content = jsonencode({
    schemaVersion = "2.2"
    description   = "Prints the network configuration of the guest for stayput. Changes nothing."
    mainSteps = [
      for platform in sort(keys(local.scripts)) : {
        name         = "capture${platform}"
        action       = local.actions[platform]
        precondition = { StringEquals = ["platformType", platform] }
        inputs = {
          timeoutSeconds = tostring(var.timeout_seconds)
          runCommand     = split("\n", local.scripts[platform])
        }
      }
    ]
  })

  tags = var.tags

  lifecycle {
    precondition {
      condition     = length(local.scripts) > 0
      error_message = "The document needs a script for Linux, for Windows, or for both."
    }
    # Systems Manager would read this as the name of a parameter.
    precondition {
      condition     = alltrue([for script in values(local.scripts) : !strcontains(script, "{{")])
      error_message = "A script must not contain \"{{\"."
    }
  }
}
