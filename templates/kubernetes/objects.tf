terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
    kubernetes = {
      source = "hashicorp/kubernetes"
    }
  }
}

provider "kubernetes" {
  # Empty to use the service account of the pod that runs Terraform.
  config_path = var.use_kubeconfig ? "~/.kube/config" : null
}

# --- Persistent: the home folder is kept until the workspace is deleted -----------------------------------------------

resource "kubernetes_persistent_volume_claim_v1" "home" {
  metadata {
    name      = "${local.name}-home"
    namespace = var.namespace
    labels    = local.labels
  }
  spec {
    access_modes       = ["ReadWriteOnce"]
    storage_class_name = var.storage_class == "" ? null : var.storage_class
    resources {
      requests = {
        storage = "${data.coder_parameter.disk.value}Gi"
      }
    }
  }
  # Many storage classes bind a volume only when a pod uses it.
  wait_until_bound = false

  lifecycle {
    ignore_changes = [metadata[0].labels, spec[0].storage_class_name]
  }
}

# --- Ephemeral: the pod exists while the workspace runs ---------------------------------------------------------------

resource "kubernetes_deployment_v1" "workspace" {
  count = data.coder_workspace.me.start_count

  metadata {
    name      = local.name
    namespace = var.namespace
    labels    = local.labels
  }
  spec {
    replicas = 1
    # Two pods must never share a home volume.
    strategy {
      type = "Recreate"
    }
    selector {
      match_labels = local.selector
    }
    template {
      metadata {
        labels = local.labels
      }
      spec {
        # Workspaces do not need access to the Kubernetes API.
        automount_service_account_token  = false
        enable_service_links             = false
        termination_grace_period_seconds = 30
        security_context {
          run_as_non_root        = true
          run_as_user            = 1000
          run_as_group           = 1000
          fs_group               = 1000
          fs_group_change_policy = "OnRootMismatch"
          seccomp_profile {
            type = "RuntimeDefault"
          }
        }
        container {
          name              = "workspace"
          image             = var.image
          image_pull_policy = "IfNotPresent"
          command           = ["sh", "-c", coder_agent.main.init_script]
          env {
            name  = "CODER_AGENT_TOKEN"
            value = coder_agent.main.token
          }
          env {
            name  = "HOME"
            value = var.home_dir
          }
          security_context {
            allow_privilege_escalation = false
            capabilities {
              drop = ["ALL"]
            }
          }
          resources {
            requests = {
              cpu    = "250m"
              memory = "512Mi"
            }
            limits = {
              cpu    = tostring(data.coder_parameter.cpu.value)
              memory = "${data.coder_parameter.memory.value}Gi"
            }
          }
          volume_mount {
            name       = "home"
            mount_path = var.home_dir
          }
        }
        volume {
          name = "home"
          persistent_volume_claim {
            claim_name = kubernetes_persistent_volume_claim_v1.home.metadata[0].name
          }
        }
        affinity {
          # Spread workspaces over the nodes.
          pod_anti_affinity {
            preferred_during_scheduling_ignored_during_execution {
              weight = 1
              pod_affinity_term {
                topology_key = "kubernetes.io/hostname"
                label_selector {
                  match_labels = {
                    "app.kubernetes.io/name" = "coder-workspace"
                  }
                }
              }
            }
          }
        }
      }
    }
  }
}

resource "coder_metadata" "pod" {
  count       = data.coder_workspace.me.start_count
  resource_id = kubernetes_deployment_v1.workspace[0].id
  icon        = "/icon/k8s.svg"
  item {
    key   = "Size"
    value = "${data.coder_parameter.cpu.value} cores, ${data.coder_parameter.memory.value} GiB"
  }
  item {
    key   = "Image"
    value = var.image
  }
}

resource "coder_metadata" "home" {
  resource_id = kubernetes_persistent_volume_claim_v1.home.id
  icon        = "/icon/folder.svg"
  item {
    key   = "Kept"
    value = "until the workspace is deleted"
  }
}
