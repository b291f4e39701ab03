terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

resource "coder_script" "both" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  run_on_start = true
  run_on_stop  = true
}
resource "coder_script" "cronemptytimeout" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  cron         = "0 0 1 1 1 0"
}
resource "coder_agent" "noscript" {
  os             = "windows"
  arch           = "arm64"
  env            = { A = null, B = "", C = "c" }
  startup_script = ""
  display_apps {
    vscode       = null
    web_terminal = false
  }
}
resource "coder_agent" "meta" {
  os    = "linux"
  arch  = "amd64"
  auth  = "aws-instance-identity"
  order = 0
  metadata {
    key          = ""
    script       = ""
    interval     = 0
    display_name = ""
    timeout      = 0
    order        = 0
  }
  metadata {
    key      = "z"
    script   = "z"
    interval = 5
  }
}
resource "coder_app" "two" {
  agent_id     = "x"
  slug         = "x"
  display_name = ""
  icon         = ""
  subdomain    = false
  healthcheck {
    url       = ""
    interval  = 0
    threshold = 0
  }
}
resource "coder_app" "plain" {
  agent_id = "x"
  slug     = "x"
  order    = 0
  command  = ""
}
resource "coder_metadata" "m" {
  resource_id = ""
  item {
    key = ""
  }
  item {
    key       = "a"
    value     = "b"
    sensitive = true
  }
  item {
    key       = "b"
    value     = ""
    sensitive = false
  }
  item {
    key       = "c"
    value     = null
    sensitive = null
  }
}
resource "coder_metadata" "none" {
  resource_id = "x"
}
resource "coder_ai_task" "i" {
  app_id = "3f2c0b3e-7b0a-4a57-8b3e-0f0b8a1f0a11"
}
resource "coder_ai_task" "j" {
  sidebar_app {
    id = "3f2c0b3e-7b0a-4a57-8b3e-0f0b8a1f0a11"
  }
}
resource "coder_env" "e" {
  agent_id = "x"
  name     = "A"
}
resource "coder_env" "f" {
  agent_id = "x"
  name     = "A"
  value    = ""
}
resource "coder_devcontainer" "i" {
  agent_id         = ""
  workspace_folder = "/x"
  config_path      = ""
}
resource "coder_devcontainer" "i2" {
  agent_id         = "x"
  workspace_folder = "/x"
}
resource "coder_external_agent" "i" {
  agent_id = ""
}
resource "coder_agent_instance" "i" {
  agent_id    = ""
  instance_id = ""
}
