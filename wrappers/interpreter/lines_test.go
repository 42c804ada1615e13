package interpreter

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlhost/mlhost/shared/script"
)

// bashScript speaks lines: it declares, reports, obeys and stops.
const bashScript = `
exec {fd}<>"/proc/self/fd/$MLHOST_FD" 2>/dev/null || fd=$MLHOST_FD
say() { printf '%s\n' "$1" >&$MLHOST_FD; }
field() { sed -E "s/.*\"$1\":\"?([^,\"}]*).*/\1/" <<<"$2"; }
read -r start <&$MLHOST_FD
echo "start: $start"
say '{"op":"hello","version":1,"language":"bash","doc":"fits a line"}'
say '{"op":"parameter","name":"lambda","type":"float","default":0.1,"min":0,"max":1,"doc":"strength"}'
say '{"op":"parameter","name":"mode","default":"auto","choices":["auto","manual"],"mutability":"boundary"}'
say '{"op":"variable","name":"loss","value":0.0,"read_only":true}'
say '{"op":"variable","name":"hint","value":"none"}'
say '{"op":"step","step":4}'
say '{"op":"samples","samples":[["loss",5,1700000000.5,"NaN"],["hint",null,null,"NaN"]]}'
say '{"op":"progress","done":1,"total":10,"rate":2.5}'
say '{"op":"log","level":"warning","text":"careful\nnow"}'
while read -r line <&$MLHOST_FD; do
  id=$(field id "$line")
  case $(field op "$line") in
    set) echo "set: $line"
      say "{\"op\":\"done\",\"id\":\"$id\",\"outcomes\":[{\"name\":\"lambda\",\"status\":\"applied\",\"old\":0.1,\"value\":0.25,\"step\":6}]}" ;;
    set_variables) say "{\"op\":\"done\",\"id\":\"$id\"}" ;;
    pause|resume) echo "$(field op "$line")d"; say "{\"op\":\"done\",\"id\":\"$id\"}" ;;
    message) say "{\"op\":\"reply\",\"id\":\"$id\",\"value\":{\"heard\":true}}" ;;
    stop) say "{\"op\":\"done\",\"id\":\"$id\"}"; say '{"op":"result","name":"fitted","value":"Infinity"}'; exit 0 ;;
  esac
done`

func TestBashSpeaksLines(t *testing.T) {
	h := newHost(t)
	j := launch(t, h, "bash", bashScript, func(l *script.Launch) {
		withLines(l)
		p := set("lambda", script.Float(0.2))
		p.Spec.Max = script.Float(0.5)
		l.Parameters = []script.LaunchParameter{p}
	})
	wait(h, func(l script.LogLine) bool { return l.Text == "now" })
	h.waitLine("stdout", `start: {"op":"start","version":1,"run":"`+h.run+`","script":"fit","parameters":{"lambda":0.2},"revision":7}`)

	reply, err := j.setParameters(t.Context(), script.Batch{ID: "b", Values: map[string]script.Value{"lambda": script.Float(0.25)}, Author: "user:ann"})
	if err != nil {
		t.Fatal(err)
	}
	want := []script.Outcome{{Name: "lambda", Status: script.Applied, Old: script.Float(0.1), Value: script.Float(0.25), Step: 6}}
	if diff := cmp.Diff(want, reply.Outcomes); diff != "" {
		t.Error(diff)
	}
	h.waitLine("stdout", `"values":{"lambda":0.25},"author":"user:ann"}`)

	reply, err = j.setVariables(t.Context(), script.Batch{Values: map[string]script.Value{"hint": script.String("more")}})
	if err != nil || len(reply.Outcomes) != 1 || reply.Outcomes[0].Status != script.Applied {
		t.Error(reply, err)
	}
	reply, err = j.setVariables(t.Context(), script.Batch{Values: map[string]script.Value{"hint": script.Null(), "loss": script.Int(1), "other": script.Int(1)}})
	if err != nil || len(reply.Outcomes) != 2 || !reply.Rejected() {
		t.Error(reply, err)
	}
	v, err := j.answer(t.Context(), script.Message{ID: "m1", Kind: script.Ask, Source: "judge", Topic: "checkpoint"})
	if err != nil || v.String() != `{"heard":true}` {
		t.Error(v, err)
	}
	if err := j.pause(t.Context()); err != nil || j.isFrozen() {
		t.Error(err)
	}
	h.waitLine("stdout", "paused")
	if err := j.resume(t.Context()); err != nil {
		t.Error(err)
	}
	h.waitLine("stdout", "resumed")
	j.stop(t.Context(), 10*time.Second)
	if code, err := j.wait(t); code != 0 || err != nil {
		t.Error(code, err)
	}
	checkBashReports(t, h)
}

