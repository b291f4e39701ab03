terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}

data "coder_parameter" "cloud" {
  name    = "cloud"
  default = "aws"
  order   = 1
  option {
    name  = "AWS"
    value = "aws"
  }
  option {
    name  = "Hetzner"
    value = "hetzner"
  }
}

locals {
  regions = data.coder_parameter.cloud.value == "hetzner" ? ["fsn1", "nbg1"] : ["eu-west-1", "us-east-1"]
}

data "coder_parameter" "region" {
  name    = "region"
  default = local.regions[0]
  order   = 2
  dynamic "option" {
    for_each = local.regions
    content {
      name  = option.value
      value = option.value
    }
  }
}

data "coder_parameter" "gpu" {
  name    = "gpu"
  type    = "bool"
  default = "false"
  mutable = true
  order   = 3
}

data "coder_parameter" "model" {
  count   = data.coder_parameter.gpu.value == "true" ? 1 : 0
  name    = "model"
  mutable = true
  order   = 4
}

resource "terraform_data" "machine" {
  input = "${data.coder_parameter.region.value} ${try(data.coder_parameter.model[0].value, "none")}"
}
