script "long_analysis" {
  plugin        = "../../bin/plugins/go-long-analysis"
  stalled_after = "1m"
}
