package menu

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// plain is the menu as questions and answers, line by line: for terminals that
// cannot be written over, and for screen readers.
type plain struct {
	ctx     context.Context //nolint:containedctx // of the program that the menu is
	options Options
	session *Session
	in      *bufio.Reader
	out     io.Writer
}

func newPlain(ctx context.Context, o Options, first *Session) *plain {
	return &plain{ctx: ctx, options: o, session: first, in: bufio.NewReader(o.In), out: o.Out}
}

// errLeave ends the menu.
var errLeave = errors.New("leave")

type plainOption struct {
	key, title string
	do         func(p *plain) error
}

var plainOptions = []plainOption{
	{"1", "List scripts", (*plain).list},
	{"2", "Execute script", (*plain).execute},
	{"3", "Stop script", func(p *plain) error { return p.act("stop") }},
	{"4", "Set parameter", (*plain).set},
	{"5", "Show parameters, variables and results", (*plain).show},
	{"6", "Status", func(p *plain) error { return p.run("ps") }},
	{"7", "Scan for scripts", func(p *plain) error { return p.run("scan") }},
	{"8", "Diagnostics", func(p *plain) error { return p.run("doctor") }},
	{"9", "Runs", func(p *plain) error { return p.run("runs", "--limit", "20") }},
	{"p", "Pause or resume", (*plain).pause},
	{"l", "Logs", (*plain).logs},
	{"m", "Messages that wait", (*plain).mail},
	{":", "Run a command of mlhost", (*plain).command},
	{"0", "Leave", func(*plain) error { return errLeave }},
}

func (p *plain) printf(format string, args ...any) { fmt.Fprintf(p.out, format+"\n", args...) }

// ask asks for a line; an empty one stands for what is proposed.
func (p *plain) ask(question, proposed string) (string, error) {
	if proposed != "" {
		question += " [" + proposed + "]"
	}
	fmt.Fprint(p.out, question+": ")
	line, err := p.in.ReadString('\n')
	if err != nil && line == "" {
		p.printf("")
		return "", errLeave // the terminal has gone, or ctrl-D
	}
	if line = strings.TrimSpace(line); line == "" {
		return proposed, nil
	}
	return line, nil
}

func (p *plain) run(words ...string) error {
	p.printf("$ %s", p.options.command(p.hostName(), words...))
	cmd := p.options.child(p.ctx, p.hostName(), words...)
	cmd.Stdout, cmd.Stderr = p.out, p.out
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if words[0] != "doctor" { // there it means findings
			p.printf("(exit code %d)", exit.ExitCode())
		}
		return nil
	}
	return err
}

func (p *plain) hostName() string {
	if p.session == nil {
		return ""
	}
	return p.session.Name
}

// loop runs the menu until it is left.
func (p *plain) loop() error {
	for {
		if p.session == nil {
			if err := p.door(); err != nil {
				return err
			}
			continue
		}
		p.printf("\nmlhost connector: host %s", text.Line(p.session.Name))
		for _, o := range plainOptions {
			p.printf("  %s. %s", o.key, o.title)
		}
		said, err := p.ask("Option", "")
		if err != nil {
			return err
		}
		known := said == ""
		for _, o := range plainOptions {
			if known = known || said == o.key || said == "q" && o.key == "0"; said == o.key || said == "q" && o.key == "0" {
				if err := o.do(p); errors.Is(err, errLeave) {
					return err
				} else if err != nil {
					p.printf("failed: %s", text.Line(failure(err)))
				}
				break
			}
		}
		if !known {
			p.printf("there is no option %q", said)
		}
	}
}

// door offers what can be done where no host was entered.
func (p *plain) door() error {
	offers, err := p.options.offers()
	if err != nil {
		return err
	}
	p.printf("\nNo host was entered (state: %s).", text.Line(p.options.State))
	for i, o := range offers {
		p.printf("  %d. %s", i+1, text.Line(o.text))
	}
	p.printf("  0. Leave")
	said, err := p.ask("Option", "")
	if err != nil || said == "0" || said == "q" {
		return errors.Join(err, errLeave)
	}
	n, _ := strconv.Atoi(said) // 0 for what is no number
	if n < 1 || n > len(offers) {
		p.printf("there is no option %q", said)
		return nil
	}
	o := offers[n-1]
	if len(o.words) == 0 {
		p.session, err = p.options.Open(p.ctx, o.host)
		return err
	}
	if err := p.run(o.words...); err != nil || !o.runs {
		return err
	}
	p.session, err = p.options.first(p.ctx)
	return err
}

