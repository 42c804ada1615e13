package config

import (
	"maps"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// UnusedInputs returns the places of input blocks that no expression reads, by
// their names.
func (c *Config) UnusedInputs() map[string]hcl.Range {
	declared, used := map[string]hcl.Range{}, map[string]bool{}
	for path, f := range c.Files {
		body, native := f.Body.(*hclsyntax.Body)
		if !native { // JSON: expressions are texts in it
			for _, found := range inputText().FindAllStringSubmatch(string(f.Bytes), -1) {
				used[found[1]+found[2]] = true
			}
			content, _, _ := f.Body.PartialContent(&hcl.BodySchema{Blocks: headers("input")})
			for _, b := range content.Blocks {
				declared[b.Labels[0]] = b.DefRange
			}
			continue
		}
		for _, b := range body.Blocks {
			if b.Type == "input" && len(b.Labels) == 1 {
				at := b.DefRange()
				at.Filename = path
				declared[b.Labels[0]] = at
			}
		}
		// A walk that visits fails only where its visitor does.
		_ = hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
			if e, ok := n.(*hclsyntax.ScopeTraversalExpr); ok {
				if e.Traversal.RootName() == "input" && len(e.Traversal) > 1 {
					used[inputOf(e.Traversal[1])] = true
				}
			}
			return nil
		})
	}
	maps.DeleteFunc(declared, func(name string, _ hcl.Range) bool { return used[name] || used["*"] })
	return declared
}

var inputText = pattern(`\binput(?:\.([\w-]+)|\[\\?"([^"\\]+)\\?"\])`)

// inputOf is the name that a traversal goes on with; "*" for one that is computed.
func inputOf(t hcl.Traverser) string {
	switch t := t.(type) {
	case hcl.TraverseAttr:
		return t.Name
	case hcl.TraverseIndex:
		if t.Key.Type().FriendlyName() == "string" {
			return t.Key.AsString()
		}
	}
	return "*"
}
