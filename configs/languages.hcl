# Scripts in other languages: the interpreter is named, and each parameter says
# how it gets in. All three change with the next run.

script "fit" {
  source      = "fit.R"
  interpreter = "Rscript"
  parameter "lambda" {
    type  = "float"
    value = 0.1
    pass  = "--lambda"
  }
  variable "rmse" {
    pattern = "RMSE: ([0-9.]+)"
  }
}

script "download" {
  source      = "download.sh"
  interpreter = "bash"
  parameter "retries" {
    value = 3
    env   = "RETRIES"
  }
}

script "report" {
  source      = "report.js"
  interpreter = ["node", "--no-warnings"]
  parameter "title" {
    value = "Nightly run"
    file  = "report.json"
  }
}
