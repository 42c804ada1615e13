package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The screens in docs/menu.md are what the menu shows. UPDATE=1 writes them.
func TestMenuDocs(t *testing.T) {
	f := newFolder(t, map[string]string{
		"config.hcl": `
host { name = "lab1" }
script "prepare" {
  source = "prepare.py"
}
script "trainer" {
  source     = "trainer.py"
  depends_on = [script.prepare]
}
script "evaluate" {
  source    = "prepare.py"
  autostart = false
}
route "cool down" {
  from  = script.trainer.variable.loss
  to    = script.trainer.parameter.dropout
  when  = from < 0
  value = to * 0.5
}
`,
		"prepare.py": "print('prepared')\n",
		"trainer.py": `
import time
import mlhost

mlhost.param("learning_rate", 0.01, min=1e-5, max=1, scale="log", doc="Step size of the optimizer")
mlhost.param("batch_size", 32, choices=[16, 32, 64])
mlhost.param("shuffle", True)
mlhost.param("dropout", 0.5, min=0, max=0.9)
for step in range(1000):
    mlhost.log(loss=1 / (1 + step / 50), step=step)
while True:
    time.sleep(0.05)
`,
	})
	f.says("run", "--detach", "config.hcl")
	x := newTerminal(t, 80, 24, f.command())
	screens := map[string]string{}
	x.await(`prepare +finished`, `trainer +running +999 .*loss=0\.0476644`)
	x.press("/", "trainer", "enter", "4")
	x.await(`> learning_rate`)
	x.press("enter", "0.03", "enter")
	x.await(`learning_rate applied at step`)
	screens["parameters"] = steady(x.await(`learning_rate +0\.03 .* by user`, `^running  step 999`))
	x.back(`1 List`)
	x.back(`prepare`)
	x.press("down", "down", "down")
	screens["list"] = steady(x.await(`> trainer +running .*▄ +\S+s$`, `trainer is running`))
	checkScreens(t, screens)
}

// steady takes out of a screen what differs from one time to the next.
func steady(screen string) string {
	for _, r := range [][2]string{
		{`run [a-z0-9]{10}`, "run k3f9a2bqx7"},
		{`  for [0-9.ms]+  run`, "  for 4m05s  run"},
		{`(loss=0\.0476644) +[▁-█]* +\S+s$`, "$1  ▄▄▄▄▄▄▄▄  4m05s"}, // a chart that grows
		{`by user:\w+`, "by user:you"},
		{`\d\d:\d\d:\d\d applied`, "12:03:44 applied"},
		{`VARIABLE +UP$`, "VARIABLE                     UP"},
		{`(; 12:03:44 applied at step 999 b).*$`, "${1}y user:you"},
	} {
		screen = regexp.MustCompile(`(?m)`+r[0]).ReplaceAllString(screen, r[1])
	}
	return screen
}

func checkScreens(t *testing.T, screens map[string]string) {
	t.Helper()
	path := filepath.Join("..", "..", "docs", "menu.md")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for name, screen := range screens {
		block := regexp.MustCompile("(?s)(<!-- screen: " + name + " -->\n\n```text\n)(.*?)(```)")
		m := block.FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("docs/menu.md has no screen %q", name)
		}
		if got := screen + "\n"; m[2] != got {
			if os.Getenv("UPDATE") == "" {
				t.Errorf("the screen %q in docs/menu.md is not what is shown (UPDATE=1 writes it):\n%s", name, got)
				continue
			}
			text = strings.Replace(text, m[0], m[1]+got+m[3], 1)
		}
	}
	if text != string(data) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
