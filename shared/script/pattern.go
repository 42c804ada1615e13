package script

import (
	"regexp"
	"sync"
)

// pattern returns an expression that is compiled when it is used first: every
// process of this program would take the time and the memory otherwise, the
// wrapper of each script too.
func pattern(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
