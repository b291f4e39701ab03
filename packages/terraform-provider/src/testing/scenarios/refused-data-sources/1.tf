terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

data "coder_parameter" "bad" {
  name        = ""
  type        = "int"
  form_type   = "x"
  icon        = "%zz"
  description = ""
  styling     = "{"
  order       = -1
  validation {
    monotonic = "up"
  }
}
data "coder_parameter" "v" {
  name    = "x"
  type    = "number"
  default = "abc"
  option {
    name  = ""
    value = ""
    icon  = "%zz"
  }
  validation {
    monotonic = "increasing"
    error     = ""
    regex     = "("
    min       = 5
    max       = 1
  }
}
data "coder_parameter" "v2" {
  name      = "x"
  mutable   = false
  ephemeral = true
}
data "coder_workspace_preset" "p" {
  name       = ""
  icon       = "%zz"
  parameters = {}
  prebuilds {
    instances = -1
    expiration_policy {
      ttl = -1
    }
    scheduling {
      timezone = "Nope"
      schedule {
        cron      = "0 * * * *"
        instances = -1
      }
      schedule {
        cron      = "* 1 * * * *"
        instances = 0
      }
      schedule {
        cron      = "* 25 * * *"
        instances = 1
      }
    }
  }
}
data "coder_workspace_preset" "p2" {
  name       = "x"
  parameters = { "" = "a", b = "" }
  prebuilds {
    instances = 1000
    expiration_policy {
      ttl = 31536001
    }
    scheduling {
      timezone = ""
      schedule {
        cron      = ""
        instances = 0
      }
    }
  }
}
data "coder_workspace_preset" "p3" {
  name = "x"
  prebuilds {
    instances = 1000
    expiration_policy {
      ttl = 31536000
    }
    scheduling {
      timezone = "UTC"
      schedule {
        cron      = "* 1-4 * * *"
        instances = 3
      }
      schedule {
        cron      = "* 3-6 * * *"
        instances = 1
      }
      schedule {
        cron      = "* 8 * 1 MON"
        instances = 1
      }
      schedule {
        cron      = "* 8 * JAN 1"
        instances = 1
      }
      schedule {
        cron      = "*/2 8 * 1 1"
        instances = 1
      }
      schedule {
        cron      = "* * * * 7"
        instances = 1
      }
      schedule {
        cron      = "* 1-3,5 */2 1 7"
        instances = 1
      }
      schedule {
        cron      = "* 9-17 * * 1-5"
        instances = 1
      }
      schedule {
        cron      = " *  9-17 * * 1-5"
        instances = 1
      }
      schedule {
        cron      = "@daily"
        instances = 1
      }
    }
  }
}
data "coder_workspace_tags" "t" {
  tags = { "" = "", a = "b" }
}
data "coder_script_order" "o" {
  rule {
    run      = []
    after    = []
    phase    = "x"
    requires = "y"
  }
  rule {
    run      = [""]
    after    = ["coder_script.a", "bad sel"]
    phase    = "start"
    requires = "success"
  }
}
data "coder_parameter" "v4" {
  name = ""
}
data "coder_parameter" "v5" {
  name = "a"
  type = "string"
  validation {
    monotonic = "increasing"
  }
}
data "coder_parameter" "v6" {
  name = "a"
  type = "string"
  validation {
    min = 1
  }
}
data "coder_parameter" "v7" {
  name      = "a"
  type      = "number"
  default   = "12x"
  form_type = "switch"
}
data "coder_parameter" "v8" {
  name      = "a"
  type      = "bool"
  ephemeral = true
  mutable   = true
  validation {
    regex = "x"
  }
}
data "coder_parameter" "v9" {
  name = "a"
  type = "string"
  validation {
    regex = "("
  }
}
data "coder_parameter" "v10" {
  name  = "a"
  order = -1
  validation {
    regex = "(?P<a>x)"
    error = ""
  }
}
data "coder_parameter" "v11" {
  name      = "a"
  mutable   = false
  ephemeral = true
  default   = "a"
  option {
    name  = "x"
    value = "x"
  }
  option {
    name  = "x"
    value = "x"
  }
}
data "coder_parameter" "v12" {
  name    = "a"
  mutable = false
  default = "x"
  option {
    name  = "y"
    value = "x"
    icon  = "%zz"
  }
  option {
    name  = "x"
    value = "x"
  }
}
data "coder_parameter" "v13" {
  name      = "a"
  mutable   = true
  ephemeral = true
}
data "coder_parameter" "v14" {
  name    = "a"
  styling = "{"
}
