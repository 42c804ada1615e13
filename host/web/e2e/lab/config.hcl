# What the end-to-end tests and the pictures of the dashboard look at.

host {
  name = "lab1"
}

script "trainer" {
  source     = "trainer.py"
  parameters = { learning_rate = 0.03 }
}

script "sampler" {
  source = "sampler.py"
}

script "evaluate" {
  source  = "evaluate.py"
  restart { policy = "never" }
}

script "broken" {
  source = "broken.py"
  restart { policy = "never" }
}

script "feeder" {
  source        = "silent.py"
  stalled_after = "2s"
}

script "deploy" {
  source    = "evaluate.py"
  autostart = false
}

route "cool-down" {
  from  = script.sampler.variable.reward
  to    = script.sampler.parameter.temperature
  when  = from > 1000
  value = 0.1
}
