# A workspace with one object in the cluster and a simulated cloud delay: whether the object exists shows whether state
# and resources agree.
variable "namespace" {
  type        = string
  description = "The namespace of the object."
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
