package connector

import (
	"context"

	"github.com/mlhost/mlhost/shared/script"
)

// Command is one command of the protocol, with what it does.
type Command struct {
	Name    string
	Doc     string
	Request []Field
	Answer  []Field
	// Control: it may stand in the control_command of `control`.
	Control bool

	handle func(*Connector) handler
}

// Field is one key of a request or of an answer.
type Field struct {
	Name     string
	Doc      string
	Required bool // in a request
}

// Commands lists the commands.
func Commands() []Command {
	return []Command{
		{
			Name: "status", Doc: "Tells how the host is.", handle: simple((*Connector).status),
			Answer: []Field{
				says("active"), {Name: "connector_id", Doc: "the host's name"}, {Name: "directory", Doc: "of its configuration"}, {Name: "depth", Doc: "0"},
				{Name: "scripts", Doc: "how many are known"}, {Name: "registered_scripts", Doc: "how many have told what they have"},
				{Name: "running_scripts", Doc: "how many run"}, {Name: "children", Doc: "0"},
			},
		},
		{
			Name: "scan", Doc: "Looks for scripts again.", handle: simple((*Connector).scan),
			Answer: []Field{says("scan_complete"), {Name: "scripts", Doc: "their names"}},
		},
		{
			Name: "troubleshoot", Doc: "Makes the checks of `mlhost doctor`.", handle: simple((*Connector).troubleshoot),
			Answer: []Field{
				{Name: "status", Doc: `"ok"; "problems_found" where a check fails`},
				{Name: "checks", Doc: "`{name, status, detail, fix}` each; the status is ok, warn, fail or skip"},
			},
		},
		{
			Name: "execute", Doc: "Starts a script.", handle: simple((*Connector).execute),
			Request: []Field{scriptField, {Name: "with_connector", Doc: "true adds `--with-connector` to the arguments of a script of the Python API; under mlhost a script is connected either way"}},
			Answer:  []Field{says("executed"), scriptAnswer, {Name: "pid", Doc: "null until there is one"}, {Name: "with_connector"}},
		},
		{Name: "stop", Doc: "Stops a script.", Control: true, Request: []Field{scriptField}, Answer: []Field{says("stopped"), scriptAnswer}, handle: verb("stop", "stopped")},
		{Name: "pause", Doc: "Lets a script pause.", Control: true, Request: []Field{scriptField}, Answer: []Field{says("paused"), scriptAnswer}, handle: verb("pause", "paused")},
		{Name: "resume", Doc: "Lets a script go on.", Control: true, Request: []Field{scriptField}, Answer: []Field{says("resumed"), scriptAnswer}, handle: verb("resume", "resumed")},
		{
			Name: "control", Doc: "Has a script carry out a command.", handle: simple((*Connector).control),
			Request: []Field{scriptField, {Name: "control_command", Required: true, Doc: "an object with a `command` and what that needs"}},
			Answer:  []Field{{Name: "…", Doc: "what that command answers"}},
		},
		{
			Name: "set_parameter", Doc: "Changes a parameter.", Control: true, handle: simple((*Connector).setParameter),
			Request: []Field{scriptField, {Name: "parameter", Required: true, Doc: "its name"}, {Name: "value", Required: true, Doc: "any JSON"}},
			Answer:  []Field{says("success"), {Name: "parameter"}, {Name: "value", Doc: "the one really used"}},
		},
		{
			Name: "get_parameter", Doc: "Reads a parameter.", Control: true, handle: simple((*Connector).getParameter),
			Request: []Field{scriptField, {Name: "parameter", Required: true, Doc: "its name"}},
			Answer:  []Field{says("success"), {Name: "parameter"}, {Name: "value"}},
		},
		{
			Name: "set_variable", Doc: "Changes a variable that is not read-only.", Control: true, handle: simple((*Connector).setVariable),
			Request: []Field{scriptField, {Name: "variable", Required: true, Doc: "its name"}, {Name: "value", Required: true, Doc: "any JSON"}},
			Answer:  []Field{says("success"), {Name: "variable"}, {Name: "value", Doc: "the one really used"}},
		},
		{
			Name: "get_variable", Doc: "Reads a variable.", Control: true, handle: simple((*Connector).getVariable),
			Request: []Field{scriptField, {Name: "variable", Required: true, Doc: "its name"}},
			Answer:  []Field{says("success"), {Name: "variable"}, {Name: "value"}},
		},
		{
			Name: "get_info", Doc: "Tells all of one script.", Control: true, handle: simple((*Connector).getInfo),
			Request: []Field{scriptField},
			Answer: []Field{
				{Name: "name"}, {Name: "description"}, {Name: "parameters", Doc: "`{name: {value, default, valid_values}}`"},
				{Name: "variables", Doc: "`{name: {value, read_only}}`"}, {Name: "results", Doc: "`{name: value}`"}, {Name: "state"}, {Name: "running", Doc: "true or false"},
			},
		},
		{
			Name: "get_scripts_info", Doc: "Tells all of all scripts.", handle: simple((*Connector).scriptsInfo),
			Answer: []Field{
				{Name: "available_scripts", Doc: "names"}, {Name: "registered_scripts", Doc: "`{name: …}`, each as `get_info` answers"},
				{Name: "running_scripts", Doc: "names"}, {Name: "children", Doc: "none"},
			},
		},
		{Name: "list_scripts", Doc: "Lists the scripts.", Answer: []Field{{Name: "scripts", Doc: "their names"}}, handle: simple((*Connector).listScripts)},
		{
			Name: "register_script", Doc: "Makes a script known. Under mlhost it is already; over TCP `\"control\": true` keeps the connection, on which the host then asks.",
			handle: simple((*Connector).registerScript),
			Request: []Field{
				{Name: "script_name", Doc: "its name"}, {Name: "info", Doc: "what `get_info` answers"}, {Name: "control", Doc: "true: the connection stays"},
				{Name: "run", Doc: "the run that it goes on with, after a broken connection"}, {Name: "reports", Doc: "true: it tells what is new by itself"},
			},
			Answer: []Field{says("registered"), scriptAnswer, {Name: "run", Doc: "over TCP, with `control`"}},
		},
		{
			Name: "collaborate", Doc: "Sends data to a script. The topic is the data's `\"type\"`, else `\"data\"`; a target that answers it is waited for.",
			handle: simple((*Connector).collaborate),
			Request: []Field{
				{Name: "source", Doc: "who sends it; a script is known by its connection"}, {Name: "target", Required: true, Doc: "a script"},
				{Name: "data", Doc: "any JSON"}, {Name: "timeout", Doc: "seconds to wait for a reply, 5 by default"},
			},
			Answer: []Field{says("collaboration_requested"), {Name: "id"}, {Name: "reply", Doc: "where the target answers the topic"}},
		},
		{
			Name: "broadcast", Doc: "Sends data to every other script that lives.", handle: simple((*Connector).broadcast),
			Request: []Field{{Name: "source", Doc: "who sends it"}, {Name: "data", Doc: "any JSON"}},
			Answer:  []Field{says("broadcast_sent"), {Name: "id"}, {Name: "recipients", Doc: "names"}},
		},
		{
			Name: "get_collaborations", Doc: "Hands out what was sent to a script. What one call hands out is acknowledged by the next.", handle: simple((*Connector).getCollaborations),
			Request: []Field{{Name: "script_name", Doc: "whose; a script is known by its connection"}},
			Answer:  []Field{{Name: "requests", Doc: "`{source, data, timestamp, id}` each, oldest first"}},
		},
		{
			Name: "notification", Doc: "Records what a script tells of itself.", handle: simple((*Connector).notification),
			Request: []Field{{Name: "script", Doc: "which"}, {Name: "event", Doc: "a word"}, {Name: "data", Doc: "any JSON"}},
			Answer:  []Field{says("acknowledged")},
		},
	}
}

var (
	scriptField  = Field{Name: "script", Required: true, Doc: "its name, or its file's"}
	scriptAnswer = Field{Name: "script", Doc: "its name"}
)

func says(status string) Field { return Field{Name: "status", Doc: `"` + status + `"`} }

func simple(f func(*Connector, context.Context, request) (map[string]script.Value, error)) func(*Connector) handler {
	return func(c *Connector) handler {
		return func(ctx context.Context, r request) (map[string]script.Value, error) { return f(c, ctx, r) }
	}
}

func verb(name, status string) func(*Connector) handler {
	return func(c *Connector) handler { return c.verb(name, status) }
}
