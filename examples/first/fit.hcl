script "fit" {
  source     = "fit.py"
  parameters = { rate = 0.05 }
}
