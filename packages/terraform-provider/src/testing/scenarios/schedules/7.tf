terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

data "coder_workspace_preset" "z5" {
  name = "x"
  prebuilds {
    instances = 1
    scheduling {
      timezone = "EST"
      schedule {
        cron      = "* 1 * * *"
        instances = -1
      }
    }
  }
}