func checkBashReports(t *testing.T, h *host) {
	t.Helper()
	if lambda, ok := h.known.Parameter("lambda"); !ok || lambda.Max.String() != "0.5" || lambda.Min.String() != "0.0" || lambda.Doc != "strength" || lambda.Mutability != script.Live {
		t.Errorf("lambda is declared as %+v", lambda)
	}
	if mode, ok := h.known.Parameter("mode"); !ok || mode.Type != script.TypeString || mode.Mutability != script.Boundary || len(mode.Choices) != 2 {
		t.Errorf("mode is declared as %+v", mode)
	}
	if h.known.Doc != "fits a line" || len(h.known.Variables) != 2 {
		t.Errorf("declared is %+v", h.known)
	}
	samples := of[script.Samples](h)[0].Samples
	if f, ok := samples[0].Value.Float(); !ok || !math.IsNaN(f) || samples[0].Step != 5 || samples[0].Time.UnixMilli() != 1700000000500 {
		t.Errorf("loss: %+v", samples[0])
	}
	if s, ok := samples[1].Value.Text(); !ok || s != "NaN" || samples[1].Step != -1 || time.Since(samples[1].Time) > time.Hour {
		t.Errorf("hint: %+v", samples[1])
	}
	if p := of[script.Progress](h); len(p) != 1 || p[0] != (script.Progress{Done: 1, Total: 10, Rate: 2.5}) {
		t.Errorf("progress: %+v", p)
	}
	if res := of[script.ResultSet](h); len(res) != 1 || res[0].Value.String() != "Infinity" {
		t.Errorf("results: %+v", res)
	}
	if h.warnings() != "" {
		t.Error(h.warnings())
	}
}

