terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

data "coder_workspace" "me" {}
data "coder_workspace_owner" "me" {}
data "coder_provisioner" "me" {}
data "coder_task" "me" {}
data "coder_external_auth" "me" {
  id = "github"
}
data "coder_external_auth" "opt" {
  id       = "x"
  optional = true
}
data "coder_workspace_tags" "t" {
  tags = { n = null, "" = "", a = "b" }
}
data "coder_workspace_tags" "t0" {
}
data "coder_workspace_preset" "p" {
  name       = "x"
  parameters = { n = null, "" = "a", b = "" }
}
data "coder_workspace_preset" "p2" {
  name        = "y"
  default     = true
  description = ""
  icon        = ""
  prebuilds {
    instances = 1000
    expiration_policy {
      ttl = 3600
    }
    scheduling {
      timezone = "UTC"
      schedule {
        cron      = "* 1-4 * * *"
        instances = 3
      }
      schedule {
        cron      = "* 5-6 * * *"
        instances = 1
      }
    }
  }
}
data "coder_script_order" "o2" {
  rule {
    run   = ["coder_script.a", "bad sel"]
    after = ["x"]
  }
  rule {
    run      = ["coder_script.a"]
    after    = ["x"]
    phase    = "start"
    requires = "completion"
  }
}

data "coder_external_auth" "required" {
  id       = "x"
  optional = false
}

data "coder_workspace_preset" "plain" {
  name       = "plain"
  default    = false
  parameters = {}
}

data "coder_parameter" "zeros" {
  name        = "zeros"
  description = ""
  icon        = ""
  styling     = ""
  order       = 0
  mutable     = false
  ephemeral   = false
}
