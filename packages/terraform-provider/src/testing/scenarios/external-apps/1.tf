terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

resource "coder_app" "u0" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "x"
}
resource "coder_app" "u1" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = ""
}
resource "coder_app" "u2" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "x:y"
}
resource "coder_app" "u3" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "//h"
}
resource "coder_app" "u4" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "mailto:a@b"
}
resource "coder_app" "u5" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "javascript:alert(1)"
}
resource "coder_app" "u6" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "$SESSION_TOKEN"
}
resource "coder_app" "u7" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "https://"
}
resource "coder_app" "u8" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "https:///x"
}
resource "coder_app" "u9" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "http://h/?t=$SESSION_TOKEN"
}
resource "coder_app" "u10" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "1http://x"
}
resource "coder_app" "u11" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "ht tp://x"
}
resource "coder_app" "u12" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "vscode://coder.coder-remote/open?x=y"
}
resource "coder_app" "u13" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "http://h:abc"
}
resource "coder_app" "u14" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "http://%zz"
}
resource "coder_app" "u15" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "/path"
}
resource "coder_app" "u16" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "HTTP://x"
}
resource "coder_app" "u17" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "http:"
}
resource "coder_app" "u18" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "http:x"
}
resource "coder_app" "u19" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "http://a b"
}
resource "coder_app" "u20" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "jetbrains-gateway://connect#type=coder"
}
resource "coder_app" "u21" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "data:text/html,x"
}
resource "coder_app" "u22" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "ftp://x"
}
resource "coder_app" "u23" {
  agent_id = "x"
  slug     = "a"
  external = true
  url      = "file:///x"
}
resource "coder_app" "n" {
  agent_id = "x"
  slug     = "a"
  external = true
}

resource "coder_app" "m" {
  agent_id = "x"
  slug     = "a"
  url      = "not url"
}

resource "coder_app" "m2" {
  agent_id = "x"
  slug     = "a"
  url      = "%zz"
}
