# A workspace without an agent whose start takes a while and writes each apply to a ledger, which shows whether a build
# was lost or ran twice.
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}

variable "ledger" {
  type        = string
  description = "File to which each start appends the workspace's name and its build."
}

data "coder_workspace" "me" {}

data "coder_parameter" "seconds" {
  name    = "seconds"
  type    = "number"
  default = 1
  mutable = true
}

resource "terraform_data" "kept" {
  input = data.coder_workspace.me.id
}

resource "terraform_data" "slow" {
  count = data.coder_workspace.me.start_count
  input = terraform_data.kept.output

  provisioner "local-exec" {
    command     = "echo began $NAME >> '${var.ledger}'; sleep $SECONDS_TO_WAIT; echo ended $NAME >> '${var.ledger}'"
    environment = { NAME = data.coder_workspace.me.name, SECONDS_TO_WAIT = data.coder_parameter.seconds.value }
  }
}
