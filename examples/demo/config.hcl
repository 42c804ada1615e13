# Three scripts on Fisher's iris, and a route between two of them.

host {
  name   = "demo"
  listen = ""
}

# A Python script that uses the mlhost module. Its learning rate is far too
# large on purpose.
script "train" {
  source     = "train.py"
  parameters = { learning_rate = 6.0, epochs = 200 }
  depends_on = [script.plateau.ready]
}

# A Go plugin: hears the losses, counts plateaus.
script "plateau" {
  plugin     = "../../bin/plugins/plateau"
  parameters = { patience = 4, factor = 0.5 }
}

# A Python script that knows nothing of mlhost: its parameter is an option of
# its command line, its variable is read from what it prints.
script "knn" {
  source = "knn.py"
  args   = ["../data/iris.csv"]

  parameter "neighbours" {
    type  = "int"
    value = 7
    min   = 1
    pass  = "--neighbours"
  }
  variable "accuracy" {
    pattern = "accuracy[=:] *([0-9.]+)"
  }
}

route "updates" {
  topic = "training_update"
  from  = [script.train]
  to    = [script.plateau]
}

route "done" {
  topic = "training_done"
  from  = [script.train]
  to    = [script.plateau]
}

# Each plateau halves the learning rate.
route "reduce-on-plateau" {
  from  = script.plateau.variable.plateaus
  to    = script.train.parameter.learning_rate
  value = to * script.plateau.parameter.factor
}
