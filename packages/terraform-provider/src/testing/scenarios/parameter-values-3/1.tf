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
    min = 1
  }
}
data "coder_parameter" "c2" {
  name    = "c2"
  type    = "number"
  default = "5"
  validation {
    min = 1
  }
}
data "coder_parameter" "c3" {
  name    = "c3"
  type    = "number"
  default = "5"
  validation {
    min = 1
  }
}
data "coder_parameter" "c4" {
  name    = "c4"
  type    = "number"
  default = "5"

}
data "coder_parameter" "c5" {
  name    = "c5"
  type    = "number"
  default = "5"

}
data "coder_parameter" "c6" {
  name    = "c6"
  type    = "number"
  default = "5"

}
data "coder_parameter" "c7" {
  name    = "c7"
  type    = "number"
  default = "5"

}
data "coder_parameter" "c8" {
  name    = "c8"
  type    = "number"
  default = "5"

}
data "coder_parameter" "c9" {
  name    = "c9"
  type    = "number"
  default = "5"

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
  option {
    name  = "0x1"
    value = "0x1"
  }
}
