# Steps that wait for each other, and scripts that talk: only what is written
# here may pass.

script "prepare" {
  source = "prepare.py"
  restart {
    policy = "never"
  }
}

script "trainer" {
  source     = "train.py"
  depends_on = [script.prepare] # after it has finished well
}

script "evaluator" {
  source     = "evaluate.py"
  depends_on = [script.trainer.ready] # as soon as it is ready
}

collaboration {
  default = "deny"
}

route "progress" {
  topic = "training_update"
  from  = [script.trainer]
  to    = [script.evaluator]
}

allow "evaluator asks for checkpoints" {
  from   = [script.evaluator]
  to     = [script.trainer]
  topics = ["checkpoint"]
}
