package export

import (
	"fmt"
	"os"
	"strings"
	"unicode"
	"unicode/utf8"
)

// yaml is a mapping of scalars, as MLflow's meta.yaml is.
type yaml struct{ b strings.Builder }

func (y *yaml) text(key, value string)     { fmt.Fprintf(&y.b, "%s: %s\n", key, yamlQuote(value)) }
func (y *yaml) number(key string, n int64) { fmt.Fprintf(&y.b, "%s: %d\n", key, n) }
func (y *yaml) null(key string)            { fmt.Fprintf(&y.b, "%s: null\n", key) }
func (y *yaml) list(key string)            { fmt.Fprintf(&y.b, "%s: []\n", key) }
func (y *yaml) write(path string) error    { return os.WriteFile(path, []byte(y.b.String()), 0o644) }

// yamlQuote writes a string in double quotes, with escapes for all that a
// reader of YAML might stumble over.
func yamlQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r >= ' ' && r < 0x7f, r >= 0xa1 && r < 0x3000 && unicode.IsLetter(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02X`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04X`, r)
		case r <= utf8.MaxRune:
			fmt.Fprintf(&b, `\U%08X`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
