package host

import (
	"context"
	"fmt"
	"os"

	"github.com/mlhost/mlhost/host/connector"
	"github.com/mlhost/mlhost/shared/script"
)

// checks tells a client of the connector how the host is: its ports, what the
// doctor finds, and its scripts.
func (h *Host) checks(ctx context.Context) []connector.Check {
	var found []connector.Check
	add := func(name, status, detail, fix string) {
		found = append(found, connector.Check{Name: name, Status: status, Detail: detail, Fix: fix})
	}
	add("host", "ok", fmt.Sprintf("%s runs as process %d", h.options.Config.Host.Name, os.Getpid()), "")
	l := h.Listen()
	for _, port := range [][2]string{{"port for operators", l.HTTP}, {"port for scripts", l.Connector}} {
		if port[1] == "" {
			add(port[0], "skip", "it is turned off", "")
		} else {
			add(port[0], "ok", port[1], "")
		}
	}
	for _, c := range h.Troubleshoot(ctx) {
		add(c.Name, string(c.Status), c.Detail, c.Fix)
	}
	for _, s := range h.registry.Snapshot() {
		switch s.State {
		case script.Failed, script.Lost, script.Backoff, script.Stuck:
			add("script "+s.Name, "warn", string(s.State)+": "+s.Reason, "mlhost logs "+s.Name)
		}
		if conf, ok := h.config.Load().Script(s.Name); ok && conf.Source != "" {
			if _, err := os.Stat(conf.Source); err != nil {
				add("script "+s.Name, "fail", err.Error(), "put the file back, or take the script out of the configuration")
			}
		}
	}
	return found
}
