variable "name" {
  description = "Name of the document."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_.-]{3,128}$", var.name)) && !can(regex("^(?i)(aws|amazon|amzn)", var.name))
    error_message = "The name must have 3 to 128 letters, digits, dots, dashes and underscores, and must not start with aws, amazon or amzn."
  }
}

variable "linux_script_file" {
  description = "File with the shell script for Linux guests. null means that the document has no Linux step."
  type        = string
  default     = null
}

variable "windows_script_file" {
  description = "File with the PowerShell script for Windows guests. null means that the document has no Windows step."
  type        = string
  default     = null
}

variable "timeout_seconds" {
  description = "Time limit of the script in the guest."
  type        = number
  default     = 120

  validation {
    condition     = var.timeout_seconds >= 5 && var.timeout_seconds <= 3600
    error_message = "The time limit must be 5 to 3600 seconds."
  }
}

variable "tags" {
  description = "Tags for the document."
  type        = map(string)
  default     = {}
}
