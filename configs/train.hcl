# One training script: `mlhost run train.hcl`, or with another learning rate
# `mlhost run train.hcl --input lr=0.1`.

input "lr" {
  type    = "float"
  default = 0.01
  doc     = "the learning rate to start with"
}

script "trainer" {
  source     = "train.py"
  parameters = { epochs = 10, batch_size = 32 }

  parameter "learning_rate" {
    value = input.lr
    min   = 1e-6
    max   = 1
    scale = "log"
  }

  restart {
    policy       = "on-failure"
    max_attempts = 3
  }

  stalled_after = "10m"
}
