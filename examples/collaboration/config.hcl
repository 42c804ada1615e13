# A trainer that oscillates at first, an evaluator that it asks, and a plugin
# that hears the loss and, through a route, lowers the trainer's learning rate.

script "trainer" {
  source     = "trainer.py"
  parameters = { learning_rate = 1.0, epochs = 300 }
  depends_on = [script.evaluator.ready, script.plateau.ready]
}

script "evaluator" {
  source = "evaluator.py"
}

script "plateau" {
  plugin     = "../../bin/plugins/plateau"
  parameters = { patience = 5, factor = 0.5 }
}

# Nobody may say anything to anybody, but for what follows.
collaboration {
  default = "deny"
}

allow "trainer asks evaluator" {
  from   = [script.trainer]
  to     = [script.evaluator]
  topics = ["evaluate"]
}

route "progress" {
  topic = "training_update"
  from  = [script.trainer]
  to    = [script.plateau]
}

route "done" {
  topic = "training_done"
  from  = [script.trainer]
  to    = [script.plateau, script.evaluator]
}

route "reduce-on-plateau" {
  from  = script.plateau.variable.plateaus
  to    = script.trainer.parameter.learning_rate
  value = to * script.plateau.parameter.factor
}
