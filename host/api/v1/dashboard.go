package v1

import (
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Overview tells of every script at once. What happens behind the event of the
// ID is not in it.
type Overview struct {
	Host    string           `json:"host" doc:"the host's name" example:"lab1"`
	Event   uint64           `json:"event" doc:"the number of the last event that is in it: ask the event stream for what comes behind" example:"4711"`
	Scripts []OverviewScript `json:"scripts" doc:"every script, by name"`
}

// OverviewScript is a script with the variables that are worth a look.
type OverviewScript struct {
	Script
	Variables []Variable `json:"variables" doc:"the variables that are worth a look"`
}

// History answers what happened, the newest first.
type History struct {
	Events []Event `json:"events" doc:"the newest first"`
	Before *uint64 `json:"before" doc:"ask with it for what is older; null: there is nothing older" example:"4700"`
}

// ScriptChanges answers what became of a script's parameters, in all its runs
// and between them, the newest first.
type ScriptChanges struct {
	Script  string         `json:"script" doc:"the script's name" example:"trainer"`
	Changes []ScriptChange `json:"changes" doc:"the newest first"`
}

// ScriptChange is a change of a parameter during a run, or during none.
type ScriptChange struct {
	Run string `json:"run" doc:"the run that it happened in; empty: between runs" example:"k3f9a2bqx7"`
	Change
}

// LogPage answers a page of a script's log, the oldest line first.
type LogPage struct {
	Script string `json:"script" doc:"the script's name" example:"trainer"`
	Run    string `json:"run" doc:"the id of the run" example:"k3f9a2bqx7"`
	Lines  []Log  `json:"lines" doc:"the oldest first"`
	Older  string `json:"older" doc:"ask with it as before; empty: there is nothing older"`
	Newer  string `json:"newer" doc:"ask with it as after, now or later"`
	More   bool   `json:"more" doc:"true: the search has come to its bound of 64 MiB, not to an end"`
}

// Comparison puts runs side by side: value i of a row is that of run i, null
// where the run has none.
type Comparison struct {
	Runs       []ComparedRun    `json:"runs" doc:"the runs, in the order in which they were asked for"`
	Parameters []ComparedRow    `json:"parameters" doc:"their values at the start"`
	Results    []ComparedRow    `json:"results" doc:"named final values"`
	Series     []ComparedRow    `json:"series" doc:"the last values of the series"`
	Record     []ComparedRow    `json:"record" doc:"facts of the record, by the paths of their keys"`
	Packages   []ComparedRow    `json:"packages" doc:"versions of Python packages, only those that differ"`
	Changes    []ComparedChange `json:"changes" doc:"changes of parameters in any of the runs, by time"`
}

// ComparedRun is a run that is compared.
type ComparedRun struct {
	ID       string       `json:"id" doc:"the id of the run" example:"k3f9a2bqx7"`
	Script   string       `json:"script" doc:"the script's name" example:"trainer"`
	State    script.State `json:"state" doc:"waiting, starting, ready, running, paused, stalled, stuck, stopping, stopped, finished, failed, backoff or lost" example:"running"`
	Started  time.Time    `json:"started" doc:"when it began" example:"2026-11-22T09:12:31.402Z"`
	Took     *float64     `json:"took" doc:"how long it ran, in seconds; null: it has not ended" example:"61.5"`
	ExitCode *int         `json:"exit_code" doc:"the process's exit code; null: it has none (yet), or was ended by a signal" example:"0"`
}

// ComparedRow is one thing that runs are compared by.
type ComparedRow struct {
	Name    string         `json:"name" doc:"what is compared" example:"learning_rate"`
	Values  []script.Value `json:"values" doc:"value i is that of run i; null: the run has none"`
	Differs bool           `json:"differs" doc:"true: not all of the values are the same"`
}

// ComparedChange is a change of a parameter in one of the runs.
type ComparedChange struct {
	Run string `json:"run" doc:"the id of the run" example:"k3f9a2bqx7"`
	Change
}

// Artifacts answers the files that a run left behind.
type Artifacts struct {
	Run       string     `json:"run" doc:"the id of the run" example:"k3f9a2bqx7"`
	Artifacts []Artifact `json:"artifacts" doc:"the files, by path"`
}

// Routes answers what moves parameters and messages, and who may send what to
// whom.
type Routes struct {
	Routes  []Route      `json:"routes" doc:"from a variable to a parameter"`
	Topics  []TopicRoute `json:"topics" doc:"from messages of a topic to mailboxes"`
	Allow   []Allow      `json:"allow" doc:"who may send what to whom"`
	Default string       `json:"default" doc:"what holds for messages that nothing names: allow or deny" example:"allow"`
}

// Route is a route from a variable to a parameter and what it has done since
// the host, or the route, began.
type Route struct {
	Name      string       `json:"name" doc:"as in the configuration" example:"reduce-on-plateau"`
	From      RouteFrom    `json:"from" doc:"the variable that it reads"`
	To        RouteTo      `json:"to" doc:"the parameter that it sets"`
	When      bool         `json:"when" doc:"true: it has a condition"`
	Enabled   bool         `json:"enabled" doc:"false: it is turned off and does nothing" example:"true"`
	Window    int          `json:"window" doc:"how many samples its history has at most" example:"50"`
	Cooldown  float64      `json:"cooldown" doc:"the least time between two sets, in seconds" example:"10"`
	Every     float64      `json:"every" doc:"the least time between two evaluations, in seconds" example:"1"`
	MinChange float64      `json:"min_change" doc:"by how much a new value has to differ" example:"0.01"`
	OnNaN     string       `json:"on_nan" doc:"what a NaN does: skip or fire" example:"skip"`
	Seen      uint64       `json:"seen" doc:"samples of its variable since the route began" example:"1200"`
	Fired     uint64       `json:"fired" doc:"sets that were taken since the route began" example:"2"`
	Last      script.Value `json:"last" doc:"the last sample"`
	LastSet   *time.Time   `json:"last_set" doc:"when it has set last; null: never"`
	Status    CheckStatus  `json:"status" doc:"ok, warn, fail or skip" example:"ok"`
	Why       string       `json:"why" doc:"when it fired, or why it has not"`
	Problem   string       `json:"problem" doc:"what went wrong last; empty: nothing"`
}

// RouteFrom names the variable that a route reads.
type RouteFrom struct {
	Script   string `json:"script" doc:"the script's name" example:"trainer"`
	Variable string `json:"variable" doc:"the variable's name" example:"loss"`
}

// RouteTo names the parameter that a route sets.
type RouteTo struct {
	Script    string `json:"script" doc:"the script's name" example:"trainer"`
	Parameter string `json:"parameter" doc:"the parameter's name" example:"learning_rate"`
}

// TopicRoute puts messages of a topic into mailboxes.
type TopicRoute struct {
	Name    string   `json:"name" doc:"as in the configuration" example:"progress"`
	Topic   string   `json:"topic" doc:"what it is about" example:"checkpoint"`
	From    []string `json:"from" doc:"scripts whose messages it passes on; none: all"`
	To      []string `json:"to" doc:"scripts that get them"`
	Enabled bool     `json:"enabled" doc:"false: it is turned off and does nothing" example:"true"`
}

// Allow lets scripts send messages where that is denied by default.
type Allow struct {
	Name   string   `json:"name" doc:"as in the configuration"`
	From   []string `json:"from" doc:"who may send"`
	To     []string `json:"to" doc:"to whom"`
	Topics []string `json:"topics" doc:"about what; none: anything"`
}

// Topics answers what scripts can be asked and told, and what has been.
type Topics struct {
	Topics  []Topic   `json:"topics" doc:"what scripts have declared"`
	Traffic []Traffic `json:"traffic" doc:"what was sent since the host began"`
}

// Topic is one that a script has declared.
type Topic struct {
	Script  string `json:"script" doc:"the script's name" example:"trainer"`
	Name    string `json:"name" doc:"the topic" example:"checkpoint"`
	Doc     string `json:"doc" doc:"what the script says of it"`
	Answers bool   `json:"answers" doc:"true: an ask gets a reply; false: messages are received only"`
}

// Traffic counts the messages of one kind between two scripts about one topic
// since the host began.
type Traffic struct {
	Source  string             `json:"source" doc:"who sent" example:"trainer"`
	Target  string             `json:"target" doc:"to whom; empty for broadcasts" example:"evaluator"`
	Topic   string             `json:"topic" doc:"what it is about" example:"checkpoint"`
	Kind    script.MessageKind `json:"kind" doc:"ask, tell or broadcast" example:"ask"`
	Count   uint64             `json:"count" doc:"how many" example:"17"`
	Failed  uint64             `json:"failed" doc:"how many of them failed" example:"0"`
	Last    time.Time          `json:"last" doc:"when the last one was sent"`
	Took    float64            `json:"took" doc:"how long the last one took, in seconds" example:"0.002"`
	Problem string             `json:"problem" doc:"what went wrong with the last one; empty: nothing"`
}
