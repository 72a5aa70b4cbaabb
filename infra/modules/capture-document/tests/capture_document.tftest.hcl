mock_provider "aws" {}

variables {
  name                = "stayput-capture"
  linux_script_file   = "tests/linux.sh"
  windows_script_file = "tests/windows.ps1"
}

run "each_platform_has_its_step" {
  assert {
    condition     = jsondecode(aws_ssm_document.this.content).mainSteps[*].action == ["aws:runShellScript", "aws:runPowerShellScript"]
    error_message = "The document needs a step for Linux and one for Windows."
  }
  assert {
    condition     = strcontains(jsondecode(aws_ssm_document.this.content).mainSteps[0].inputs.runCommand[0], base64gzip(file("tests/linux.sh")))
    error_message = "The step must have the whole script."
  }
  assert {
    condition     = !contains(keys(jsondecode(aws_ssm_document.this.content)), "parameters")
    error_message = "The document must not accept commands."
  }
}

run "document_for_linux_only_has_one_step" {
  variables {
    windows_script_file = null
  }
  assert {
    condition     = length(jsondecode(aws_ssm_document.this.content).mainSteps) == 1
    error_message = "There must be only the step for Linux."
  }
}

run "document_without_a_script_is_refused" {
  command = plan
  variables {
    linux_script_file   = null
    windows_script_file = null
  }
  expect_failures = [aws_ssm_document.this]
}

run "capture_scripts_of_this_repository_fit" {
  variables {
    linux_script_file   = "../../../guest/capture.sh"
    windows_script_file = "../../../guest/capture.ps1"
  }
  assert {
    condition     = length(aws_ssm_document.this.content) <= 65536 && !strcontains(aws_ssm_document.this.content, "{{")
    error_message = "The document must be within the limit of Systems Manager."
  }
}
