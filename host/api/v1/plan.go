package v1

import "github.com/mlhost/mlhost/shared/script"

// Plan answers `plan` and `reload`: what carrying out a configuration does.
type Plan struct {
	Changes []PlannedChange `json:"changes"`
}

// PlannedChange is what happens to one script, route or other block.
type PlannedChange struct {
	Script string `json:"script"` // "" where it is about something else
	Kind   string `json:"kind"`   // "script", "route", "allow" or "host"
	Name   string `json:"name"`
	// Action is "create", "update" (nothing is ended), "replace" (the run is
	// ended and a new one begun) or "delete".
	Action     string             `json:"action"`
	Reason     string             `json:"reason"`
	Attributes []PlannedAttribute `json:"attributes"`
}

// PlannedAttribute is one value that changes; null stands for none.
type PlannedAttribute struct {
	Path string       `json:"path"`
	Old  script.Value `json:"old"`
	New  script.Value `json:"new"`
	// Effect is "live", "boundary" (at the script's next step), "next_run",
	// "restart" or "new_process" (both end the run and begin a new one), "stop",
	// or "host_restart".
	Effect string `json:"effect"`
}

// Outline is a configuration, spelled out: values by their paths, by block.
type Outline struct {
	Scripts map[string]map[string]script.Value `json:"scripts"`
	Routes  map[string]map[string]script.Value `json:"routes"`
	Allows  map[string]map[string]script.Value `json:"allows"`
	Notify  map[string]map[string]script.Value `json:"notify,omitempty"`
	Host    map[string]script.Value            `json:"host"`
}

// ConfigStatus tells what is not carried out of a host's configuration.
type ConfigStatus struct {
	Problem string   `json:"problem"`           // why the files as they are now cannot be used; "": they can
	Pending []string `json:"pending"`           // scripts whose changes would end a run, and wait for `mlhost reload`
	Refused string   `json:"refused,omitempty"` // what could not be carried out, and why
}

// Upgrade asks that the mlhost at Path, an absolute path on the host's machine,
// carries on.
type Upgrade struct {
	Path string `json:"path"`
}

// Upgraded answers `upgrade`: the versions.
type Upgraded struct {
	From string `json:"from"`
	To   string `json:"to"`
}
