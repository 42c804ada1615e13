# Nothing in perceptron.py is made for mlhost. Its option and its environment
# become parameters, what it prints becomes variables.

script "perceptron" {
  source = "perceptron.py"
  args   = ["../data/iris.csv"]

  parameter "epochs" {
    type  = "int"
    value = 30
    min   = 1
    pass  = "--epochs"
  }
  parameter "rate" {
    type  = "float"
    value = 0.5
    pass  = "--rate"
  }
  parameter "seed" {
    type  = "int"
    value = 3
    env   = "SEED"
  }

  variable "loss" {
    pattern = "loss[=:] *([-0-9.eE+]+)"
  }
  variable "accuracy" {
    pattern = "accuracy = ([0-9.]+)"
  }
}
