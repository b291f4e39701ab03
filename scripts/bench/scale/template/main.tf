# A build that waits on a cloud: it costs seconds, and hardly any processor time.
terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
    time = {
      source = "hashicorp/time"
    }
  }
}

variable "seconds" {
  type        = number
  description = "How long the cloud takes."
}

data "coder_workspace" "me" {}

resource "time_sleep" "cloud" {
  count           = data.coder_workspace.me.start_count
  create_duration = "${var.seconds}s"
}
