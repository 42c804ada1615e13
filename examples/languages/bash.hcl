# bash: the parameter becomes an environment variable.

script "centroid" {
  source      = "centroid.sh"
  interpreter = "bash"

  parameter "species" {
    type    = "string"
    value   = "virginica"
    choices = ["setosa", "versicolor", "virginica"]
    env     = "SPECIES"
  }
  variable "flowers" {
    pattern = "flowers: ([0-9]+)"
  }
  variable "petal_length" {
    pattern = "petal_length: ([0-9.]+)"
  }
}
