package v1

import "github.com/mlhost/mlhost/shared/script"

// Facts names the facts of a run's record by the paths of their keys
// ("git.commit"), with their values as text. Packages are left out.
func Facts(record map[string]script.Value) map[string]string {
	out := map[string]string{}
	var add func(path string, v script.Value)
	add = func(path string, v script.Value) {
		if table, ok := v.Map(); ok {
			for key, e := range table {
				add(path+"."+key, e)
			}
			return
		}
		if !v.IsNull() {
			out[path] = v.String()
		}
	}
	for key, v := range record {
		if key != "packages" {
			add(key, v)
		}
	}
	return out
}
