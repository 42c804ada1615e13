package connector

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/mlhost/mlhost/shared/pages"
	"github.com/mlhost/mlhost/shared/script"
)

// The page is what the table of commands says.
func TestReference(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Connector commands reference\n\nEvery command of the connector's protocol: one JSON object asks, one JSON object answers. This page is made from the table that " +
		"requests are looked up in; [connector.md](../connector.md) explains ports, permission and scripts that are started by hand. `*` marks what a request must have.\n\n" +
		"Any command may fail: then the answer is `{\"error\", \"code\", \"hint\"}`, and nothing else has happened.\n")
	for _, c := range Commands() {
		fmt.Fprintf(&b, "\n## `%s`\n\n%s\n", c.Name, c.Doc)
		if c.Control {
			b.WriteString("It may stand in the `control_command` of `control`, then without `script`.\n")
		}
		fields(&b, "request", c.Request)
		fields(&b, "answer", c.Answer)
	}
	pages.Current(t, "connector.md", b.String())
}

func fields(b *strings.Builder, title string, all []Field) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "\n| %s | |\n|---|---|\n", title)
	for _, f := range all {
		mark := ""
		if f.Required {
			mark = " *"
		}
		fmt.Fprintf(b, "| `%s`%s | %s |\n", f.Name, mark, pages.Cell(f.Doc))
	}
}

// Answers have the keys that the table tells, and a request without what it
// must have is refused.
func TestCommandsAreAsTold(t *testing.T) {
	examples := map[string]string{
		"execute": `{"script":"evaluator","with_connector":true}`, "stop": `{"script":"trainer"}`, "pause": `{"script":"trainer"}`, "resume": `{"script":"trainer"}`,
		"control":       `{"script":"trainer","control_command":{"command":"get_info"}}`,
		"set_parameter": `{"script":"trainer","parameter":"lr","value":0.01}`, "get_parameter": `{"script":"trainer","parameter":"lr"}`,
		"set_variable": `{"script":"trainer","variable":"loss","value":1}`, "get_variable": `{"script":"trainer","variable":"loss"}`,
		"get_info": `{"script":"trainer"}`, "register_script": `{"script_name":"trainer","info":{}}`,
		"collaborate": `{"source":"evaluator","target":"trainer","data":{"type":"checkpoint"},"timeout":1}`,
		"broadcast":   `{"source":"trainer","data":1}`, "get_collaborations": `{"script_name":"trainer"}`,
		"notification": `{"script":"trainer","event":"saved","data":1}`,
	}
	for _, command := range Commands() {
		t.Run(command.Name, func(t *testing.T) {
			c, _, _ := newTestConnector(t)
			request := map[string]any{}
			if text := examples[command.Name]; text != "" {
				if err := json.Unmarshal([]byte(text), &request); err != nil {
					t.Fatal(err)
				}
			}
			request["command"] = command.Name
			var told []string
			for _, f := range command.Answer {
				if command.Name != "register_script" || f.Name != "run" { // that is TCP's
					told = append(told, f.Name)
				}
			}
			slices.Sort(told)
			if got := slices.Sorted(maps.Keys(ask(t, c, request))); command.Name != "control" && !slices.Equal(got, told) {
				t.Errorf("it answers %q; told is %q", got, told)
			}
			for _, f := range command.Request {
				if !f.Required {
					continue
				}
				without := maps.Clone(request)
				delete(without, f.Name)
				if got := ask(t, c, without); got["code"] == nil {
					t.Errorf("without %s it answers %v", f.Name, got)
				}
			}
		})
	}
}

func ask(t *testing.T, c *Connector, request map[string]any) map[string]any {
	t.Helper()
	data, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	v, err := script.ParseJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := json.Marshal(c.Handle(t.Context(), "user:me", v))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	return got
}
