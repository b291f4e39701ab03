# A workspace without an agent whose plan takes seconds, and has a cost, so that it is planned before it is applied. Each
# apply is written to a ledger.
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

locals {
  thought = length([for i in range(100) : length([for j in range(1000) : sha256("${i} ${j}")])])
}

resource "terraform_data" "slow" {
  count = data.coder_workspace.me.start_count
  input = local.thought

  provisioner "local-exec" {
    command     = "echo began $NAME >> '${var.ledger}'; echo ended $NAME >> '${var.ledger}'"
    environment = { NAME = data.coder_workspace.me.name }
  }
}

resource "coder_metadata" "cost" {
  count       = data.coder_workspace.me.start_count
  resource_id = terraform_data.slow[0].id
  daily_cost  = 1
}
