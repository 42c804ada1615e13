package v1

import (
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// Overview tells of every script at once. What happens behind the event of the
// ID is not in it.
type Overview struct {
	Host    string           `json:"host"`
	Event   uint64           `json:"event"`
	Scripts []OverviewScript `json:"scripts"`
}

// OverviewScript is a script with the variables that are worth a look.
type OverviewScript struct {
	Script
	Variables []Variable `json:"variables"`
}

// History answers what happened, the newest first.
type History struct {
	Events []Event `json:"events"`
	Before *uint64 `json:"before"` // ask with it for what is older; null: there is nothing older
}

// ScriptChanges answers what became of a script's parameters, in all its runs
// and between them, the newest first.
type ScriptChanges struct {
	Script  string         `json:"script"`
	Changes []ScriptChange `json:"changes"`
}

// ScriptChange is a change of a parameter during a run, or during none.
type ScriptChange struct {
	Run string `json:"run"`
	Change
}

// LogPage answers a page of a script's log, the oldest line first.
type LogPage struct {
	Script string `json:"script"`
	Run    string `json:"run"`
	Lines  []Log  `json:"lines"`
	Older  string `json:"older"` // ask with it as before; "": there is nothing older
	Newer  string `json:"newer"` // ask with it as after, now or later
	More   bool   `json:"more"`  // the search has come to its bound of 64 MiB, not to an end
}

// Comparison puts runs side by side: value i of a row is that of run i, null
// where the run has none.
type Comparison struct {
	Runs       []ComparedRun    `json:"runs"`
	Parameters []ComparedRow    `json:"parameters"` // at the start
	Results    []ComparedRow    `json:"results"`
	Series     []ComparedRow    `json:"series"` // their last values
	Record     []ComparedRow    `json:"record"`
	Packages   []ComparedRow    `json:"packages"` // only those that differ
	Changes    []ComparedChange `json:"changes"`
}

// ComparedRun is a run that is compared.
type ComparedRun struct {
	ID       string       `json:"id"`
	Script   string       `json:"script"`
	State    script.State `json:"state"`
	Took     *float64     `json:"took"` // seconds; null: it has not ended
	ExitCode *int         `json:"exit_code"`
}

// ComparedRow is one thing that runs are compared by.
type ComparedRow struct {
	Name    string         `json:"name"`
	Values  []script.Value `json:"values"`
	Differs bool           `json:"differs"`
}

// ComparedChange is a change of a parameter in one of the runs.
type ComparedChange struct {
	Run string `json:"run"`
	Change
}

// Artifacts answers the files that a run left behind.
type Artifacts struct {
	Run       string     `json:"run"`
	Artifacts []Artifact `json:"artifacts"`
}

// Routes answers what moves parameters and messages, and who may send what to
// whom.
type Routes struct {
	Routes  []Route      `json:"routes"`
	Topics  []TopicRoute `json:"topics"`
	Allow   []Allow      `json:"allow"`
	Default string       `json:"default"` // "allow" or "deny"
}

// Route is a route from a variable to a parameter and what it has done since
// the host, or the route, began.
type Route struct {
	Name      string       `json:"name"`
	From      RouteFrom    `json:"from"`
	To        RouteTo      `json:"to"`
	When      bool         `json:"when"` // it has a condition
	Enabled   bool         `json:"enabled"`
	Window    int          `json:"window"`
	Cooldown  float64      `json:"cooldown"` // seconds
	Every     float64      `json:"every"`    // seconds
	MinChange float64      `json:"min_change"`
	OnNaN     string       `json:"on_nan"`
	Seen      uint64       `json:"seen"`  // samples of its variable
	Fired     uint64       `json:"fired"` // sets that were taken
	Last      script.Value `json:"last"`  // the last sample
	LastSet   *time.Time   `json:"last_set"`
	Status    CheckStatus  `json:"status"`
	Why       string       `json:"why"` // when it fired, or why it has not
	Problem   string       `json:"problem"`
}

// RouteFrom names the variable that a route reads.
type RouteFrom struct {
	Script   string `json:"script"`
	Variable string `json:"variable"`
}

// RouteTo names the parameter that a route sets.
type RouteTo struct {
	Script    string `json:"script"`
	Parameter string `json:"parameter"`
}

// TopicRoute puts messages of a topic into mailboxes.
type TopicRoute struct {
	Name    string   `json:"name"`
	Topic   string   `json:"topic"`
	From    []string `json:"from"` // none: all
	To      []string `json:"to"`
	Enabled bool     `json:"enabled"`
}

// Allow lets scripts send messages where that is denied by default.
type Allow struct {
	Name   string   `json:"name"`
	From   []string `json:"from"`
	To     []string `json:"to"`
	Topics []string `json:"topics"` // none: all
}

// Topics answers what scripts can be asked and told, and what has been.
type Topics struct {
	Topics  []Topic   `json:"topics"`
	Traffic []Traffic `json:"traffic"`
}

// Topic is one that a script has declared.
type Topic struct {
	Script  string `json:"script"`
	Name    string `json:"name"`
	Doc     string `json:"doc"`
	Answers bool   `json:"answers"` // an ask gets a reply; otherwise messages are received only
}

// Traffic counts the messages of one kind between two scripts about one topic
// since the host began.
type Traffic struct {
	Source  string             `json:"source"`
	Target  string             `json:"target"` // "" for broadcasts
	Topic   string             `json:"topic"`
	Kind    script.MessageKind `json:"kind"`
	Count   uint64             `json:"count"`
	Failed  uint64             `json:"failed"`
	Last    time.Time          `json:"last"`
	Took    float64            `json:"took"`    // seconds, the last one
	Problem string             `json:"problem"` // the last one
}
