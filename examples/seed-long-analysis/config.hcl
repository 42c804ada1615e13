script "long_analysis" {
  source = "long_analysis.py"
}
