package menu

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/mlhost/mlhost/cmd/mlhost/text"
	"github.com/mlhost/mlhost/host/config"
)

// offer is one thing that can be done where no host was entered.
type offer struct {
	text  string
	words []string // of the call of mlhost that it is; empty: a host is entered
	host  Host
	runs  bool // a host runs afterwards
}

// offers lists what can be done from here.
func (o *Options) offers() ([]offer, error) {
	all, err := o.hosts()
	if err != nil {
		return nil, err
	}
	if o.Enter != nil {
		all = slices.DeleteFunc(all, func(h Host) bool { return h.Name != o.Enter.Name })
	}
	var out []offer
	running := false
	for _, h := range all {
		if h.Live {
			running = true
			out = append(out, offer{text: "Enter the host " + h.Name + ", which runs", host: h})
		}
	}
	if !running {
		out = append(out, o.starts()...)
	}
	for _, h := range all {
		if !h.Live {
			out = append(out, offer{text: "Look at what the host " + h.Name + " has kept", host: h})
		}
	}
	return append(out, offer{text: "Diagnostics of this machine", words: []string{"doctor"}}), nil
}

// starts are the ways to start a host from the folder.
func (o *Options) starts() []offer {
	var out []offer
	run := func(said, path string) {
		out = append(out, offer{text: said, words: []string{"run", "--detach", path}, runs: true})
	}
	files, _ := filepath.Glob(filepath.Join(o.Folder, "*.hcl")) // the pattern is good
	switch {
	case len(files) == 1:
		run("Start the configuration "+filepath.Base(files[0]), filepath.Base(files[0]))
	case len(files) > 1:
		for i, f := range files {
			if i == 5 {
				break
			}
			run("Start the configuration "+filepath.Base(f), filepath.Base(f))
		}
		run(fmt.Sprintf("Start all %d configurations of this folder as one", len(files)), ".")
	default:
		if n := scriptsIn(o.Folder); n > 0 {
			run(fmt.Sprintf("Start a host that knows the %s of this folder", text.Count(n, "Python script")), ".")
			out = append(out, offer{text: "Write a configuration for them", words: []string{"init", "."}})
		}
	}
	if n := scriptsIn(filepath.Join(o.Folder, "ml-models")); n > 0 {
		run(fmt.Sprintf("Start a host that knows the %s of ml-models", text.Count(n, "Python script")), "ml-models")
	}
	return out
}

func scriptsIn(dir string) int {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return 0
	}
	cfg, diags := config.FolderConfig(dir)
	if diags.HasErrors() {
		return 0
	}
	return len(cfg.Scripts)
}

// door is what is shown as long as no host was entered.
type door struct {
	list
	answer[[]offer]
	busy bool
}

func newDoor() *door { return &door{} }

func (d *door) title() string { return "" }

func (d *door) fetch(m *model) tea.Cmd {
	o := &m.options
	return func() tea.Msg {
		out, err := o.offers()
		return loadedMsg{to: d, data: out, err: err}
	}
}

func (d *door) key(m *model, k tea.KeyPressMsg) tea.Cmd {
	key := k.String()
	if d.move(key, len(d.shown), m.height) || len(d.shown) == 0 {
		return nil
	}
	if n := int(key[0] - '1'); len(key) == 1 && n >= 0 && n < len(d.shown) {
		d.cursor = n
		key = "enter"
	}
	if key != "enter" || d.busy {
		return nil
	}
	o := d.shown[d.cursor]
	switch {
	case len(o.words) == 0:
		return m.open(o.host)
	case o.runs:
		d.busy = true
		return d.start(m, o)
	}
	return m.push(newOutput(m, o.words))
}

// open enters a host.
func (m *model) open(h Host) tea.Cmd {
	return func() tea.Msg {
		s, err := m.options.Open(m.ctx, h)
		return enteredMsg{s, err}
	}
}

// start starts a host and enters it.
func (d *door) start(m *model, o offer) tea.Cmd {
	m.did = m.options.command("", o.words...)
	m.tell("starting …", false)
	before, _ := m.options.hosts() // where this fails the next call says so
	return func() tea.Msg {
		out, err := m.options.child(m.ctx, "", o.words...).CombinedOutput()
		all, findErr := m.options.hosts()
		for _, h := range all {
			if h.Live && !slices.Contains(before, h) {
				s, err := m.options.Open(m.ctx, h)
				return enteredMsg{s, err}
			}
		}
		if err == nil {
			err = findErr
		}
		return actedMsg{err: fmt.Errorf("it did not start: %w", err), then: func() tea.Cmd {
			d.busy = false
			return m.push(&output{words: o.words, lines: splitOutput(string(out)), done: true})
		}}
	}
}

func (d *door) body(m *model, width, height int) []string {
	var out []string
	if height > len(d.shown)+4 {
		out = append(out, "")
	}
	live := slices.ContainsFunc(d.shown, func(o offer) bool { return o.host.Live })
	said := "No host is running (state: " + text.Cell(m.options.State) + ")."
	if live {
		said = "Several hosts run here."
	}
	if d.known {
		out = append(out, paragraph(said, width)...)
	}
	if height > len(d.shown)+4 {
		out = append(out, "")
	}
	for i, o := range d.shown {
		line := fmt.Sprintf("%d  %s", i+1, text.Cell(o.text))
		if i == d.cursor {
			out = append(out, chosen.Render(text.Pad("> "+text.Clip(line, width-2), width)))
		} else {
			out = append(out, "  "+line)
		}
	}
	return out
}

func (d *door) keys() []hint { return []hint{{"enter", "do it"}, {"↑↓", "choose"}} }

func (d *door) command(*model) []string {
	if d.cursor >= len(d.shown) {
		return nil
	}
	o := d.shown[d.cursor]
	switch {
	case len(o.words) > 0:
		return o.words
	case o.host.Live:
		return []string{"--host", o.host.Name}
	}
	return []string{"ps", "--host", o.host.Name}
}

func splitOutput(s string) []string {
	s = strings.TrimRight(s, "\n")
	if s == "" {
		return nil
	}
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = text.Cell(text.LastPart(l))
	}
	return lines
}
