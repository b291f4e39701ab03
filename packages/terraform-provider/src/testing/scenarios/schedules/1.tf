terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

data "coder_workspace_preset" "s0" {
  name = "s0"
  prebuilds {
    instances = 1
    scheduling {
      timezone = "UTC"
      schedule {
        cron      = "* 1-4 * * *"
        instances = 1
      }
      schedule {
        cron      = "* 3-6 * * *"
        instances = 1
      }
    }
  }
}
data "coder_workspace_preset" "s1" {
  name = "s1"
  prebuilds {
    instances = 1
    scheduling {
      timezone = "UTC"
      schedule {
        cron      = "* 1-4 * * *"
        instances = 1
      }
      schedule {
        cron      = "* 5-6 * * *"
        instances = 1
      }
    }
  }
}
data "coder_workspace_preset" "s2" {
  name = "s2"
  prebuilds {
    instances = 1
    scheduling {
      timezone = "UTC"
      schedule {
        cron      = "* 9 1 * *"
        instances = 1
      }
      schedule {
        cron      = "* 9 2 * *"
        instances = 1
      }
    }
  }
}
data "coder_workspace_preset" "s3" {
  name = "s3"
  prebuilds {
    instances = 1
    scheduling {
      timezone = "UTC"
      schedule {
        cron      = "* 9 1 * *"
        instances = 1
      }
      schedule {
        cron      = "* 9 * * 1"
        instances = 1
      }
    }
  }
}
data "coder_workspace_preset" "s4" {
  name = "s4"
  prebuilds {
    instances = 1
    scheduling {
      timezone = "UTC"
      schedule {
        cron      = "* 9 * * 1"
        instances = 1
      }
      schedule {
        cron      = "* 9 * * 2"
        instances = 1
      }
    }
  }
}
data "coder_workspace_preset" "s5" {
  name = "s5"
  prebuilds {
    instances = 1
    scheduling {
      timezone = "UTC"
      schedule {
        cron      = "* 9 * 1 *"
        instances = 1
      }
      schedule {
        cron      = "* 9 * 2 *"
        instances = 1
      }
    }
  }
}
data "coder_workspace_preset" "s6" {
  name = "s6"
  prebuilds {
    instances = 1
    scheduling {
      timezone = "UTC"
      schedule {
        cron      = "* 9 1 * 1"
        instances = 1
      }
      schedule {
        cron      = "* 9 2 * 2"
        instances = 1
      }
    }
  }
}
data "coder_workspace_preset" "s7" {
  name = "s7"
  prebuilds {
    instances = 1
    scheduling {
      timezone = "UTC"
      schedule {
        cron      = "* 9 1 * 1"
        instances = 1
      }
      schedule {
        cron      = "* 9 1 * 2"
        instances = 1
      }
    }
  }
}
data "coder_workspace_preset" "s8" {
  name = "s8"
  prebuilds {
    instances = 1
    scheduling {
      timezone = "UTC"
      schedule {
        cron      = "* 9 * * *"
        instances = 1
      }
      schedule {
        cron      = "* 9 * * *"
        instances = 1
      }
    }
  }
}
data "coder_workspace_preset" "s9" {
  name = "s9"
  prebuilds {
    instances = 1
    scheduling {
      timezone = "UTC"
      schedule {
        cron      = "* * * * *"
        instances = 1
      }
    }
  }
}
data "coder_workspace_preset" "s10" {
  name = "s10"
  prebuilds {
    instances = 1
    scheduling {
      timezone = "UTC"
      schedule {
        cron      = "* 9-5 * * *"
        instances = 1
      }
    }
  }
}
data "coder_workspace_preset" "s11" {
  name = "s11"
  prebuilds {
    instances = 1
    scheduling {
      timezone = "UTC"
      schedule {
        cron      = "* 22-3 * * *"
        instances = 1
      }
    }
  }
}
data "coder_workspace_preset" "s12" {
  name = "s12"
  prebuilds {
    instances = 1
    scheduling {
      timezone = "UTC"
      schedule {
        cron      = "* 9 1 * 1"
        instances = 1
      }
      schedule {
        cron      = "* 9 2 * 1"
        instances = 1
      }
    }
  }
}
data "coder_workspace_preset" "s13" {
  name = "s13"
  prebuilds {
    instances = 1
    scheduling {
      timezone = "UTC"
      schedule {
        cron      = "* 9 * * 1"
        instances = 1
      }
      schedule {
        cron      = "* 9 1 * *"
        instances = 1
      }
    }
  }
}
