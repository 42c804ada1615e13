package api

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/shared/script"
)

type setInput struct {
	ScriptPath
	Body v1.Set
}

func (a *API) setRoutes(api huma.API) {
	register(api, http.MethodPatch, "/api/v1/scripts/{script}/parameters", "set-parameters", "Change parameters, all of them or none",
		func(ctx context.Context, in *setInput) (v1.Outcomes, error) {
			return a.set(ctx, script.SetParameter, in)
		})
	register(api, http.MethodPatch, "/api/v1/scripts/{script}/variables", "set-variables", "Change writable variables, all of them or none",
		func(ctx context.Context, in *setInput) (v1.Outcomes, error) {
			return a.set(ctx, script.SetVariable, in)
		})
}

// set carries a batch to the script and tells what became of each value.
func (a *API) set(ctx context.Context, kind script.MessageKind, in *setInput) (v1.Outcomes, error) {
	if _, ok := a.Registry.Brief(in.Script); !ok {
		return v1.Outcomes{}, a.Registry.Unknown(in.Script)
	}
	values, reply, err := a.read(kind, in.Script, &in.Body)
	if err != nil {
		return v1.Outcomes{}, a.rejected(in.Script, reply, err)
	}
	now, who := a.Now(), author(ctx)
	batch := &script.Batch{
		ID: in.Body.ID, Values: values, IfRevision: in.Body.IfRevision, Author: who, Take: in.Body.Take, AtStep: in.Body.AtStep,
	}
	if batch.ID == "" {
		batch.ID = a.NewID()
	}
	answer, err := a.Send(ctx, script.Message{
		ID: batch.ID, Kind: kind, Source: who, Target: in.Script, Time: now, Batch: batch,
	})
	if err != nil {
		return v1.Outcomes{}, a.rejected(in.Script, answer.Batch, err)
	}
	if answer.Batch == nil {
		return v1.Outcomes{}, script.Errorf(script.CodeInternal, "%s did not tell what became of the set", in.Script)
	}
	if answer.Batch.Rejected() {
		return v1.Outcomes{}, a.rejected(in.Script, answer.Batch, rejection(in.Script, *answer.Batch))
	}
	return v1.FromBatchReply(in.Script, *answer.Batch, a.sensitive(in.Script)), nil
}

// rejected adds the outcomes to the error of a set that was refused.
func (a *API) rejected(name string, reply *script.BatchReply, err error) error {
	p := v1.NewProblem(err)
	if reply != nil && reply.Rejected() {
		out := v1.FromBatchReply(name, *reply, a.sensitive(name))
		p.Rejected = &out
	}
	return p
}

// rejection words the first refusals of a reply as one error.
func rejection(name string, reply script.BatchReply) *script.Error {
	var message string
	for _, o := range reply.Outcomes {
		if o.Status != script.Rejected {
			continue
		}
		if message != "" {
			message += "; "
		}
		message += name + "." + o.Name + ": " + o.Reason
	}
	return script.Errorf(script.CodeRejected, "%s", message)
}

// sensitive tells which parameters of a script are.
func (a *API) sensitive(name string) func(string) bool {
	return func(parameter string) bool {
		p, ok := a.Registry.Parameter(name, parameter)
		return ok && p.Spec.Sensitive
	}
}

// read turns a request's texts into values by the types of what they are for.
// Of a text that cannot be read the reply tells the reason.
func (a *API) read(kind script.MessageKind, target string, set *v1.Set) (map[string]script.Value, *script.BatchReply, error) {
	if set.AtStep != nil && *set.AtStep < 0 {
		return nil, nil, script.Errorf(script.CodeUsage, "there is no step %d: steps count from 0", *set.AtStep)
	}
	if len(set.Values)+len(set.Texts) == 0 {
		return nil, nil, script.Errorf(script.CodeUsage, "no value was given for %s", target)
	}
	if len(set.Texts) == 0 {
		return set.Values, nil, nil
	}
	one, _ := a.Registry.Script(target)
	values := make(map[string]script.Value, len(set.Values)+len(set.Texts))
	maps.Copy(values, set.Values)
	reply := script.BatchReply{Revision: one.Revision}
	for _, name := range slices.Sorted(maps.Keys(set.Texts)) {
		t, now, known := typeOf(kind, one, name)
		if !known { // the script may yet declare it; else the set is refused, with a suggestion
			t = script.TypeAny
		}
		v, err := ParseText(t, set.Texts[name])
		if err != nil {
			reply.Outcomes = append(reply.Outcomes, script.Outcome{
				Name: name, Status: script.Rejected, Old: now, Value: now, Step: -1, Reason: err.Error(),
			})
			continue
		}
		values[name] = v
	}
	if len(reply.Outcomes) > 0 {
		return nil, &reply, rejection(target, reply)
	}
	return values, nil, nil
}

// typeOf returns the type of a parameter or variable, and its value now.
func typeOf(kind script.MessageKind, one registry.Script, name string) (t script.Type, now script.Value, known bool) {
	if kind == script.SetVariable {
		v, ok := one.Variable(name)
		return v.Type, v.Value, ok
	}
	p, ok := one.Parameter(name)
	return p.Spec.Type, p.Value, ok
}

// ParseText reads what a person wrote for a value of type t. For a string it
// is taken as it stands. Otherwise JSON is read as JSON and anything else is
// a string, which the type then takes or refuses.
func ParseText(t script.Type, text string) (script.Value, error) {
	if t == script.TypeString || !json.Valid([]byte(text)) {
		return script.String(text), nil
	}
	return script.ParseJSON([]byte(text))
}
