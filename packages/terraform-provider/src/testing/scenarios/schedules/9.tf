terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

data "coder_workspace_preset" "z7" {
  name = "x"
  prebuilds {
    instances = 1
    scheduling {
      timezone = "+01:00"
      schedule {
        cron      = "* 1 * * *"
        instances = -1
      }
    }
  }
}
