terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

data "coder_workspace_preset" "z3" {
  name = "x"
  prebuilds {
    instances = 1
    scheduling {
      timezone = "Local"
      schedule {
        cron      = "* 1 * * *"
        instances = -1
      }
    }
  }
}
