# Node again, speaking JSON lines with mlhost: the parameter is live.

script "median" {
  source      = "median.mjs"
  interpreter = "node"
  protocol    = "lines"
  parameters  = { rate = 0.2 }
}
