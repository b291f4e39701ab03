terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

resource "coder_app" "s0" {
  agent_id = "x"
  slug     = "ok"
}
resource "coder_app" "s1" {
  agent_id = "x"
  slug     = "a-b"
}
resource "coder_app" "s2" {
  agent_id = "x"
  slug     = "A"
}
resource "coder_app" "s3" {
  agent_id = "x"
  slug     = "-a"
}
resource "coder_app" "s4" {
  agent_id = "x"
  slug     = "a-"
}
resource "coder_app" "s5" {
  agent_id = "x"
  slug     = "a--b"
}
resource "coder_app" "s6" {
  agent_id = "x"
  slug     = "a_b"
}
resource "coder_app" "s7" {
  agent_id = "x"
  slug     = ""
}
resource "coder_app" "s8" {
  agent_id = "x"
  slug     = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
}
resource "coder_app" "s9" {
  agent_id = "x"
  slug     = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
}
resource "coder_app" "s10" {
  agent_id = "x"
  slug     = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
}
resource "coder_app" "s11" {
  agent_id = "x"
  slug     = "1a"
}
resource "coder_app" "both" {
  agent_id = "x"
  slug     = "b"
  url      = "http://x"
  command  = "y"
}
resource "coder_app" "cmdsub" {
  agent_id  = "x"
  slug      = "b"
  command   = "y"
  subdomain = true
}
resource "coder_app" "ext1" {
  agent_id  = "x"
  slug      = "b"
  external  = true
  url       = "http://x"
  subdomain = true
  share     = "owner"
}
resource "coder_app" "ext2" {
  agent_id = "x"
  slug     = "b"
  external = true
  command  = "x"
  healthcheck {
    url       = "x"
    interval  = 1
    threshold = 1
  }
}
resource "coder_app" "ext3" {
  agent_id  = "x"
  slug      = "b"
  external  = false
  url       = "x"
  subdomain = false
  share     = "owner"
  healthcheck {
    url       = "x"
    interval  = 0
    threshold = 0
  }
}
resource "coder_app" "bad" {
  agent_id = "nope"
  slug     = "b"
  url      = "not a url"
  share    = "organization"
  open_in  = "window"
  icon     = "x y%zz"
  order    = -1
  group    = "ggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggg"
  tooltip  = "ttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt"
  healthcheck {
    url       = "%zz"
    interval  = -1
    threshold = -1
  }
}
resource "coder_app" "bad2" {
  agent_id     = ""
  slug         = "b"
  url          = "http://foo bar"
  display_name = "ddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
  healthcheck {
    url       = ""
    interval  = 1
    threshold = 1
  }
}
