# Node: the parameter stands in a JSON file that is written before the start.

script "kmeans" {
  source      = "kmeans.mjs"
  interpreter = "node"

  parameter "clusters" {
    type  = "int"
    value = 3
    min   = 1
    max   = 150
    file  = "settings.json"
  }
  variable "inertia" {
    pattern = "inertia=([0-9.]+)"
  }
}
