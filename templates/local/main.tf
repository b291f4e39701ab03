# A workspace as a process tree on the provisioner's machine, with its own home folder. It requires only Terraform. Read it
# from top to bottom as an example of a template's features.

terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

# --- Variables, set by the operator when pushing the template ---------------------------------------------------------

variable "data_dir" {
  type        = string
  default     = ""
  description = "Folder for workspaces' home folders. ~/.local/share/coder/workspaces of the provisioner's user if empty."
}

variable "sandbox" {
  type        = string
  default     = "auto"
  description = "Sandbox workspaces with bubblewrap: `auto` if available, `always` (fail if unavailable) or `never`."
  validation {
    condition     = contains(["auto", "always", "never"], var.sandbox)
    error_message = "sandbox is auto, always or never."
  }
}

# --- Parameters, chosen by the developer when creating a workspace ----------------------------------------------------

data "coder_parameter" "greeting" {
  name         = "greeting"
  display_name = "Greeting"
  description  = "Greeting of the sample app. Can be changed later."
  type         = "string"
  default      = "Hello from your workspace"
  mutable      = true
  order        = 1
  validation {
    regex = "^.{1,80}$"
    error = "Between 1 and 80 characters."
  }
}

data "coder_parameter" "accent" {
  name         = "accent"
  display_name = "Accent colour"
  description  = "Color of the sample app."
  type         = "string"
  form_type    = "dropdown"
  default      = "#2563eb"
  mutable      = true
  order        = 2
  option {
    name  = "Blue"
    value = "#2563eb"
  }
  option {
    name  = "Green"
    value = "#15803d"
  }
  option {
    name  = "Plum"
    value = "#86198f"
  }
}

data "coder_parameter" "port" {
  name         = "port"
  display_name = "Port of the sample app"
  description  = "Loopback port of the sample app. Choose a different port for each workspace on the same machine."
  type         = "number"
  default      = 13337
  mutable      = true
  order        = 3
  validation {
    min = 1024
    max = 65535
  }
}

# --- The workspace and its owner --------------------------------------------------------------------------------------

data "coder_workspace" "me" {}
data "coder_workspace_owner" "me" {}
data "coder_provisioner" "me" {}

locals {
  name = "${data.coder_workspace_owner.me.name}-${data.coder_workspace.me.name}"
}

# --- The agent, which runs in the workspace ---------------------------------------------------------------------------

resource "coder_agent" "main" {
  os   = data.coder_provisioner.me.os
  arch = data.coder_provisioner.me.arch

  env = {
    GREETING = data.coder_parameter.greeting.value
    ACCENT   = data.coder_parameter.accent.value
    PORT     = data.coder_parameter.port.value
  }

  metadata {
    key          = "load"
    display_name = "Load"
    script       = "cut -d ' ' -f 1-3 /proc/loadavg"
    interval     = 10
    timeout      = 2
    order        = 1
  }
  metadata {
    key          = "memory"
    display_name = "Free memory"
    script       = "awk '/MemAvailable/ { printf \"%.1f GiB\", $2 / 1048576 }' /proc/meminfo"
    interval     = 10
    timeout      = 2
    order        = 2
  }
  metadata {
    key          = "home"
    display_name = "Home folder"
    script       = "du -sh \"$HOME\" 2>/dev/null | cut -f 1"
    interval     = 60
    timeout      = 10
    order        = 3
  }
}

resource "coder_script" "sample" {
  agent_id           = coder_agent.main.id
  display_name       = "Sample app"
  icon               = "/icon/code.svg"
  run_on_start       = true
  start_blocks_login = false
  timeout            = 60
  script             = <<-EOT
    #!/bin/sh
    # Creates the sample app once, so that you can change it afterwards.
    set -eu
    mkdir -p "$HOME/sample"
    if [ ! -e "$HOME/sample/server.mjs" ]; then
      printf '%s' '${filebase64("${path.module}/sample/server.mjs")}' | base64 -d > "$HOME/sample/server.mjs"
      echo "Wrote ~/sample/server.mjs"
    fi
    if ! command -v node >/dev/null; then
      echo "There is no node here, so the sample app stays off. Everything else works." >&2
      exit 0
    fi
    log="$HOME/sample/server.log"
    nohup node "$HOME/sample/server.mjs" > "$log" 2>&1 < /dev/null &
    # Waits up to five seconds for its first output: that it is listening, or an error.
    for _ in $(seq 50); do
      if [ -s "$log" ] || ! kill -0 $! 2>/dev/null; then break; fi
      sleep 0.1
    done
    sleep 0.1
    cat "$log"
    kill -0 $! 2>/dev/null
  EOT
}

resource "coder_app" "sample" {
  agent_id     = coder_agent.main.id
  slug         = "sample"
  display_name = "Sample app"
  icon         = "/icon/code.svg"
  url          = "http://localhost:${data.coder_parameter.port.value}"
  subdomain    = true
  share        = "owner"
  healthcheck {
    url       = "http://localhost:${data.coder_parameter.port.value}/healthz"
    interval  = 3
    threshold = 5
  }
}

# --- Persistent: the home folder is kept until the workspace is deleted -----------------------------------------------

resource "terraform_data" "home" {
  input = {
    data_dir = var.data_dir
    id       = data.coder_workspace.me.id
  }

  provisioner "local-exec" {
    command     = "sh '${path.module}/workspace.sh' create-home"
    environment = { DATA_DIR = self.input.data_dir, WORKSPACE_ID = self.input.id }
  }
  provisioner "local-exec" {
    when        = destroy
    command     = "sh '${path.module}/workspace.sh' delete-home"
    environment = { DATA_DIR = self.input.data_dir, WORKSPACE_ID = self.input.id }
  }

  # An existing home folder is not moved if the variable changes later.
  lifecycle {
    ignore_changes = [input]
  }
}

# --- Ephemeral: the process tree exists while the workspace runs ------------------------------------------------------

resource "terraform_data" "processes" {
  count = data.coder_workspace.me.start_count

  # A new token means a new agent, so the processes are replaced.
  triggers_replace = [coder_agent.main.token]
  input = {
    data_dir = terraform_data.home.output.data_dir
    id       = data.coder_workspace.me.id
  }

  provisioner "local-exec" {
    command = "sh '${path.module}/workspace.sh' start"
    environment = {
      DATA_DIR          = self.input.data_dir
      WORKSPACE_ID      = self.input.id
      WORKSPACE_NAME    = local.name
      SANDBOX           = var.sandbox
      INIT_SCRIPT       = coder_agent.main.init_script
      CODER_AGENT_TOKEN = coder_agent.main.token
    }
  }
  provisioner "local-exec" {
    when        = destroy
    command     = "sh '${path.module}/workspace.sh' stop"
    environment = { DATA_DIR = self.input.data_dir, WORKSPACE_ID = self.input.id }
  }
}

resource "coder_metadata" "processes" {
  count       = data.coder_workspace.me.start_count
  resource_id = terraform_data.processes[0].id
  icon        = "/icon/memory.svg"
  item {
    key   = "Sandbox"
    value = var.sandbox
  }
  item {
    key   = "Sample app"
    value = "port ${data.coder_parameter.port.value}"
  }
}

resource "coder_metadata" "home" {
  resource_id = terraform_data.home.id
  icon        = "/icon/folder.svg"
  item {
    key   = "Kept"
    value = "until the workspace is deleted"
  }
}
