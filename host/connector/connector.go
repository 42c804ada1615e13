package connector

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/shared/script"
)

// Options is what the commands work on.
type Options struct {
	ID        string // the host's name
	Directory string // of its configuration
	Registry  *registry.Registry
	// Send carries a message or a set through the host's door for requests.
	Send func(ctx context.Context, m script.Message) (script.Reply, error)
	// Collect hands out a script's mail.
	Collect func(ctx context.Context, name string) ([]script.Message, error)
	// Verb carries out start, stop, pause, resume, restart or scan; with names
	// of the scripts known afterwards for scan.
	Verb func(ctx context.Context, verb, name, author string) error
	// Execute starts a script; connected tells one of the original Python API to
	// speak with the host.
	Execute func(ctx context.Context, name, author string, connected bool) error
	// Notify records what a script tells of itself.
	Notify func(ctx context.Context, name, event string, data script.Value) error
	// Checks are the findings of the doctor; nil: there are none.
	Checks func(ctx context.Context) []Check
	NewID  func() string
	Now    func() time.Time // nil: time.Now
}

// Check is one finding of the doctor.
type Check struct {
	Name, Status, Detail, Fix string // status: ok, warn, fail or skip
}

// Connector answers commands. Its methods may be called concurrently.
type Connector struct {
	Options
	commands map[string]handler
	controls []string // those that `control` carries out
}

// request is one command with its arguments.
type request struct {
	source string // the script that sends it, or "user:NAME"
	fields map[string]script.Value
}

type handler func(ctx context.Context, r request) (map[string]script.Value, error)

// New makes a Connector.
func New(o Options) *Connector {
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Connector{Options: o, commands: map[string]handler{}}
	for _, command := range Commands() {
		c.commands[command.Name] = command.handle(c)
		if command.Control {
			c.controls = append(c.controls, command.Name)
		}
	}
	return c
}

// Handle answers one command that source sends. It never fails: what goes
// wrong is the answer.
func (c *Connector) Handle(ctx context.Context, source string, command script.Value) script.Value {
	fields, ok := command.Map()
	if !ok {
		return failure(script.Errorf(script.CodeUsage, "a command is a JSON object").
			WithHint(`for example {"command": "status"}`))
	}
	name := text(fields, "command")
	handle := c.commands[name]
	if handle == nil {
		return failure(c.unknownCommand(name))
	}
	answer, err := handle(ctx, request{source: source, fields: fields})
	if err != nil {
		return failure(err)
	}
	return script.Map(answer)
}

func (c *Connector) unknownCommand(name string) error {
	if name == "" {
		return script.Errorf(script.CodeUsage, `"command" is missing`).WithHint(`for example {"command": "status"}`)
	}
	names := slices.Sorted(maps.Keys(c.commands))
	err := script.Errorf(script.CodeNotFound, "there is no command %q", name)
	if best := script.Suggest(name, names); best != "" {
		return err.WithHint("did you mean %q?", best)
	}
	return err.WithHint("the commands are %s", strings.Join(names, ", "))
}

// failure words an error as the answer to a command.
func failure(err error) script.Value {
	e := script.AsError(err)
	return script.Map(map[string]script.Value{
		"error": script.String(e.Message),
		"code":  script.String(string(e.Code)),
		"hint":  script.String(e.Hint),
	})
}

func text(fields map[string]script.Value, name string) string {
	s, _ := fields[name].Text()
	return s
}

// find resolves a script by its name or by its file's name.
func (c *Connector) find(name string) (registry.Script, error) {
	if s, ok := c.Registry.Script(name); ok {
		return s, nil
	}
	if stem, isFile := strings.CutSuffix(name, ".py"); isFile {
		if s, ok := c.Registry.Script(stem); ok {
			return s, nil
		}
	}
	if name == "" {
		return registry.Script{}, script.Errorf(script.CodeUsage, `"script" is missing`)
	}
	err := script.Errorf(script.CodeNotFound, "there is no script %q", name)
	if best := script.Suggest(name, c.Registry.Names()); best != "" {
		return registry.Script{}, err.WithHint("did you mean %q?", best)
	}
	return registry.Script{}, err.WithHint("list_scripts lists the scripts")
}
