# R: the parameter becomes an option behind the script's name.

script "ridge" {
  source      = "ridge.R"
  interpreter = "Rscript"

  parameter "lambda" {
    type  = "float"
    value = 10
    min   = 0
    pass  = "--lambda"
  }
  variable "slope" {
    pattern = "slope=([-0-9.eE+]+)"
  }
  variable "loss" {
    pattern = "loss=([-0-9.eE+]+)"
  }
}
