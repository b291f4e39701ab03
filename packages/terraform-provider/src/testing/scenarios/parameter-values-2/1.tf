terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

data "coder_parameter" "c0" {
  name    = "c0"
  type    = "number"
  default = "5"
  validation {
    min = 1
  }
}
data "coder_parameter" "c1" {
  name    = "c1"
  type    = "number"
  default = "5"

}
data "coder_parameter" "c2" {
  name    = "c2"
  type    = "number"
  default = "5"

}
data "coder_parameter" "c3" {
  name    = "c3"
  type    = "number"
  default = "5"

}
data "coder_parameter" "c4" {
  name    = "c4"
  type    = "number"
  default = 1.5
  validation {
    min = 1
    max = 2
  }
}
data "coder_parameter" "c5" {
  name = "c5"
  type = "bool"
}
data "coder_parameter" "c6" {
  name = "c6"
  type = "bool"
}
data "coder_parameter" "c7" {
  name = "c7"
  type = "bool"
}
data "coder_parameter" "c8" {
  name    = "c8"
  default = "x"
  validation {
  }
}
data "coder_parameter" "c9" {
  name    = "c9"
  default = "x"
  validation {
    min = 0
    max = 0
  }
}
data "coder_parameter" "c10" {
  name    = "c10"
  default = null
}
data "coder_parameter" "c11" {
  name    = "c11"
  type    = "number"
  default = 5
  validation {
    min = 0
    max = 10
  }
}
data "coder_parameter" "c12" {
  name         = "c12"
  icon         = ""
  description  = ""
  display_name = ""
  styling      = ""
  order        = 0
}
data "coder_parameter" "c13" {
  name    = "c13"
  default = "a"
  option {
    name  = "a"
    value = "a"
  }
  option {
    name  = "b"
    value = "b"
  }
}
data "coder_parameter" "c14" {
  name = "c14"
  option {
    name        = "a"
    value       = "a"
    description = "d"
    icon        = "/i.png"
  }
}
data "coder_parameter" "c15" {
  name    = "c15"
  type    = "list(string)"
  default = "[]"
}
data "coder_parameter" "c16" {
  name    = "c16"
  type    = "bool"
  default = false
}
data "coder_parameter" "c17" {
  name = "c17"
  type = "bool"
}
data "coder_parameter" "c18" {
  name         = "c18"
  mutable      = true
  ephemeral    = true
  default      = ""
  order        = 3
  styling      = jsonencode({ a = 1 })
  form_type    = "textarea"
  description  = "d"
  display_name = "D"
  icon         = "/a"
}
data "coder_parameter" "c19" {
  name      = "c19"
  type      = "number"
  form_type = "slider"
  default   = 1
  validation {
    min       = 1
    max       = 2
    error     = "x"
    monotonic = "increasing"
  }
}
data "coder_parameter" "c20" {
  name = "c20"
  validation {
    regex = "^$"
    error = "x"
  }
}
data "coder_parameter" "c21" {
  name      = "c21"
  type      = "list(string)"
  form_type = "multi-select"
  option {
    name  = "a"
    value = "a"
  }
}
