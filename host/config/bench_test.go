package config

import "testing"

// BenchmarkWhen is what each sample of a route's variable costs.
func BenchmarkWhen(b *testing.B) {
	l := newLoader("a.hcl", Options{})
	file, diags := parse([]byte("script \"s\" {\n  source = \"s.py\"\n}\nroute \"r\" {\n  from = script.s.variable.loss\n  to = script.s.parameter.lr\n  when = plateau(history, 3) && to > 1e-5\n}\n"), "a.hcl")
	l.load(file.Body, Options{}, false)
	if diags.HasErrors() || l.diags.HasErrors() {
		b.Fatal(diags, l.diags)
	}
	history := make([]float64, 50)
	for i := range history {
		history[i] = 1 / float64(i+1)
	}
	s := snapshot(history...)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.config.Routes[0].When(s); err != nil {
			b.Fatal(err)
		}
	}
}
