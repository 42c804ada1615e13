# A learning rate that is halved when the loss stops falling, by a route, and
# the two guards that go with it: not more than once in ten seconds, and never
# below a floor. A loss that becomes NaN lowers the learning rate at once.

locals {
  floor = 1e-5
}

script "trainer" {
  source = "train.py"

  variable "loss" {
    pattern = "loss[=:] *([-0-9.eE+]+|nan)"
  }
}

route "reduce-on-plateau" {
  from     = script.trainer.variable.loss
  to       = script.trainer.parameter.learning_rate
  window   = 50
  when     = plateau(history, 5) && to > local.floor
  value    = max(to * 0.5, local.floor)
  cooldown = "10s"
  on_nan   = "fire"
}
