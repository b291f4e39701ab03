terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

data "coder_workspace_preset" "z4" {
  name = "x"
  prebuilds {
    instances = 1
    scheduling {
      timezone = "utc"
      schedule {
        cron      = "* 1 * * *"
        instances = -1
      }
    }
  }
}