func TestNodeSpeaksLines(t *testing.T) {
	needs(t, "node")
	h := newHost(t)
	h.call = func(_ context.Context, m script.Message) (script.Reply, error) {
		switch m.Kind {
		case script.Tell:
			return script.Reply{ID: "mail-1"}, nil
		case script.Broadcast:
			return script.Reply{ID: "cast-1", Recipients: []string{"a", "b"}}, nil
		}
		if m.Topic == "connector" {
			return script.Reply{Value: m.Data}, nil
		}
		return script.Reply{}, script.Errorf(script.CodeNoAnswerer, "%s does not answer %q", m.Target, m.Topic).WithHint("look at ps")
	}
	j := launch(t, h, "node", `
const net = require('net');
const sock = new net.Socket({fd: Number(process.env.MLHOST_FD)});
const say = o => sock.write(JSON.stringify(o) + '\n');
let rate = 0, seen = 0;
const take = l => {
  if (l.op === 'start') {
    rate = l.parameters.rate;
    say({op: 'parameter', name: 'rate', type: 'float', default: 1, value: rate});
    say({op: 'topics', answers: ['score']});
    say({op: 'ask', id: 1, to: 'judge', topic: 'score', data: {x: 1}, timeout: 5});
    say({op: 'tell', id: 'two', to: 'judge', topic: 'note', data: [1, 2]});
    say({op: 'broadcast', id: 3, topic: 'news', data: null});
    say({op: 'connector', id: 4, message: {command: 'list_scripts'}});
    say({op: 'notify', event: 'epoch', data: 7});
    say({op: 'changed', changes: [{name: 'rate', old: 1, value: 0.5, step: 2}]});
  } else if (l.op === 'reply') {
    console.log(JSON.stringify(l));
    if (++seen === 4) console.log('all');
  } else if (l.op === 'message') {
    if (l.topic === 'score') say({op: 'reply', id: l.id, value: l.data.x + 1});
    else say({op: 'reply', id: l.id, error: {message: 'never heard of ' + l.topic}});
  } else if (l.op === 'stop') { say({op: 'done', id: l.id}); sock.end(); }
};
let rest = '';
sock.on('data', d => { rest += d; let i; while ((i = rest.indexOf('\n')) >= 0) { take(JSON.parse(rest.slice(0, i))); rest = rest.slice(i + 1); } });`,
		func(l *script.Launch) {
			withLines(l)
			l.Parameters = []script.LaunchParameter{set("rate", script.Float(0.75))}
		})
	h.waitLine("stdout", "all")
	got := strings.Join(h.lines("stdout"), "\n")
	for _, want := range []string{
		`{"op":"reply","id":1,"error":{"code":"no_answerer","message":"judge does not answer \"score\"","hint":"look at ps","at":""}}`,
		`{"op":"reply","id":"two","value":{"id":"mail-1"}}`,
		`{"op":"reply","id":3,"value":{"id":"cast-1","recipients":["a","b"]}}`,
		`{"op":"reply","id":4,"value":{"command":"list_scripts"}}`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not among\n%s", want, got)
		}
	}
	wait(h, func(n script.Notified) bool { return n.Event == "epoch" && n.Data.Equal(script.Int(7)) })
	change := wait(h, func(script.ParametersChanged) bool { return true })
	if change.Author != "script:fit" || change.Changes[0].New.String() != "0.5" || change.Changes[0].Step != 2 {
		t.Errorf("%+v", change)
	}
	v, err := j.answer(t.Context(), script.Message{ID: "q", Kind: script.Ask, Topic: "score", Data: script.Map(map[string]script.Value{"x": script.Int(41)})})
	if err != nil || !v.Equal(script.Int(42)) {
		t.Error(v, err)
	}
	_, err = j.answer(t.Context(), script.Message{ID: "q", Kind: script.Ask, Topic: "noise"})
	if script.CodeOf(err) != script.CodeHandlerFailed {
		t.Error(err)
	}
	d := wait(h, func(d script.Described) bool { return len(d.Values) > 0 })
	if !d.Values["rate"].Equal(script.Float(0.75)) || len(h.known.Topics) != 1 || h.known.Topics[0] != (script.TopicSpec{Name: "score", Answers: true}) {
		t.Errorf("%+v of %+v", d.Values, h.known)
	}
	j.stop(t.Context(), 10*time.Second)
	if code, err := j.wait(t); code != 0 || err != nil {
		t.Error(code, err, h.lines("stderr"))
	}
}

func TestBadLinesAreCountedAndSurvived(t *testing.T) {
	h := newHost(t)
	j := launch(t, h, "bash", `
say() { printf '%s\n' "$1" >&$MLHOST_FD; }
say 'not JSON'; say '[1]'; say '{"op":7}'; say '{}'; say '{"op":"step","step":"x"}'; say '{"op":"parameter","name":"p","type":"tensor"}'
say '{"op":"samples","samples":[["a",1],["b",1,2,3]]}'; say '{"op":"later-version"}'; say ''
{ head -c 17000000 /dev/zero | tr '\0' x; echo; } >&$MLHOST_FD
say '{"op":"result","name":"end","value":1}'
printf '{"op":"result","name":"no newline","value":2}' >&$MLHOST_FD`, withLines)
	if code, err := j.wait(t); code != 0 || err != nil {
		t.Fatal(code, err)
	}
	if w := of[script.Warned](h); len(w) != 1 || !strings.Contains(w[0].Text, "not JSON") {
		t.Errorf("warnings: %+v", w)
	}
	if r := of[script.ResultSet](h); len(r) != 2 {
		t.Errorf("results: %+v", r)
	}
	if s := of[script.Samples](h); len(s) != 1 || len(s[0].Samples) != 1 {
		t.Errorf("samples: %+v", s)
	}
	if l := h.lines("log"); len(l) != 1 || l[0] != "8 lines of the script were not understood" {
		t.Errorf("log: %q", l)
	}
}

