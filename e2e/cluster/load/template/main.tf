# A workspace that is one object in the cluster and waits a while for its cloud: whether the object is there tells
# whether state and resources agree.
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
