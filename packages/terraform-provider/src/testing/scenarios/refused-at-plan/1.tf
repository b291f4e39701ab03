terraform {
  required_providers {
    coder = {
      source = "coder/coder"
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
}

resource "coder_agent" "dupvol" {
  os   = "linux"
  arch = "amd64"
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
  }
}

resource "coder_metadata" "dup" {
  resource_id = "x"
  hide        = false
  daily_cost  = 0
  icon        = ""
  item {
    key   = "a"
    value = "b"
  }
  item {
    key   = "a"
    value = "b"
  }
}
