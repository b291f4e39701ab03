terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

data "coder_external_auth" "e" {
  id = ""
}
