terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

resource "coder_env" "e0" {
  agent_id       = "x"
  name           = "A"
  merge_strategy = "merge"
}
resource "coder_env" "e1" {
  agent_id       = "x"
  name           = "a1"
  merge_strategy = "prepend"
}
resource "coder_env" "e2" {
  agent_id       = "x"
  name           = "_x"
  merge_strategy = "prepend"
}
resource "coder_env" "e3" {
  agent_id       = "x"
  name           = "1a"
  merge_strategy = "prepend"
}
resource "coder_env" "e4" {
  agent_id       = "x"
  name           = "A-B"
  merge_strategy = "prepend"
}
resource "coder_env" "e5" {
  agent_id       = "x"
  name           = "A B"
  merge_strategy = "prepend"
}
resource "coder_env" "e6" {
  agent_id       = "x"
  name           = ""
  merge_strategy = "prepend"
}
resource "coder_env" "e7" {
  agent_id       = "x"
  name           = "A=B"
  merge_strategy = "prepend"
}
resource "coder_env" "e8" {
  agent_id       = "x"
  name           = "a.b"
  merge_strategy = "prepend"
}
resource "coder_script" "c0" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "* * * * *"
}
resource "coder_script" "c1" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "0 0 22 * * *"
}
resource "coder_script" "c2" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "0 */5 * * * *"
}
resource "coder_script" "c3" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "0 30 9 * * 1-5"
}
resource "coder_script" "c4" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "60 * * * * *"
}
resource "coder_script" "c5" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "@daily"
}
resource "coder_script" "c6" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "@every 5m"
}
resource "coder_script" "c7" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "0 0 0 31 2 *"
}
resource "coder_script" "c8" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "0 0 0 ? * MON"
}
resource "coder_script" "c9" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "0 0 0 1 JAN *"
}
resource "coder_script" "c10" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "x"
}
resource "coder_script" "c11" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = ""
}
resource "coder_script" "c12" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "0 0 0 1 1 7"
}
resource "coder_script" "c13" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "0 0 24 1 1 0"
}
resource "coder_script" "c14" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "0 0 1-0 1 1 0"
}
resource "coder_script" "c15" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "TZ=UTC 0 0 1 1 1 0"
}
resource "coder_script" "c16" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "CRON_TZ=UTC 0 0 1 1 1 0"
}
resource "coder_script" "c17" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "0 0 1/2 1 1 0"
}
resource "coder_script" "c18" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "0 0 1,2,3 1 1 0"
}
resource "coder_script" "c19" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "0 0 1 1 1 0 0"
}
resource "coder_script" "c20" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "*/0 * * * * *"
}
resource "coder_script" "c21" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "0 0 0 0 1 *"
}
resource "coder_script" "c22" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "0 0 0 * * SUN-SAT"
}
resource "coder_script" "c23" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "0 0 0 L * *"
}
resource "coder_script" "c24" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "TZ=Nope/Nope 0 0 1 1 1 0"
}
resource "coder_script" "c25" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "@reboot"
}
resource "coder_script" "none" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
}
resource "coder_script" "falses" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  run_on_start = false
  run_on_stop  = false
}
resource "coder_script" "both" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  run_on_start = true
  run_on_stop  = true
  timeout      = 0
}
resource "coder_script" "block" {
  agent_id           = ""
  display_name       = ""
  script             = ""
  run_on_stop        = true
  start_blocks_login = true
  timeout            = -1
  icon               = "%zz"
  log_path           = "x"
}
resource "coder_agent" "a" {
  os                      = "plan9"
  arch                    = "x86"
  auth                    = "none"
  startup_script_behavior = "x"
  connection_timeout      = -1

  motd_file     = ""
  api_key_scope = "some"
  order         = -3
  env           = { "A B" = "x", "" = "y" }
  metadata {
    key      = "a b"
    script   = ""
    interval = 0
    timeout  = -1
  }
  metadata {
    key      = "k"
    script   = "x"
    interval = -1
    timeout  = 0
  }
  metadata {
    key      = "k"
    script   = "x"
    interval = 1
  }
  display_apps {}
  resources_monitoring {
    memory {
      enabled   = true
      threshold = 101
    }
    volume {
      enabled   = true
      threshold = -1
      path      = "rel"
    }
    volume {
      enabled   = true
      threshold = 1
      path      = "/a"
    }
    volume {
      enabled   = true
      threshold = 2
      path      = "/a"
    }
  }
}
resource "coder_agent" "dup" {
  os   = "linux"
  arch = "amd64"
  dir  = ""
  metadata {
    key      = "k"
    script   = "x"
    interval = 1
  }
  metadata {
    key      = "k"
    script   = "x"
    interval = 1
  }
  resources_monitoring {
    volume {
      enabled   = true
      threshold = 1
      path      = "/a"
    }
    volume {
      enabled   = true
      threshold = 2
      path      = "/a"
    }
    volume {
      enabled   = true
      threshold = 2
      path      = ""
    }
  }
}
resource "coder_agent_instance" "i" {
  agent_id    = ""
  instance_id = ""
}
resource "coder_metadata" "m" {
  resource_id = ""
  icon        = "%zz"
  daily_cost  = -1
  item {
    key = ""
  }
  item {
    key   = "a"
    value = "b"
  }
  item {
    key   = "a"
    value = "b"
  }
}
resource "coder_devcontainer" "i" {
  agent_id         = ""
  workspace_folder = ""
  config_path      = ""
}
resource "coder_external_agent" "i" {
  agent_id = ""
}
resource "coder_ai_task" "i" {
  app_id = ""
}
resource "coder_ai_task" "k" {
  app_id = "x"
  sidebar_app {
    id = "y"
  }
}
resource "coder_ai_task" "j" {
  sidebar_app {
    id = "not uuid"
  }
}
resource "coder_ai_task" "none" {
}
