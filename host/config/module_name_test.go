package config

import (
	"regexp"
	"testing"
)

// Names are those of an expression, which would be dear to have in each process.
func FuzzIsModule(f *testing.F) {
	same := regexp.MustCompile(`^[\pL_][\pL\pN_]*(\.[\pL_][\pL\pN_]*)*$`)
	for _, name := range []string{"", "a", "_", "a1._b", "1a", ".a", "a.", "a..b", "a.1", "Ä.ö", "a-b", "a\n", "\xff"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if got, want := isModule(name), same.MatchString(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	})
}
