# A workspace as a pod with a persistent home folder. This file defines the workspace, objects.tf its Kubernetes objects.

# --- Variables, set by the operator when pushing the template ---------------------------------------------------------

variable "namespace" {
  type        = string
  description = "Namespace of workspaces. It must exist, and the provisioner must have write access to it."
}

variable "use_kubeconfig" {
  type        = bool
  default     = false
  description = "Use the provisioner's ~/.kube/config. If false, the provisioner must run in the cluster, and its service account is used."
}

variable "image" {
  type        = string
  default     = "mcr.microsoft.com/devcontainers/base:debian"
  description = "Image of the workspace. It needs `sh`, `curl` or `wget`, and a user with ID 1000."
}

variable "home_dir" {
  type        = string
  default     = "/home/vscode"
  description = "Home folder of the image's user, where the volume is mounted."
}

variable "storage_class" {
  type        = string
  default     = ""
  description = "Storage class of the home volumes. The cluster's default if empty."
}

# --- Parameters, chosen by the developer when creating a workspace ----------------------------------------------------

data "coder_parameter" "cpu" {
  name         = "cpu"
  display_name = "CPU cores"
  description  = "CPU limit of the workspace."
  type         = "number"
  form_type    = "slider"
  default      = 2
  mutable      = true
  order        = 1
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
  default      = 4
  mutable      = true
  order        = 2
  validation {
    min = 1
    max = 64
  }
}

data "coder_parameter" "disk" {
  name         = "disk"
  display_name = "Home folder (GiB)"
  description  = "Can be increased later if the storage class supports it, but not decreased."
  type         = "number"
  default      = 10
  mutable      = true
  order        = 3
  validation {
    min       = 1
    max       = 1024
    monotonic = "increasing"
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
  # An ID, because users and workspaces can be renamed.
  name = "coder-${data.coder_workspace.me.id}"
  selector = {
    "app.kubernetes.io/name"     = "coder-workspace"
    "app.kubernetes.io/instance" = local.name
  }
  labels = merge(local.selector, {
    "app.kubernetes.io/part-of" = "coder"
    "com.coder.workspace.id"    = data.coder_workspace.me.id
    "com.coder.workspace.name"  = data.coder_workspace.me.name
    "com.coder.user.id"         = data.coder_workspace_owner.me.id
    "com.coder.user.username"   = data.coder_workspace_owner.me.name
  })
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
    display_name = "Load of the node"
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
    script       = "df -h \"$HOME\" | awk 'NR == 2 { print $3 \" of \" $2 }'"
    interval     = 60
    timeout      = 5
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
