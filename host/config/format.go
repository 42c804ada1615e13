package config

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format returns src in the canonical layout. The formatter works on tokens
// and would mangle what is no HCL, so src is parsed first. The JSON variant
// is checked and returned as it is.
func Format(src []byte, filename string) ([]byte, hcl.Diagnostics) {
	if _, diags := parse(src, filename); diags.HasErrors() {
		return nil, diags
	}
	if isJSON(filename) {
		return src, nil
	}
	return hclwrite.Format(src), nil
}