func TestScriptThatDoesNotAnswer(t *testing.T) {
	h := newHost(t)
	j := launch(t, h, "bash", `echo '{"op":"parameter","name":"p","default":1}' >&$MLHOST_FD; read -r start <&$MLHOST_FD; read -r set <&$MLHOST_FD
read -t 60 wait; echo '{"op":"done","id":"w1","outcomes":[{"name":"p","status":"applied","old":1,"value":2}]}' >&$MLHOST_FD; exec 3>&-; sleep 1000`,
		func(l *script.Launch) { withLines(l); l.Stdin = "fifo"; makeFifo(t, l) })
	wait(h, func(script.Described) bool { return true })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := j.setParameters(ctx, script.Batch{ID: "b1", Author: "user:ann", Values: map[string]script.Value{"p": script.Int(2)}})
	if script.CodeOf(err) != script.CodeDeadline {
		t.Fatal(err)
	}
	writeFifo(t, j)
	late := wait(h, func(script.ParametersChanged) bool { return true })
	if late.Author != "user:ann" || late.Batch != "b1" || !late.Changes[0].New.Equal(script.Int(2)) {
		t.Errorf("%+v", late)
	}
	if _, err := j.answer(t.Context(), script.Message{ID: "m"}); script.CodeOf(err) != script.CodeUnavailable {
		t.Errorf("after the script closed its end: %v", err)
	}
}

