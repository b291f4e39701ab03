# Sets every attribute of the coder/coder provider to a non-default value. provider-attributes.test.ts follows each one
# to the API and the agent's manifest.
terraform {
  required_providers {
    coder = { source = "coder/coder" }
  }
}

data "coder_workspace" "me" {}
data "coder_workspace_owner" "me" {}
data "coder_provisioner" "me" {}
data "coder_task" "me" {}

data "coder_workspace_tags" "tags" {
  tags = { zone = "fra" }
}

data "coder_external_auth" "github" {
  id       = "github"
  optional = true
}

# A start requires a secret of the owner; a stop does not.
data "coder_secret" "env" {
  count        = data.coder_workspace.me.start_count == 1 ? 0 : 1
  env          = "LICENSE"
  help_message = "Store the license."
}
data "coder_secret" "file" {
  count        = data.coder_workspace.me.start_count == 1 ? 0 : 1
  file         = "~/license"
  help_message = "Store the license."
}

data "coder_parameter" "size" {
  name         = "size"
  display_name = "Size"
  description  = "How **large** it is."
  type         = "number"
  form_type    = "slider"
  icon         = "/icon/size.svg"
  default      = "2"
  mutable      = true
  order        = 2
  styling      = jsonencode({ label = "GiB" })
  validation {
    min       = 1
    max       = 8
    monotonic = "increasing"
    error     = "{value} is not between {min} and {max}."
  }
}

data "coder_parameter" "image" {
  name      = "image"
  form_type = "dropdown"
  order     = 1
  option {
    name        = "Debian"
    description = "The stable one."
    value       = "debian"
    icon        = "/icon/debian.svg"
  }
  option {
    name  = "Ubuntu"
    value = "ubuntu"
  }
}

data "coder_parameter" "branch" {
  name      = "branch"
  order     = 3
  default   = "main"
  mutable   = true
  ephemeral = true
  validation {
    regex = "^[a-z]+$"
    error = "Lower-case letters only."
  }
}

data "coder_workspace_preset" "large" {
  name        = "Large"
  description = "For large builds."
  icon        = "/icon/large.svg"
  default     = true
  parameters  = { size = "8", image = "ubuntu" }
  prebuilds {
    instances = 2
    expiration_policy {
      ttl = 7200
    }
    scheduling {
      timezone = "UTC"
      schedule {
        cron      = "* 8-18 * * 1-5"
        instances = 3
      }
    }
  }
}

data "coder_script_order" "order" {
  rule {
    run      = ["coder_script.second"]
    after    = ["coder_script.first"]
    phase    = "start"
    requires = "completion"
  }
}

resource "coder_agent" "main" {
  os                      = "linux"
  arch                    = "arm64"
  dir                     = "/home/dev"
  env                     = { GREETING = "hello" }
  api_key_scope           = "no_user_data"
  connection_timeout      = 77
  motd_file               = "/etc/motd.dev"
  order                   = 2
  startup_script          = "echo start"
  startup_script_behavior = "blocking"
  shutdown_script         = "echo stop"
  troubleshooting_url     = "https://example.com/help"
  display_apps {
    port_forwarding_helper = false
    ssh_helper             = false
    vscode                 = false
    vscode_insiders        = true
    web_terminal           = false
  }
  metadata {
    key          = "load"
    display_name = "Load"
    script       = "uptime"
    interval     = 10
    timeout      = 3
    order        = 2
  }
  metadata {
    key      = "disk"
    script   = "df"
    interval = 60
    order    = 1
  }
  resources_monitoring {
    memory {
      enabled   = true
      threshold = 80
    }
    volume {
      path      = "/home"
      enabled   = true
      threshold = 90
    }
  }
}

resource "coder_agent" "cloud" {
  os    = "windows"
  arch  = "amd64"
  auth  = "aws-instance-identity"
  order = 1
}
resource "coder_agent_instance" "cloud" {
  agent_id    = coder_agent.cloud.id
  instance_id = "i-0123"
}

resource "coder_app" "web" {
  agent_id     = coder_agent.main.id
  slug         = "web"
  display_name = "Web"
  url          = "http://localhost:8080"
  icon         = "/icon/web.svg"
  group        = "Servers"
  hidden       = true
  open_in      = "tab"
  order        = 2
  share        = "authenticated"
  subdomain    = true
  tooltip      = "Opens the **server**."
  healthcheck {
    url       = "http://localhost:8080/healthz"
    interval  = 5
    threshold = 6
  }
}
resource "coder_app" "shell" {
  agent_id = coder_agent.main.id
  slug     = "shell"
  command  = "top"
  order    = 1
}
resource "coder_app" "docs" {
  agent_id = coder_agent.main.id
  slug     = "docs"
  url      = "https://example.com/docs"
  external = true
  order    = 3
}

resource "coder_script" "nightly" {
  agent_id           = coder_agent.main.id
  display_name       = "Nightly"
  icon               = "/icon/moon.svg"
  script             = "make nightly"
  cron               = "0 0 3 * * *"
  log_path           = "/tmp/nightly.log"
  run_on_start       = true
  run_on_stop        = true
  start_blocks_login = true
  timeout            = 60
}

resource "coder_script" "first" {
  agent_id     = coder_agent.main.id
  display_name = "First"
  script       = "true"
  run_on_start = true
}
resource "coder_script" "second" {
  agent_id     = coder_agent.main.id
  display_name = "Second"
  script       = "true"
  run_on_start = true
}

resource "coder_env" "greeting" {
  agent_id       = coder_agent.main.id
  name           = "GREETING"
  value          = "world"
  merge_strategy = "append"
}

resource "coder_devcontainer" "repo" {
  agent_id         = coder_agent.main.id
  workspace_folder = "/home/dev/repo"
  config_path      = ".devcontainer/devcontainer.json"
}
resource "coder_app" "inside" {
  agent_id = coder_devcontainer.repo.subagent_id
  slug     = "inside"
  url      = "http://localhost:9000"
}

resource "coder_agent" "outside" {
  os   = "linux"
  arch = "amd64"
}
resource "coder_external_agent" "outside" {
  agent_id = coder_agent.outside.id
}
resource "coder_ai_task" "task" {
  app_id = coder_app.web.id
}

resource "terraform_data" "machine" {
  count = data.coder_workspace.me.start_count
  input = "${coder_agent.main.init_script} ${coder_agent.cloud.init_script} ${data.coder_parameter.size.value}"
}
resource "coder_metadata" "machine" {
  count       = data.coder_workspace.me.start_count
  resource_id = terraform_data.machine[0].id
  daily_cost  = 12
  hide        = true
  icon        = "/icon/machine.svg"
  item {
    key       = "size"
    value     = data.coder_parameter.size.value
    sensitive = true
  }
  item {
    key = "none"
  }
}
