terraform {
  required_providers {
    coder = {
      source = "coder/coder"
    }
  }
}

data "coder_parameter" "v" {
  name    = "x"
  type    = "number"
  default = "abc"
}
data "coder_parameter" "v4" {
  name = ""
}
data "coder_parameter" "v5" {
  name = "v5"
  type = "string"
  validation {
    monotonic = "increasing"
  }
}
data "coder_parameter" "v5b" {
  name = "v5b"
  type = "number"
  validation {
    monotonic = "up"
  }
}
data "coder_parameter" "v5c" {
  name    = "v5c"
  type    = "number"
  default = "3"
  validation {
    monotonic = "up"
  }
}
data "coder_parameter" "v6" {
  name = "v6"
  type = "string"
  validation {
    min = 1
  }
}
data "coder_parameter" "v6b" {
  name    = "v6b"
  type    = "string"
  default = "x"
  validation {
    max = 1
  }
}
data "coder_parameter" "v7" {
  name      = "v7"
  type      = "number"
  default   = "12"
  form_type = "switch"
}
data "coder_parameter" "v8" {
  name    = "v8"
  type    = "bool"
  default = "true"
  validation {
    regex = "x"
  }
}
data "coder_parameter" "v8b" {
  name    = "v8b"
  type    = "bool"
  default = "maybe"
}
data "coder_parameter" "v9" {
  name = "v9"
  type = "string"
  validation {
    regex = "("
  }
}
data "coder_parameter" "v9b" {
  name    = "v9b"
  type    = "string"
  default = "b"
  validation {
    regex = "("
    error = "x"
  }
}
data "coder_parameter" "v10" {
  name    = "v10"
  order   = -1
  default = "q"
  validation {
    regex = "^x$"
    error = "bad {value} {min} {max}"
  }
}
data "coder_parameter" "v10b" {
  name    = "v10b"
  default = "q"
  validation {
    regex = "^x$"
  }
}
data "coder_parameter" "v11" {
  name    = "v11"
  mutable = true
  default = "a"
  option {
    name  = "x"
    value = "x"
  }
}
data "coder_parameter" "v11b" {
  name = "v11b"
  option {
    name  = "x"
    value = "x"
  }
  option {
    name  = "x"
    value = "y"
  }
}
data "coder_parameter" "v11c" {
  name = "v11c"
  option {
    name  = "y"
    value = "x"
  }
  option {
    name  = "x"
    value = "x"
  }
}
data "coder_parameter" "v12" {
  name      = "v12"
  mutable   = false
  ephemeral = true
  default   = "x"
}
data "coder_parameter" "v13" {
  name      = "v13"
  mutable   = true
  ephemeral = true
}
data "coder_parameter" "v14" {
  name    = "v14"
  styling = "{"
}
data "coder_parameter" "v15" {
  name    = "v15"
  type    = "number"
  default = 7
  validation {
    min = 8
    max = 3
  }
}
data "coder_parameter" "v15b" {
  name    = "v15b"
  type    = "number"
  default = 7
  validation {
    min   = 8
    error = "{value} is not in {min}..{max}"
  }
}
data "coder_parameter" "v15c" {
  name    = "v15c"
  type    = "number"
  default = 7
  validation {
    max = 3
  }
}
data "coder_parameter" "v16" {
  name    = "v16"
  type    = "list(string)"
  default = "a"
}
data "coder_parameter" "v17" {
  name      = "v17"
  type      = "list(string)"
  default   = jsonencode(["a", "z"])
  form_type = "multi-select"
  option {
    name  = "a"
    value = "a"
  }
}
data "coder_parameter" "v18" {
  name      = "v18"
  type      = "list(string)"
  default   = jsonencode(["a"])
  form_type = "radio"
  option {
    name  = "a"
    value = "a"
  }
}
data "coder_parameter" "v19" {
  name = "v19"
  type = "number"
  option {
    name  = "a"
    value = "a"
  }
}
data "coder_parameter" "v20" {
  name      = "v20"
  form_type = "error"
}
data "coder_parameter" "v21" {
  name      = "v21"
  form_type = "error"
  default   = "x"
  option {
    name  = "a"
    value = "a"
  }
}
data "coder_parameter" "v22" {
  name    = "v22"
  type    = "number"
  default = "1.5"
}
data "coder_parameter" "v23" {
  name      = "v23"
  type      = "number"
  form_type = "slider"
  default   = "1"
  option {
    name  = "a"
    value = "1"
  }
}
data "coder_parameter" "v24" {
  name    = "v24"
  default = "b"
  option {
    name  = "a"
    value = "a"
  }
  validation {
    regex = "^b$"
    error = "x"
  }
}
data "coder_parameter" "v25" {
  name    = "v25"
  type    = "list(string)"
  default = "[1]"
}
data "coder_parameter" "v26" {
  name    = "v26"
  type    = "list(string)"
  default = "[]"
  validation {
    regex = "x"
    error = "y"
  }
}
data "coder_parameter" "v27" {
  name      = "v27"
  type      = "bool"
  form_type = "switch"
  option {
    name  = "a"
    value = "true"
  }
}
data "coder_parameter" "v28" {
  name    = "v28"
  default = "a"
  validation {
    error = "y"
  }
}
