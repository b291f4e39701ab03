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
    monotonic = "increasing"
  }
}
data "coder_parameter" "c1" {
  name    = "c1"
  type    = "number"
  default = "5"
  validation {
    monotonic = "increasing"
  }
}
data "coder_parameter" "c2" {
  name    = "c2"
  type    = "number"
  default = "5"
  validation {
    monotonic = "increasing"
  }
}
data "coder_parameter" "c3" {
  name    = "c3"
  type    = "number"
  default = "5"
  validation {
    monotonic = "decreasing"
  }
}
data "coder_parameter" "c4" {
  name    = "c4"
  type    = "number"
  default = "5"
  validation {
    monotonic = "decreasing"
  }
}
data "coder_parameter" "c5" {
  name    = "c5"
  type    = "number"
  default = "5"
  validation {
    monotonic = "increasing"
    error     = "e {value} {min} {max}"
  }
}
data "coder_parameter" "c6" {
  name    = "c6"
  type    = "number"
  default = "5"
  validation {
    monotonic = "increasing"
  }
}
data "coder_parameter" "c7" {
  name    = "c7"
  type    = "number"
  default = "5"
  validation {
    monotonic = "increasing"
  }
}
data "coder_parameter" "c8" {
  name    = "c8"
  type    = "number"
  default = "5"
  validation {
    monotonic = "increasing"
  }
}
data "coder_parameter" "c9" {
  name    = "c9"
  type    = "number"
  default = "5"
  validation {
    monotonic = "increasing"
  }
}
data "coder_parameter" "c10" {
  name    = "c10"
  type    = "number"
  default = "5"

}
data "coder_parameter" "c11" {
  name    = "c11"
  type    = "number"
  default = "5"

}
data "coder_parameter" "c12" {
  name    = "c12"
  type    = "number"
  default = "5"

}
data "coder_parameter" "c13" {
  name    = "c13"
  type    = "number"
  default = "5"

}
data "coder_parameter" "c14" {
  name = "c14"
  type = "bool"
}
data "coder_parameter" "c15" {
  name = "c15"
  type = "bool"
}
data "coder_parameter" "c16" {
  name = "c16"
  type = "bool"
}
data "coder_parameter" "c17" {
  name = "c17"
  type = "bool"
}
data "coder_parameter" "c18" {
  name = "c18"
  option {
    name  = "a"
    value = "a"
  }
  option {
    name  = "b"
    value = "b"
  }
}
data "coder_parameter" "c19" {
  name = "c19"
  option {
    name  = "a"
    value = "a"
  }
  option {
    name  = "b"
    value = "b"
  }
}
data "coder_parameter" "c20" {
  name = "c20"
  option {
    name  = "a"
    value = "a"
  }
  option {
    name  = "b"
    value = "b"
  }
  default = "a"
}
data "coder_parameter" "c21" {
  name      = "c21"
  type      = "list(string)"
  form_type = "multi-select"
  option {
    name  = "a"
    value = "a"
  }
  option {
    name  = "b"
    value = "b"
  }
}
data "coder_parameter" "c22" {
  name      = "c22"
  type      = "list(string)"
  form_type = "multi-select"
  option {
    name  = "a"
    value = "a"
  }
  option {
    name  = "b"
    value = "b"
  }
}
data "coder_parameter" "c23" {
  name = "c23"
  type = "list(string)"
}
data "coder_parameter" "c24" {
  name = "c24"
  type = "list(string)"
}
data "coder_parameter" "c25" {
  name = "c25"
  type = "list(string)"
}
data "coder_parameter" "c26" {
  name = "c26"
  type = "list(string)"
}
data "coder_parameter" "c27" {
  name = "c27"
  validation {
    regex = "^x$"
    error = "must {value}"
  }
}
data "coder_parameter" "c28" {
  name    = "c28"
  default = "x"
  validation {
    regex = "^x$"
    error = "must {value}"
  }
}
data "coder_parameter" "c29" {
  name = "c29"
  validation {
    regex = "^x$"
    error = "must {value}"
  }
}
data "coder_parameter" "c30" {
  name = "c30"
  validation {
    regex = "^x$"
    error = "must {value}"
  }
}
data "coder_parameter" "c31" {
  name    = "c31"
  type    = "number"
  default = "5"
  validation {
    min = 6
    max = 9
  }
}
data "coder_parameter" "c32" {
  name    = "c32"
  type    = "number"
  default = "5"
  validation {
    min   = 1
    max   = 9
    error = "{value} not in {min} {max} {value}"
  }
}
data "coder_parameter" "c33" {
  name    = "c33"
  type    = "number"
  default = "5"
  validation {
    min = 1
    max = 9
  }
}
data "coder_parameter" "c34" {
  name = "c34"
  type = "number"
  validation {
    min = 0
  }
}
data "coder_parameter" "c35" {
  name = "c35"
  type = "number"
  validation {
    max = 0
  }
}
data "coder_parameter" "c36" {
  name = "c36"
  type = "number"
  validation {
    regex = "x"
    error = "y"
  }
}
data "coder_parameter" "c37" {
  name    = "c37"
  mutable = false
  default = "a"
}
data "coder_parameter" "c38" {
  name      = "c38"
  mutable   = false
  ephemeral = true
  default   = "a"
}
data "coder_parameter" "c39" {
  name = "c39"
  type = "bool"
  validation {
    min = 1
  }
}
data "coder_parameter" "c40" {
  name = "c40"
  type = "bool"
  validation {
    max = 1
  }
}
data "coder_parameter" "c41" {
  name = "c41"
  type = "bool"
  validation {
    monotonic = "increasing"
  }
}
data "coder_parameter" "c42" {
  name = "c42"
  type = "list(string)"
  validation {
    min = 1
  }
}
data "coder_parameter" "c43" {
  name      = "c43"
  type      = "list(string)"
  default   = "[\"q\"]"
  form_type = "multi-select"
  option {
    name  = "a"
    value = "a"
  }
  option {
    name  = "b"
    value = "b"
  }
}
data "coder_parameter" "c44" {
  name = "c44"
  type = "number"
  option {
    name  = "1"
    value = "1"
  }
  option {
    name  = "2"
    value = "2"
  }
}
data "coder_parameter" "c45" {
  name = "c45"
  type = "number"
  option {
    name  = "1"
    value = "1"
  }
  option {
    name  = "2"
    value = "2"
  }
}
data "coder_parameter" "c46" {
  name = "c46"
  type = "number"
  validation {
    min = 1
  }
  option {
    name  = "0"
    value = "0"
  }
  option {
    name  = "2"
    value = "2"
  }
}
data "coder_parameter" "c47" {
  name = "c47"
  type = "bool"
  option {
    name  = "maybe"
    value = "maybe"
  }
}
data "coder_parameter" "c48" {
  name = "c48"
  option {
    name  = "a"
    value = "a"
  }
  option {
    name  = "b"
    value = "b"
  }
  validation {
    regex = "^b$"
    error = "e"
  }
}
data "coder_parameter" "c49" {
  name      = "c49"
  form_type = "slider"
}
data "coder_parameter" "c50" {
  name      = "c50"
  type      = "list(string)"
  form_type = "multi-select"
}
data "coder_parameter" "c51" {
  name      = "c51"
  type      = "list(string)"
  form_type = "dropdown"
  option {
    name  = "a"
    value = "a"
  }
}
data "coder_parameter" "c52" {
  name      = "c52"
  type      = "list(string)"
  form_type = "checkbox"
}
data "coder_parameter" "c53" {
  name = "c53"
  type = "list(string)"
  option {
    name  = "n"
    value = "[\"a\"]"
  }
}
data "coder_parameter" "c54" {
  name = "c54"
  type = "list(string)"
  option {
    name  = "n"
    value = "[\"a\"]"
  }
}
data "coder_parameter" "c55" {
  name    = "c55"
  type    = "list(string)"
  default = "[\"b\"]"
  option {
    name  = "n"
    value = "[\"a\"]"
  }
}
