# A workspace as a container on a Docker host: a new container at each start, and a persistent volume for the home folder.

terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
    docker = {
      source = "kreuzwerker/docker"
    }
  }
}

provider "docker" {
  host = var.docker_host == "" ? null : var.docker_host
}

# --- Variables, set by the operator when pushing the template ---------------------------------------------------------

variable "docker_host" {
  type        = string
  default     = ""
  description = "Address of the Docker engine, for example `unix:///run/user/1000/docker.sock` or `ssh://user@host`. The provider's default if empty."
}

variable "home_dir" {
  type        = string
  default     = "/home/vscode"
  description = "Home folder of the images' user, where the volume is mounted."
  validation {
    condition     = can(regex("^/[^:]+$", var.home_dir))
    error_message = "home_dir is an absolute path, without a colon."
  }
}

variable "max_memory_gib" {
  type        = number
  default     = 16
  description = "Maximum memory that developers can choose, in GiB."
  validation {
    condition     = var.max_memory_gib >= 1 && floor(var.max_memory_gib) == var.max_memory_gib
    error_message = "max_memory_gib is a whole number from 1."
  }
}

# --- Parameters, chosen by the developer when creating a workspace ----------------------------------------------------

data "coder_parameter" "image" {
  name         = "image"
  display_name = "Image"
  description  = "Container image of the workspace."
  type         = "string"
  form_type    = "dropdown"
  default      = "mcr.microsoft.com/devcontainers/base:debian"
  mutable      = true
  order        = 1
  option {
    name  = "Debian"
    value = "mcr.microsoft.com/devcontainers/base:debian"
  }
  option {
    name  = "Ubuntu"
    value = "mcr.microsoft.com/devcontainers/base:ubuntu"
  }
  option {
    name  = "Go"
    value = "mcr.microsoft.com/devcontainers/go:1"
  }
  option {
    name  = "Python"
    value = "mcr.microsoft.com/devcontainers/python:3"
  }
}

data "coder_parameter" "cpu" {
  name         = "cpu"
  display_name = "CPU cores"
  type         = "number"
  form_type    = "slider"
  default      = 2
  mutable      = true
  order        = 2
  validation {
    min = 1
    max = 16
  }
}

data "coder_parameter" "memory" {
  name         = "memory"
  display_name = "Memory (GiB)"
  type         = "number"
  form_type    = "slider"
  default      = min(4, var.max_memory_gib)
  mutable      = true
  order        = 3
  validation {
    min = 1
    max = var.max_memory_gib
  }
}

data "coder_parameter" "editor" {
  name         = "editor"
  display_name = "Editor in the browser"
  description  = "Install code-server into the home folder on first start."
  type         = "bool"
  default      = true
  mutable      = true
  order        = 4
}

# --- The workspace and its owner --------------------------------------------------------------------------------------

data "coder_workspace" "me" {}
data "coder_workspace_owner" "me" {}
data "coder_provisioner" "me" {}

locals {
  # IDs, because users and workspaces can be renamed; names are for readability.
  labels = {
    "coder.owner"          = data.coder_workspace_owner.me.name
    "coder.owner_id"       = data.coder_workspace_owner.me.id
    "coder.workspace_id"   = data.coder_workspace.me.id
    "coder.workspace_name" = data.coder_workspace.me.name
  }
  # Inside a container, localhost is the container itself.
  init_script = replace(coder_agent.main.init_script, "/localhost|127\\.0\\.0\\.1/", "host.docker.internal")
  editor_port = 13337
}

# --- The agent, which runs in the workspace ---------------------------------------------------------------------------

