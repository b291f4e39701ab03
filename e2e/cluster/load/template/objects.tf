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

resource "kubernetes_persistent_volume_claim_v1" "record" {
  count            = data.coder_workspace.me.start_count
  depends_on       = [time_sleep.cloud]
  wait_until_bound = false
  metadata {
    name      = "load-${data.coder_workspace.me.id}"
    namespace = var.namespace
    labels    = { "e2e.coder.com/load" = "true" }
  }
  spec {
    access_modes       = ["ReadWriteOnce"]
    storage_class_name = "nobody-binds-it"
    resources {
      requests = { storage = "1Mi" }
    }
  }
}
