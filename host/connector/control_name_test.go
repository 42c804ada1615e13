package connector

import (
	"regexp"
	"strings"
	"testing"
)

// Names are those of an expression, which would be dear to have in each process.
func FuzzIsHandName(f *testing.F) {
	same := regexp.MustCompile(`^[\pL\pN_][\pL\pN_. -]{0,99}$`)
	for _, name := range []string{"", "a", "_", "1 b", " a", "-a", ".a", "a-b.c d", "Ä ö", "a/b", "a\n", "\xff", strings.Repeat("é", 100), strings.Repeat("é", 101)} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if got, want := isHandName(name), same.MatchString(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	})
}