resource "coder_agent" "main" {
  os   = "linux"
  arch = data.coder_provisioner.me.arch
  dir  = var.home_dir

  env = {
    GIT_AUTHOR_NAME     = coalesce(data.coder_workspace_owner.me.full_name, data.coder_workspace_owner.me.name)
    GIT_AUTHOR_EMAIL    = data.coder_workspace_owner.me.email
    GIT_COMMITTER_NAME  = coalesce(data.coder_workspace_owner.me.full_name, data.coder_workspace_owner.me.name)
    GIT_COMMITTER_EMAIL = data.coder_workspace_owner.me.email
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
    display_name = "Memory"
    # The first file exists with cgroup v2, the second with cgroup v1.
    script   = "cat /sys/fs/cgroup/memory.current /sys/fs/cgroup/memory/memory.usage_in_bytes 2>/dev/null | awk 'NR == 1 { printf \"%.1f of ${data.coder_parameter.memory.value} GiB\", $1 / 1073741824 }'"
    interval = 10
    timeout  = 2
    order    = 2
  }
  metadata {
    key          = "home"
    display_name = "Home folder"
    script       = "du -sh \"$HOME\" 2>/dev/null | cut -f 1"
    interval     = 600
    timeout      = 60
    order        = 3
  }
}

resource "coder_script" "editor" {
  count              = data.coder_parameter.editor.value == "true" ? 1 : 0
  agent_id           = coder_agent.main.id
  display_name       = "Editor"
  icon               = "/icon/code.svg"
  run_on_start       = true
  start_blocks_login = false
  timeout            = 600
  script             = <<-EOT
    #!/bin/sh
    set -eu
    place="$HOME/.local/lib/code-server"
    if [ ! -x "$place/bin/code-server" ]; then
      echo "Installing code-server into $place"
      curl -fsSL https://code-server.dev/install.sh | sh -s -- --method=standalone --prefix="$place"
    fi
    nohup "$place/bin/code-server" --auth none --bind-addr 127.0.0.1:${local.editor_port} > /tmp/code-server.log 2>&1 < /dev/null &
    echo "The editor listens on port ${local.editor_port}; its log is /tmp/code-server.log"
  EOT
}

resource "coder_app" "editor" {
  count        = data.coder_parameter.editor.value == "true" ? 1 : 0
  agent_id     = coder_agent.main.id
  slug         = "editor"
  display_name = "Editor"
  icon         = "/icon/code.svg"
  url          = "http://localhost:${local.editor_port}/?folder=${var.home_dir}"
  subdomain    = false
  share        = "owner"
  healthcheck {
    url       = "http://localhost:${local.editor_port}/healthz"
    interval  = 5
    threshold = 24
  }
}

# --- Persistent: the home folder is kept until the workspace is deleted -----------------------------------------------

resource "docker_volume" "home" {
  name = "coder-${data.coder_workspace.me.id}-home"

  dynamic "labels" {
    for_each = local.labels
    content {
      label = labels.key
      value = labels.value
    }
  }

  # A changed label would replace the volume with an empty one, so renames must not affect it.
  lifecycle {
    ignore_changes = all
  }
}

# --- Ephemeral: the container exists while the workspace runs ---------------------------------------------------------

resource "docker_container" "workspace" {
  count    = data.coder_workspace.me.start_count
  image    = data.coder_parameter.image.value
  name     = "coder-${data.coder_workspace_owner.me.name}-${lower(data.coder_workspace.me.name)}"
  hostname = lower(data.coder_workspace.me.name)

  entrypoint = ["sh", "-c", local.init_script]
  env        = ["CODER_AGENT_TOKEN=${coder_agent.main.token}"]
  # Reaps orphaned processes.
  init   = true
  memory = data.coder_parameter.memory.value * 1024
  cpus   = tostring(data.coder_parameter.cpu.value)

  host {
    host = "host.docker.internal"
    ip   = "host-gateway"
  }
  volumes {
    volume_name    = docker_volume.home.name
    container_path = var.home_dir
  }

  dynamic "labels" {
    for_each = local.labels
    content {
      label = labels.key
      value = labels.value
    }
  }
}

resource "coder_metadata" "container" {
  count       = data.coder_workspace.me.start_count
  resource_id = docker_container.workspace[0].id
  icon        = "/icon/docker.svg"
  item {
    key   = "Image"
    value = data.coder_parameter.image.value
  }
  item {
    key   = "Size"
    value = "${data.coder_parameter.cpu.value} cores, ${data.coder_parameter.memory.value} GiB"
  }
}

resource "coder_metadata" "home" {
  resource_id = docker_volume.home.id
  icon        = "/icon/folder.svg"
  item {
    key   = "Kept"
    value = "until the workspace is deleted"
  }
}
