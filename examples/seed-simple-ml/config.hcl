script "simple_ml" {
  source     = "simple_ml.py"
  parameters = { learning_rate = 0.1 }
}
