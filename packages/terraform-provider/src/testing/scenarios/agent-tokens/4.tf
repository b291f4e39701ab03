terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

resource "coder_agent" "a" {
  os    = "linux"
  arch  = "amd64"
  order = 1
}
