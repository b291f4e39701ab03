terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

data "coder_workspace_preset" "z0" {
  name = "x"
  prebuilds {
    instances = 1
    scheduling {
      timezone = "foo"
      schedule {
        cron      = "* 1 * * *"
        instances = -1
      }
    }
  }
}
