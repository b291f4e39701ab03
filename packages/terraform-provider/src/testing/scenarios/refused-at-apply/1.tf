terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

resource "coder_script" "none" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
}
resource "coder_script" "falses" {
  agent_id     = "x"
  display_name = "d"
  script       = "s"
  run_on_start = false
  run_on_stop  = false
}
resource "coder_script" "block" {
  agent_id           = ""
  display_name       = ""
  script             = ""
  run_on_stop        = true
  start_blocks_login = true
  icon               = ""
  log_path           = ""
}
resource "coder_script" "block2" {
  agent_id           = "x"
  display_name       = "d"
  script             = "s"
  cron               = "0 0 1 1 1 0"
  start_blocks_login = true
}
resource "coder_ai_task" "none" {
}
