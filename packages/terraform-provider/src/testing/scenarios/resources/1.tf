terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

resource "coder_agent" "none" {
  os   = "linux"
  arch = "amd64"

}

resource "coder_agent" "os" {
  os   = "linux"
  arch = "amd64"

}

resource "coder_agent" "order" {
  os    = "linux"
  arch  = "amd64"
  order = 1
}

resource "coder_agent" "dir" {
  os   = "linux"
  arch = "amd64"
  dir  = "a"
}

resource "coder_agent" "env" {
  os   = "linux"
  arch = "amd64"
  env  = { A = "1" }
}

resource "coder_agent" "auth" {
  os   = "linux"
  arch = "amd64"

}

resource "coder_agent" "ct" {
  os   = "linux"
  arch = "amd64"

}

resource "coder_agent" "motd" {
  os        = "linux"
  arch      = "amd64"
  motd_file = ""
}

resource "coder_agent" "ss" {
  os   = "linux"
  arch = "amd64"

}

resource "coder_agent" "meta" {
  os   = "linux"
  arch = "amd64"
  metadata {
    key      = "z"
    script   = "z"
    interval = 5
  }
}

resource "coder_agent" "metasame" {
  os   = "linux"
  arch = "amd64"
  metadata {
    key      = "z"
    script   = "z"
    interval = 5
  }
}

resource "coder_agent" "metanull" {
  os   = "linux"
  arch = "amd64"
  metadata {
    key      = "z"
    script   = "z"
    interval = 5
    order    = 0
    timeout  = 3
  }
}

resource "coder_agent" "da" {
  os   = "linux"
  arch = "amd64"

}

resource "coder_agent" "da2" {
  os   = "linux"
  arch = "amd64"
  display_apps {
    vscode = false
  }
}

resource "coder_agent" "da3" {
  os   = "linux"
  arch = "amd64"
  display_apps {
    vscode = false
  }
}

resource "coder_agent" "rm" {
  os   = "linux"
  arch = "amd64"
  resources_monitoring {
    memory {
      enabled   = true
      threshold = 5
    }
    volume {
      enabled   = true
      threshold = 5
      path      = "/b"
    }
    volume {
      enabled   = true
      threshold = 5
      path      = "/a"
    }
  }
}

resource "coder_agent" "rm2" {
  os   = "linux"
  arch = "amd64"
  resources_monitoring {
    memory {
      enabled   = true
      threshold = 5
    }
  }
}

resource "coder_agent" "aks" {
  os   = "linux"
  arch = "amd64"

}

resource "coder_agent" "ssb" {
  os   = "linux"
  arch = "amd64"

}

resource "coder_agent" "tu" {
  os   = "linux"
  arch = "amd64"

}

resource "coder_agent" "emptyenv" {
  os   = "linux"
  arch = "amd64"
  env  = {}
}
resource "coder_app" "app_0" {
  agent_id = "x"
  slug     = "a"
}
resource "coder_app" "app_1" {
  agent_id = "x"
  slug     = "a"
  url      = "u"
}
resource "coder_app" "app_2" {
  agent_id = "x"
  slug     = "a"
}
resource "coder_app" "app_3" {
  agent_id = "x"
  slug     = "a"
}
resource "coder_app" "app_4" {
  agent_id = "x"
  slug     = "a"
}
resource "coder_app" "app_5" {
  agent_id     = "x"
  slug         = "a"
  display_name = "q"
}
resource "coder_app" "app_6" {
  agent_id = "x"
  slug     = "a"
  healthcheck {
    url       = "u"
    interval  = 1
    threshold = 2
  }
}
resource "coder_app" "app_7" {
  agent_id = "x"
  slug     = "a"
  icon     = ""
}
resource "coder_app" "app_8" {
  agent_id = "x"
  slug     = "a"
  share    = "public"
}
resource "coder_app" "app_9" {
  agent_id = "x"
  slug     = "a"
  group    = "g"
  tooltip  = "t"
  hidden   = true
  open_in  = "tab"
}
resource "coder_app" "app_10" {
  agent_id = "x"
  slug     = "a"
}
resource "coder_script" "script_0" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  run_on_start = true
}
resource "coder_script" "script_1" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "0 0 1 1 1 0"
}
resource "coder_script" "script_2" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  run_on_start = true
}
resource "coder_script" "script_3" {
  agent_id           = "x"
  display_name       = "d"
  script             = "s"
  run_on_start       = true
  start_blocks_login = true
  icon               = "i"
  log_path           = "l"
}
resource "coder_script" "script_4" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  run_on_start = true
  log_path     = ""
}
resource "coder_env" "env_0" {
  agent_id = "x"
  name     = "A"

}
resource "coder_env" "env_1" {
  agent_id = "x"
  name     = "A"
  value    = ""
}
resource "coder_env" "env_2" {
  agent_id = "x"
  name     = "A"
  value    = "x"
}
resource "coder_metadata" "metadata_0" {
  resource_id = "x"

}
resource "coder_metadata" "metadata_1" {
  resource_id = "x"
  hide        = false
}
resource "coder_metadata" "metadata_2" {
  resource_id = "x"
  daily_cost  = 0
}
resource "coder_metadata" "metadata_3" {
  resource_id = "x"
  daily_cost  = 3
}
resource "coder_metadata" "metadata_4" {
  resource_id = "x"
  item {
    key = "a"
  }
}
resource "coder_metadata" "metadata_5" {
  resource_id = "x"
  item {
    key       = "a"
    value     = "v"
    sensitive = true
  }
}
resource "coder_metadata" "metadata_6" {
  resource_id = "x"
  item {
    key = "a"
  }
}
resource "coder_metadata" "metadata_7" {
  resource_id = "x"
  item {
    key   = "a"
    value = ""
  }
}
resource "coder_metadata" "metadata_8" {
  resource_id = "x"
  item {
    key = "a"
  }
}
resource "coder_metadata" "metadata_9" {
  resource_id = "x"
  item {
    key = "a"
  }
}
resource "coder_devcontainer" "devcontainer_0" {
  agent_id         = "x"
  workspace_folder = "/a"
}
resource "coder_devcontainer" "devcontainer_1" {
  agent_id         = "x"
  workspace_folder = "/a"
}
resource "coder_devcontainer" "devcontainer_2" {
  agent_id         = "x"
  workspace_folder = "/a"
  config_path      = "x"
}
resource "coder_external_agent" "external_agent_0" {

  agent_id = "a"
}
resource "coder_agent_instance" "agent_instance_0" {
  agent_id    = "a"
  instance_id = "a"
}
resource "coder_ai_task" "ai_task_0" {

  app_id = "3f2c0b3e-7b0a-4a57-8b3e-0f0b8a1f0a11"
}
resource "coder_ai_task" "ai_task_1" {

  sidebar_app {
    id = "3f2c0b3e-7b0a-4a57-8b3e-0f0b8a1f0a11"
  }
}
resource "coder_ai_task" "ai_task_2" {

  sidebar_app {
    id = "3f2c0b3e-7b0a-4a57-8b3e-0f0b8a1f0a11"
  }
}

resource "coder_agent" "l" {
  os   = "linux"
  arch = "arm64"

}
resource "coder_app" "l" {
  agent_id = coder_agent.l.id
  slug     = "l"
}
resource "coder_metadata" "l" {
  resource_id = coder_agent.l.id
  item {
    key   = "tok"
    value = coder_agent.l.token
  }
  dynamic "item" {
    for_each = [coder_agent.l.id]
    content {
      key   = "k"
      value = item.value
    }
  }
}
