package config

import (
	"os"

	"github.com/hashicorp/hcl/v2"
)

// Rescan looks into the folders again, adds the scripts that are new to c and
// returns them. It must not be called concurrently with other uses of
// c.Scripts.
func (c *Config) Rescan() ([]*Script, hcl.Diagnostics) {
	known := len(c.Scripts)
	scope := &scope{ctx: &hcl.EvalContext{}, files: c.Files, env: os.LookupEnv}
	for _, f := range c.Folders {
		l := &loader{scope: scope, config: c, reported: map[string]bool{}}
		l.expand(f, f.Range)
		if l.diags.HasErrors() {
			c.Scripts = c.Scripts[:known]
			return nil, l.diags
		}
	}
	return c.Scripts[known:], nil
}
