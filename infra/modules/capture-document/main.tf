locals {
  scripts = {
    for platform, file in { Linux = var.linux_script_file, Windows = var.windows_script_file } :
    platform => base64gzip(replace(file(file), "\r\n", "\n")) if file != null
  }

  # Compressed, because a document has at most 64 KB. What is compressed has no "{{", which Systems Manager reads as a parameter.
  commands = {
    Linux = ["printf %s '${lookup(local.scripts, "Linux", "")}' | base64 -d | gzip -dc | bash -s"]
    Windows = [
      "$bytes = [Convert]::FromBase64String('${lookup(local.scripts, "Windows", "")}')",
      "$packed = New-Object IO.MemoryStream(, $bytes)",
      "$text = New-Object IO.Compression.GzipStream($packed, [IO.Compression.CompressionMode]::Decompress)",
      "& ([scriptblock]::Create((New-Object IO.StreamReader($text)).ReadToEnd()))",
    ]
  }

  actions = { Linux = "aws:runShellScript", Windows = "aws:runPowerShellScript" }

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
          runCommand     = local.commands[platform]
        }
      }
    ]
  })
}

resource "aws_ssm_document" "this" {
  name            = var.name
  document_type   = "Command"
  document_format = "JSON"
  target_type     = "/AWS::EC2::Instance"
  content         = local.content

  tags = var.tags

  lifecycle {
    precondition {
      condition     = length(local.scripts) > 0
      error_message = "The document needs a script for Linux, for Windows, or for both."
    }
    precondition {
      condition     = length(local.content) <= 65536
      error_message = "The document is larger than 64 KB."
    }
  }
}
