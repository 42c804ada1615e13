package supervisor

import (
	"testing"

	"github.com/mlhost/mlhost/shared/script"
)

// A wrapped script runs once its interpreter does: before, there is no process
// of its own to show.
func TestRunningIsToldWithTheInterpretersProcess(t *testing.T) {
	wrapper, interpreter := 4711, 4712
	for name, plugin := range map[string]bool{"wrapped": false, "plugin": true} {
		conf := testPlugin(name, "plain")
		if !plugin {
			conf.Plugin = ""
		}
		r := newRig(t, Options{}, conf)
		p := newProcess(r.units[name])
		p.child = &child{handle: handle{pid: wrapper}}
		st := &p.status
		look := func() script.StateChanged {
			t.Helper()
			st.tell()
			told := states(r.events, name)
			return told[len(told)-1]
		}

		st.beat()
		if got := look(); got.State != script.Ready {
			t.Errorf("%s: after the first heartbeat: %+v", name, got)
		}
		st.beat()
		st.say(script.StateChanged{State: script.Running, PID: wrapper, PluginPID: wrapper})
		want := script.Running
		if !plugin {
			want = script.Ready
		}
		if got := look(); got.State != want {
			t.Errorf("%s: when the plugin runs: %+v", name, got)
		}
		if plugin {
			continue
		}
		st.say(script.StateChanged{State: script.Running, PID: interpreter, PluginPID: wrapper})
		if got := look(); got.State != script.Running || got.PID != interpreter || got.PluginPID != wrapper {
			t.Errorf("%s: when the interpreter runs: %+v", name, got)
		}
		for _, s := range states(r.events, name) {
			if s.State == script.Running && s.PID != interpreter {
				t.Errorf("%s: running with the process of the wrapper: %+v", name, s)
			}
		}
	}
}

// A script that is paused is shown so at once, also where it was stalled.
func TestPausedIsNotStalled(t *testing.T) {
	r := newRig(t, Options{}, testPlugin("quiet", "plain"))
	p := newProcess(r.units["quiet"])
	p.child = &child{handle: handle{pid: 4711}}
	st := &p.status
	st.base, st.stalled = script.Running, true
	st.tell()
	st.say(script.StateChanged{State: script.Paused})
	st.tell()
	told := states(r.events, "quiet")
	if len(told) != 2 || told[0].State != script.Stalled || told[1].State != script.Paused {
		t.Errorf("told %+v", told)
	}
}
