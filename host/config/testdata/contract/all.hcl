host {
  name   = "lab1"
  listen = "127.0.0.1:10117"
}
connector {
  listen = "127.0.0.1:10118"
  auth   = "user"
}
script "prepare" {
  source = "prepare.py"
}
script "evaluator" {
  source = "evaluator.py"
}
locals {
  epochs = 10
}
input "lr" {
  type    = "float"
  default = 0.01
  doc     = "the first learning rate"
}
script "trainer" {
  source      = "train.py"
  interpreter = ".venv/bin/python"
  args        = ["--data", "iris.csv"]
  env         = { OMP_NUM_THREADS = "1" }
  directory   = "."
  stdin       = "answers.txt"
  parameters  = { epochs = local.epochs, batch_size = 32 }
  parameter "learning_rate" {
    value = input.lr
    min   = 0.00001
    max   = 1
    scale = "log"
  }
  variable "loss" {
    pattern = "loss[=:] *([-0-9.eE+]+)"
  }
  restart {
    policy       = "on-failure"
    max_attempts = 5
    window       = "10m"
    backoff      = "1s"
    max_backoff  = "60s"
  }
  stalled_after = "5m"
  depends_on    = [script.prepare, script.evaluator.ready]
  stop_grace    = "10s"
  on_host_exit  = "survive"
  reload        = "manual"
  autostart     = true
}
script "fit_r" {
  source      = "fit.R"
  interpreter = "Rscript"
  protocol    = "lines"
  parameter "lambda" {
    type  = "float"
    value = 0.1
    pass  = "--lambda"
  }
}
script "ranks" {
  module   = "pkg.train"
  launcher = ["torchrun", "--nproc_per_node=2"]
}
script "plateau" {
  plugin     = "bin/plateau"
  sha256     = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
  parameters = { patience = 3 }
}
scripts "ml-models" {
  directory = "ml-models"
  include   = ["*.py"]
  exclude   = ["test_*"]
}
route "reduce-on-plateau" {
  from     = script.trainer.variable.loss
  to       = script.trainer.parameter.learning_rate
  window   = 50
  when     = plateau(history, 3)
  value    = to * 0.5
  cooldown = "10s"
}
route "progress" {
  topic = "training_update"
  from  = [script.trainer]
  to    = [script.plateau]
}
route "names" {
  from     = script["01-train"].variable.loss
  to       = script["01-train"].parameter["model.lr"]
  value    = script["01-train"].parameter["model.lr"] * 0.5
  every    = "1s"
  min_change = 0.01
  on_nan   = "fire"
  enabled  = true
}
collaboration {
  default = "allow"
}
allow "evaluator asks trainer" {
  from   = [script.evaluator]
  to     = [script.trainer]
  topics = ["checkpoint"]
}
