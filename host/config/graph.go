package config

import "slices"

// maxCycles bounds how many cycles are shown.
const maxCycles = 20

// sortGraph orders the nodes so that each comes behind those that it has
// edges to. Cycles come as lists of nodes in order, the first again at the
// end; each shows at least one node that no earlier one shows.
func sortGraph(nodes []string, edges map[string][]string) (order []string, cycles [][]string) {
	const open, done = 1, 2
	state := map[string]int{}
	shown := map[string]bool{}
	var path []string
	var visit func(string)
	visit = func(n string) {
		state[n] = open
		path = append(path, n)
		for _, next := range edges[n] {
			switch state[next] {
			case 0:
				visit(next)
			case open:
				cycle := append(slices.Clone(path[slices.Index(path, next):]), next)
				if len(cycles) < maxCycles && slices.ContainsFunc(cycle, func(n string) bool { return !shown[n] }) {
					cycles = append(cycles, cycle)
				}
				for _, n := range cycle {
					shown[n] = true
				}
			}
		}
		path = path[:len(path)-1]
		state[n] = done
		order = append(order, n)
	}
	for _, n := range nodes {
		if state[n] == 0 {
			visit(n)
		}
	}
	return order, cycles
}
