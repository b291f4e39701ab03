# Replaces objects.tf if the hashicorp/kubernetes provider is unavailable.
terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
    time = {
      source = "hashicorp/time"
    }
    kubectl = {
      source = "gavinbunney/kubectl"
    }
  }
}

provider "kubectl" {
  load_config_file = false
}

resource "kubectl_manifest" "record" {
  count      = data.coder_workspace.me.start_count
  depends_on = [time_sleep.cloud]
  yaml_body = yamlencode({
    apiVersion = "v1"
    kind       = "PersistentVolumeClaim"
    metadata = {
      name      = "load-${data.coder_workspace.me.id}"
      namespace = var.namespace
      labels    = { "e2e.coder.com/load" = "true" }
    }
    spec = {
      accessModes      = ["ReadWriteOnce"]
      resources        = { requests = { storage = "1Mi" } }
      storageClassName = "nobody-binds-it"
    }
  })
}
