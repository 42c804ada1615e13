script "simple_ml" {
  plugin     = "../../bin/plugins/go-simple-ml"
  parameters = { learning_rate = 0.1 }
}