// choose has a script chosen, by its number or its name.
func (p *plain) choose() (v1.Script, error) {
	all, err := p.session.Client.Scripts(p.ctx)
	if err != nil {
		return v1.Script{}, err
	}
	for i, s := range all.Scripts {
		p.printf("  %d. %s (%s)", i+1, text.Line(s.Name), s.State)
	}
	said, err := p.ask("Script", "")
	if err != nil {
		return v1.Script{}, err
	}
	if n, err := strconv.Atoi(said); err == nil && n >= 1 && n <= len(all.Scripts) {
		return all.Scripts[n-1], nil
	}
	for _, s := range all.Scripts {
		if s.Name == said {
			return s, nil
		}
	}
	return v1.Script{}, script.Errorf(script.CodeNotFound, "there is no script %q", said)
}

func (p *plain) list() error {
	all, err := p.session.Client.Overview(p.ctx, 1)
	if err != nil {
		return err
	}
	for _, s := range all.Scripts {
		line := fmt.Sprintf("  %s: %s", s.Name, s.State)
		if s.Step != nil {
			line += fmt.Sprintf(", step %d", *s.Step)
		}
		if len(s.Variables) > 0 {
			v := s.Variables[0]
			line += ", " + v.Name + " = " + text.Value(v.Value, 20)
		}
		if s.Reason != "" {
			line += " (" + s.Reason + ")"
		}
		p.printf("%s", text.Line(line))
	}
	return nil
}

func (p *plain) execute() error {
	s, err := p.choose()
	if err != nil {
		return err
	}
	p.printf("  1. %s\n  2. %s", ways[0], ways[1])
	said, err := p.ask("How", "1")
	if err != nil {
		return err
	}
	return p.run(startWords(s.Name, said != "2")...)
}

func (p *plain) act(verb string) error {
	s, err := p.choose()
	if err != nil {
		return err
	}
	return p.run(verb, s.Name)
}

func (p *plain) pause() error {
	s, err := p.choose()
	if err != nil {
		return err
	}
	if s.State == script.Paused {
		return p.run("resume", s.Name)
	}
	return p.run("pause", s.Name)
}

func (p *plain) set() error {
	s, err := p.choose()
	if err != nil {
		return err
	}
	all, err := p.session.Client.Parameters(p.ctx, s.Name)
	if err != nil {
		return err
	}
	for i, one := range all.Parameters {
		p.printf("  %d. %s = %s  (%s)", i+1, text.Line(one.Name), text.Value(one.Value, 40), text.Line(allowed(one)))
	}
	name, err := p.ask("Parameter", "")
	if err != nil {
		return err
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= len(all.Parameters) {
		name = all.Parameters[n-1].Name
	}
	value, err := p.ask("Value", "")
	if err != nil {
		return err
	}
	return p.run("set", s.Name, name+"="+value)
}

func (p *plain) show() error {
	s, err := p.choose()
	if err != nil {
		return err
	}
	return errors.Join(p.run("get", s.Name), p.run("vars", s.Name), p.run("results", s.Name))
}

// lastLines is how much of a log the plain menu shows.
const lastLines = 20

func (p *plain) logs() error {
	s, err := p.choose()
	if err != nil {
		return err
	}
	p.printf("$ %s", p.options.command(p.hostName(), "logs", s.Name, "--tail", strconv.Itoa(lastLines)))
	for l, err := range p.session.Client.Logs(p.ctx, s.Name, client.LogFilter{Tail: lastLines}) {
		if err != nil {
			return err
		}
		p.printf("%s", text.Line(text.LastPart(l.Text)))
	}
	return nil
}

func (p *plain) mail() error {
	s, err := p.choose()
	if err != nil {
		return err
	}
	return p.run("mailbox", s.Name)
}

func (p *plain) command() error {
	said, err := p.ask("mlhost", "")
	if err != nil {
		return err
	}
	words, err := split(said)
	if err != nil || len(words) == 0 {
		return err
	}
	if words[0] == "run" && !detached(words) {
		words = append(words[:1:1], append([]string{"--detach"}, words[1:]...)...)
	}
	return p.run(words...)
}

// until shows the menu until it is left.
func (p *plain) until() error {
	if err := p.loop(); !errors.Is(err, errLeave) {
		return err
	}
	return nil
}
