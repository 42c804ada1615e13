package v1

import "github.com/mlhost/mlhost/shared/script"

// Plan answers `plan` and `reload`: what carrying out a configuration does.
type Plan struct {
	Changes []PlannedChange `json:"changes" doc:"what is to be done; none: nothing"`
}

// PlannedChange is what happens to one script, route or other block.
type PlannedChange struct {
	Script string `json:"script" doc:"empty where it is about something else" example:"trainer"`
	Kind   string `json:"kind" doc:"script, route, allow, notify or host" example:"script"`
	Name   string `json:"name" doc:"of the block" example:"trainer"`
	// Action is "create", "update" (nothing is ended), "replace" (the run is
	// ended and a new one begun) or "delete".
	Action     string             `json:"action" doc:"create, update (nothing is ended), replace (the run is ended and a new one begun) or delete" example:"update"`
	Reason     string             `json:"reason" doc:"why, in a sentence; empty: nothing to say" example:"exit code 1"`
	Attributes []PlannedAttribute `json:"attributes" doc:"the values that change"`
}

// PlannedAttribute is one value that changes; null stands for none.
type PlannedAttribute struct {
	Path string       `json:"path" doc:"of the value in the block" example:"parameters.learning_rate"`
	Old  script.Value `json:"old" doc:"null: there is none"`
	New  script.Value `json:"new" doc:"null: there is none"`
	// Effect is "live", "boundary" (at the script's next step), "next_run",
	// "restart" or "new_process" (both end the run and begin a new one), "stop",
	// or "host_restart".
	Effect string `json:"effect" doc:"live, boundary (at the script's next step), next_run, restart or new_process (both end the run and begin a new one), stop, or host_restart" example:"live"`
}

// Outline is a configuration, spelled out: values by their paths, by block.
type Outline struct {
	Scripts map[string]map[string]script.Value `json:"scripts" doc:"values by script and path"`
	Routes  map[string]map[string]script.Value `json:"routes" doc:"values by route and path"`
	Allows  map[string]map[string]script.Value `json:"allows" doc:"values by allow block and path"`
	Notify  map[string]map[string]script.Value `json:"notify,omitempty" doc:"values by notify block and path; what may be secret is hidden"`
	Host    map[string]script.Value            `json:"host" doc:"values of the host by path"`
}

// ConfigStatus tells what is not carried out of a host's configuration.
type ConfigStatus struct {
	Problem string   `json:"problem" doc:"why the files as they are now cannot be used; empty: they can"`
	Pending []string `json:"pending" doc:"scripts whose changes would end a run, and wait for mlhost reload"`
	Refused string   `json:"refused,omitempty" doc:"what could not be carried out, and why"`
	Restart []string `json:"restart,omitempty" doc:"settings of the host that have changed and need a restart of it"`
}

// Upgrade asks that the mlhost at Path, an absolute path on the host's machine,
// carries on.
type Upgrade struct {
	Path string `json:"path" doc:"the program, an absolute path on the host's machine" example:"/usr/local/bin/mlhost"`
}

// Upgraded answers `upgrade`: the versions.
type Upgraded struct {
	From string `json:"from" doc:"the version before"`
	To   string `json:"to" doc:"the version that carries on"`
}
