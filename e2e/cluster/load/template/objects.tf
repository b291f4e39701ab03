terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
    time = {
      source = "hashicorp/time"
    }
    kubernetes = {
      source = "hashicorp/kubernetes"
    }
  }
}

provider "kubernetes" {}

resource "kubernetes_config_map_v1" "record" {
  count      = data.coder_workspace.me.start_count
  depends_on = [time_sleep.cloud]
  metadata {
    name      = "load-${data.coder_workspace.me.id}"
    namespace = var.namespace
    labels    = { "e2e.coder.com/load" = "true" }
  }
}
