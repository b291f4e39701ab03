terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

data "coder_workspace_preset" "z1" {
  name = "x"
  prebuilds {
    instances = 1
    scheduling {
      timezone = "TZ/x"
      schedule {
        cron      = "* 1 * * *"
        instances = -1
      }
    }
  }
}
