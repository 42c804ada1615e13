package config

import (
	"reflect"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlhost/mlhost/shared/script"
)

// samplesType carries a history as plain floats. A cty number is a big float,
// and to make and unmake a window of them costs more than all else that a
// route does for a sample; so where history only goes to functions that
// compute on floats anyway, they get the floats.
var samplesType = cty.Capsule("history", reflect.TypeFor[[]float64]())

// directFunctions take samplesType.
var directFunctions = []string{"mean", "median", "min", "max", "sum", "slope", "plateau"}

// historyIsDirect reports whether history stands as an argument of those
// functions only.
func historyIsDirect(expr hcl.Expression) bool {
	node, ok := expr.(hclsyntax.Node)
	if !ok {
		return false
	}
	all, direct := 0, 0
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		if t, ok := n.(*hclsyntax.ScopeTraversalExpr); ok && t.Traversal.RootName() == "history" {
			all++
		}
		if call, ok := n.(*hclsyntax.FunctionCallExpr); ok && !call.ExpandFinal && slices.Contains(directFunctions, call.Name) {
			for _, arg := range call.Args {
				if isHistory(arg) {
					direct++
				}
			}
		}
		return nil
	})
	return all == direct
}

// isHistory reports whether the node is history as a whole.
func isHistory(n hclsyntax.Node) bool {
	t, ok := n.(*hclsyntax.ScopeTraversalExpr)
	return ok && t.Traversal.RootName() == "history" && len(t.Traversal) == 1
}

// history converts the samples, to floats where that will do.
func history(list []script.Value, direct bool) cty.Value {
	if !direct {
		return ctyList(list)
	}
	xs := make([]float64, len(list))
	for i, v := range list {
		x, ok := v.Float()
		if !ok {
			return ctyList(list)
		}
		xs[i] = x
	}
	return cty.CapsuleVal(samplesType, &xs)
}