func TestConfiguredValuesThatDoNotFit(t *testing.T) {
	for name, source := range map[string]string{
		"the wrapper sees it": `echo '{"op":"parameter","name":"lambda","type":"float","default":0.1,"max":0.5}' >&$MLHOST_FD; trap '' TERM; sleep 1000`,
		"the script says so":  `echo '{"op":"fail","reason":"lambda is above 0.5","parameter":"lambda"}' >&$MLHOST_FD; exit 1`,
	} {
		h := newHost(t)
		j := launch(t, h, "bash", source, func(l *script.Launch) {
			withLines(l)
			l.Parameters = []script.LaunchParameter{set("lambda", script.Float(0.75))}
		})
		_, err := j.wait(t)
		if e := script.AsError(err); e == nil || e.At != "lab.hcl:7" || !strings.Contains(e.Message, "lambda") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestConfiguredValueThatNobodyRegistered(t *testing.T) {
	h := newHost(t)
	j := launch(t, h, "bash", `echo '{"op":"parameter","name":"lambda","default":0.1}' >&$MLHOST_FD`, func(l *script.Launch) {
		withLines(l)
		passed := set("seed", script.Int(1))
		passed.Pass = "--seed"
		l.Parameters = []script.LaunchParameter{set("lamda", script.Float(0.75)), passed}
	})
	if _, err := j.wait(t); err != nil {
		t.Fatal(err)
	}
	want := `lab.hcl:7: parameter "lamda" is configured, but the script has not registered it: its value was not used; did you mean "lambda"?`
	if got := h.warnings(); got != want {
		t.Errorf("got %s", got)
	}
}

func TestSetsOfScriptsThatSpeakNoLines(t *testing.T) {
	h := newHost(t)
	j := launch(t, h, "bash", "echo up; sleep 1000", func(l *script.Launch) {
		pass, env, file, live := set("a", script.Int(1)), set("b", script.Int(1)), set("c", script.Int(1)), set("d", script.Int(1))
		pass.Pass, env.Env, file.File, live.File = "--a", "B", "p.json", "p.json"
		live.Spec.Mutability = script.Boundary
		l.Parameters = []script.LaunchParameter{pass, env, file, live}
	})
	h.waitLine("stdout", "up")
	two := script.Int(2)
	reply, err := j.setParameters(t.Context(), script.Batch{Values: map[string]script.Value{"a": two, "b": two, "c": two, "d": two}})
	if err != nil || len(reply.Outcomes) != 4 {
		t.Fatal(reply, err)
	}
	for _, o := range reply.Outcomes {
		want := script.NeedsRestart
		if o.Name == "d" {
			want = script.Pending
		}
		if o.Status != want || o.Reason == "" || !o.Old.Equal(script.Int(1)) {
			t.Errorf("%+v", o)
		}
	}
	wantFile(t, j.launch.Directory+"/p.json", "{\n  \"c\": 2,\n  \"d\": 2\n}\n")
	reply, err = j.setParameters(t.Context(), script.Batch{Values: map[string]script.Value{"c": script.Int(3), "z": two}})
	if err != nil || !reply.Rejected() {
		t.Error(reply, err)
	}
	wantFile(t, j.launch.Directory+"/p.json", "{\n  \"c\": 2,\n  \"d\": 2\n}\n")
	if _, err := j.answer(t.Context(), script.Message{Topic: "x"}); script.CodeOf(err) != script.CodeNoAnswerer {
		t.Error(err)
	}
}

// TestRSpeaksLines: R has no way to a descriptor but through a shell.
func TestRSpeaksLines(t *testing.T) {
	interpreter := needs(t, "Rscript")
	h := newHost(t)
	j := launch(t, h, interpreter, `
args <- commandArgs(trailingOnly = TRUE)
cat("lambda", args[2], "\n")
mlhost <- pipe("cat >&$MLHOST_FD", "w")
writeLines('{"op":"samples","samples":[["loss",1,null,0.5]]}', mlhost)
writeLines('{"op":"result","name":"slope","value":2}', mlhost)
close(mlhost)
quit(status = 3)`, func(l *script.Launch) {
		withLines(l)
		p := set("lambda", script.Float(0.125))
		p.Pass = "--lambda"
		l.Parameters = []script.LaunchParameter{p}
	})
	if code, _ := j.wait(t); code != 3 {
		t.Errorf("exit code %d, %q", code, h.lines("stderr"))
	}
	if out := h.lines("stdout"); len(out) != 1 || !strings.HasPrefix(out[0], "lambda 0.125") {
		t.Errorf("%q", out)
	}
	if r := of[script.ResultSet](h); len(r) != 1 || len(of[script.Samples](h)) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestSetAtAStep(t *testing.T) {
	h := newHost(t)
	j := launch(t, h, "bash", `
say() { printf '%s\n' "$1" >&$MLHOST_FD; }
say '{"op":"parameter","name":"p","default":1}'; say '{"op":"step","step":4}'
read -r start <&$MLHOST_FD; read -r wait
say '{"op":"step","step":5}'
read -r set <&$MLHOST_FD; echo "$set"; id=${set#*'"id":"'}; say '{"op":"done","id":"'"${id%%'"'*}"'"}'; read -r more <&$MLHOST_FD`,
		func(l *script.Launch) { withLines(l); l.Stdin = "fifo"; makeFifo(t, l) })
	wait(h, func(s script.Stepped) bool { return s.Step == 4 })
	for _, v := range []int64{2, 3} { // the second takes the place of the first
		at := int64(5)
		reply, err := j.setParameters(t.Context(), script.Batch{Values: map[string]script.Value{"p": script.Int(v)}, AtStep: &at})
		if err != nil || reply.Outcomes[0].Status != script.Pending || reply.Outcomes[0].Step != 5 {
			t.Fatal(reply, err)
		}
	}
	writeFifo(t, j)
	h.waitLine("stdout", `"values":{"p":3}`)
	j.stop(t.Context(), time.Second)
}
