//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"
)

// brokenConfig saves configurations that are none over one that serves.
func brokenConfig(ctx context.Context, l *lab, o *outcome) error {
	h, err := l.newHost()
	if err != nil {
		return err
	}
	good := h.counter("good", ", code = %d", never)
	before, err := h.begin(ctx, fmt.Sprintf(good, 1))
	if err != nil {
		return err
	}
	broken := map[string]string{
		"truncated":   fmt.Sprintf(good, 1)[:20],
		"invalid":     "script \"good\" {\n  plugin = 7\n  color = \"red\"\n}\n",
		"parentheses": "locals {\n  x = " + strings.Repeat("(", 200_000) + "\n}\n",
		"missing":     "script \"other\" {\n  source = \"nowhere.py\"\n  interpreter = 7\n}\n",
		"binary":      string(bytes.Repeat([]byte{0, 255, 7}, 1000)),
		"empty route": "route \"r\" {\n}\n",
		"plugin":      fmt.Sprintf(good, 2) + "script \"other\" {\n  plugin = \"nowhere\"\n}\n",
		"no plugin":   fmt.Sprintf(good, 2) + "script \"other\" {\n  plugin = \"config.hcl\"\n}\n",
	}
	accepted := 0
	for name, text := range broken {
		if err := h.configure(text); err != nil {
			return err
		}
		if _, err := h.Reload(ctx); err == nil {
			accepted++
			o.breaks("%s was carried out", name)
		}
	}
	o.count("broken configurations", float64(len(broken)))
	o.zero("carried out", accepted)
	after, err := h.all(ctx)
	if err != nil {
		return err
	}
	o.zero("scripts disturbed", replaced(o, before, after))
	kills := l.scaled(20, 2)
	o.count("kills in the middle of a reload", float64(kills))
	for i := range kills { // a kill in the middle of a reload
		o.at("kill %d", i+1)
		if err := h.configure(fmt.Sprintf(good, i+2)); err != nil {
			return err
		}
		go func() { _, _ = h.Reload(ctx) }()                // the kill is its end
		time.Sleep(time.Duration(i) * 2 * time.Millisecond) // somewhere in it
		if err := h.kill(ctx); err != nil {
			return err
		}
		if err := h.start(ctx); err != nil {
			return err
		}
		want := int64(i + 2)
		err := until(ctx, 20*time.Second, "the next good configuration is carried out", func() (bool, error) {
			answer, err := h.Parameters(ctx, "good")
			for _, p := range answer.Parameters {
				if got, _ := p.Value.Int(); p.Name == "code" && got == want {
					return true, nil
				}
			}
			return false, err
		})
		if err != nil {
			return err
		}
	}
	after, err = h.all(ctx)
	if err != nil {
		return err
	}
	o.zero("processes replaced by kills in reloads", replaced(o, before, after))
	return h.account(ctx, o, after)
}
