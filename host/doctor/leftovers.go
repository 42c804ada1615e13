package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlhost/mlhost/host"
	v1 "github.com/mlhost/mlhost/host/api/v1"
)

// leftovers looks for what hosts that do not run any more have left: scripts
// that run on, runs whose end nobody saw, sockets.
func (o Options) leftovers(context.Context) []v1.Check {
	marked, err := marks()
	if err != nil {
		return []v1.Check{fail("leftovers", "", "%v", err)}
	}
	var alive, ended, strays, sockets []string
	var stray []int
	for _, h := range o.Hosts {
		if h.PID == 0 {
			if _, err := os.Lstat(host.SocketPath(h.Dir)); err == nil {
				sockets = append(sockets, host.SocketPath(h.Dir))
			}
		}
		runs, err := os.ReadDir(filepath.Join(h.Dir, "runs"))
		if err != nil {
			continue // it has run nothing
		}
		for _, r := range runs {
			_, err := os.Stat(filepath.Join(h.Dir, "runs", r.Name(), "instance.json"))
			open, pids := err == nil, marked[r.Name()]
			for mark, more := range marked { // of processes that have taken over a run
				if of, generation, ok := strings.Cut(mark, "."); ok && of == r.Name() && generation != "" {
					pids = append(pids, more...)
				}
			}
			text := fmt.Sprintf("run %s of host %s", r.Name(), h.Name)
			if len(pids) > 0 {
				text += fmt.Sprintf(" (processes %s)", strings.Trim(fmt.Sprint(pids), "[]"))
			}
			switch {
			case open && h.PID == 0 && len(pids) > 0:
				alive = append(alive, text)
			case open && h.PID == 0:
				ended = append(ended, text)
			case !open && len(pids) > 0:
				strays = append(strays, text)
				stray = append(stray, pids...)
			}
		}
	}
	return []v1.Check{
		listed("scripts without a host", alive, "`mlhost run` of the same configuration takes them over again; `mlhost down` afterwards stops them"),
		listed("runs without an end", ended, "`mlhost run` of the same configuration records how they ended"),
		listed("stray processes", strays, fmt.Sprintf("they belong to a run that has ended: `kill %s`", strings.Trim(fmt.Sprint(stray), "[]"))),
		listed("old sockets", sockets, "nothing to do: the next host removes them"),
	}
}

// listed is a warning that names what there should be none of. An old socket
// harms nobody.
func listed(name string, found []string, fix string) v1.Check {
	if len(found) == 0 {
		return ok(name, "none")
	}
	text := strings.Join(found[:min(len(found), 10)], ", ")
	if more := len(found) - 10; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if name == "old sockets" {
		return ok(name, "%s; %s", text, fix)
	}
	return warn(name, fix, "%s", text)
}
