package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

func (a *app) setVerb() *cobra.Command {
	var set v1.Set
	var atStep int64
	var from string
	cmd := &cobra.Command{
		Use:   "set SCRIPT NAME=VALUE…",
		Short: "Change parameters of a script, all of them or none",
		Long: strings.TrimSpace(`
Change parameters of a script, all of them or none, and tell what really
happened to each: applied, pending until a boundary, needs_restart (kept for
the next run), or rejected, with the reason.

A value is read by the type of its parameter: for a string it is taken as it
stands, otherwise as JSON (0.01, true, [1, 2], {"a": 1}).`),
		Example:           "mlhost set trainer learning_rate=0.01 batch_size=64\nmlhost set trainer learning_rate=0.01 --take\nmlhost set trainer --from values.json",
		Args:              args(1, -1, "a script and NAME=VALUE"),
		ValidArgsFunction: a.completeSet,
	}
	flags := cmd.Flags()
	flags.BoolVar(&set.Take, "take", false, "take the parameters over from the route that owns them")
	flags.Int64Var(&atStep, "at-step", 0, "change them when the script reaches this step")
	flags.StringVar(&from, "from", "", "a JSON file {NAME: VALUE}, - for stdin")
	return a.do(cmd, func(ctx context.Context, got []string) error {
		if flags.Changed("at-step") {
			set.AtStep = &atStep
		}
		if err := a.readSet(&set, got[1:], from); err != nil {
			return err
		}
		return a.withHost(func(c *client.Client) error {
			return a.sendSet(got[0], func() (v1.Outcomes, error) { return c.Set(ctx, got[0], set) })
		})
	})
}

// readSet reads the values of a set from arguments and a file.
func (a *app) readSet(set *v1.Set, pairs []string, from string) error {
	texts, err := parsePairs(pairs)
	if err != nil {
		return err
	}
	set.Texts = texts
	if from != "" {
		if set.Values, err = a.readValues(from); err != nil {
			return err
		}
	}
	for name := range set.Texts {
		if _, both := set.Values[name]; both {
			return script.Errorf(script.CodeUsage, "%s has two values, one on the command line and one in %s", name, from)
		}
	}
	if len(set.Texts)+len(set.Values) == 0 {
		return script.Errorf(script.CodeUsage, "nothing to set: NAME=VALUE is missing").
			WithHint("for example `mlhost set trainer learning_rate=0.01`")
	}
	return nil
}

// parsePairs splits NAME=VALUE at the first "=".
func parsePairs(pairs []string) (map[string]string, error) {
	out := make(map[string]string, len(pairs))
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, script.Errorf(script.CodeUsage, "%q is not NAME=VALUE", clip(pair, 60))
		}
		if _, twice := out[name]; twice {
			return nil, script.Errorf(script.CodeUsage, "%s has two values", name)
		}
		out[name] = value
	}
	return out, nil
}

// maxFile bounds what --from reads; the host takes less.
const maxFile = 64 << 20

func (a *app) readValues(path string) (map[string]script.Value, error) {
	in := io.Reader(a.stdin)
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, script.Errorf(script.CodeUsage, "read values: %v", err)
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxFile))
	if err != nil {
		return nil, script.Errorf(script.CodeUsage, "read values: %v", err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, script.Errorf(script.CodeUsage, "%s is not a JSON object {NAME: VALUE}: %v", path, err)
	}
	values := make(map[string]script.Value, len(raw))
	for name, one := range raw {
		v, err := script.ParseJSON(one)
		if err != nil {
			return nil, script.Errorf(script.CodeRejected, "%s: %v", name, err)
		}
		values[name] = v
	}
	return values, nil
}

// sendSet makes a set and tells what became of each value. A refused one too
// has its outcomes on stdout.
func (a *app) sendSet(name string, send func() (v1.Outcomes, error)) error {
	var out v1.Outcomes
	err := a.waiting(name, func() (err error) {
		out, err = send()
		return err
	})
	if rejected, ok := errors.AsType[*client.RejectedError](err); ok {
		out = rejected.Outcomes
	} else if err != nil {
		return err
	}
	return errors.Join(err, a.print(out, func(w io.Writer) error { return writeOutcomes(w, out) }))
}

func writeOutcomes(w io.Writer, out v1.Outcomes) error {
	for _, o := range out.Outcomes {
		line := fmt.Sprintf("%s.%s ", out.Script, o.Name)
		switch o.Status {
		case script.Applied:
			line += fmt.Sprintf("= %s (was %s)", shortValue(o.Value, 60), shortValue(o.Old, 60))
			if o.Step != nil {
				line += fmt.Sprintf(" at step %d", *o.Step)
			}
		case script.Pending:
			line += fmt.Sprintf("→ %s, pending (is %s)", shortValue(o.Value, 60), shortValue(o.Old, 60))
		case script.NeedsRestart:
			line += fmt.Sprintf("→ %s in the next run (is %s)", shortValue(o.Value, 60), shortValue(o.Old, 60))
		default:
			line += fmt.Sprintf("stays %s", shortValue(o.Old, 60))
		}
		if o.Reason != "" {
			line += ": " + o.Reason
		}
		if _, err := fmt.Fprintln(w, escapeLine(line)); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) releaseVerb() *cobra.Command {
	return a.do(&cobra.Command{
		Use:               "release SCRIPT NAME",
		Short:             "Give a parameter that you took back to the route that moves it, or to the script",
		Args:              args(2, 2, "a script and a parameter"),
		ValidArgsFunction: a.completeOwned,
	}, func(ctx context.Context, got []string) error {
		return a.withHost(func(c *client.Client) error {
			if err := c.Release(ctx, got[0], got[1]); err != nil {
				return err
			}
			out, err := c.Parameters(ctx, got[0])
			if err != nil {
				return err
			}
			if out.Parameters, err = only(out.Parameters, got[0], got[1]); err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) error {
				owner := out.Parameters[0].Owner
				if owner == "" {
					owner = "the script alone"
				}
				_, err := fmt.Fprintf(w, "%s.%s is moved by %s now\n", got[0], got[1], escapeLine(owner))
				return err
			})
		})
	})
}

func (a *app) varsVerb() *cobra.Command {
	return a.do(&cobra.Command{
		Use:               "vars SCRIPT [NAME=VALUE…]",
		Short:             "Show the variables of a script, or set writable ones",
		Example:           "mlhost vars trainer\nmlhost vars trainer snapshot_now=true",
		Args:              args(1, -1, "a script"),
		ValidArgsFunction: a.completeVars,
	}, func(ctx context.Context, got []string) error {
		if len(got) > 1 {
			texts, err := parsePairs(got[1:])
			if err != nil {
				return err
			}
			return a.withHost(func(c *client.Client) error {
				return a.sendSet(got[0], func() (v1.Outcomes, error) { return c.SetVariables(ctx, got[0], v1.Set{Texts: texts}) })
			})
		}
		return a.withRecord(ctx, func(c *client.Client) error {
			out, err := c.Variables(ctx, got[0])
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) error {
				if len(out.Variables) == 0 {
					a.note("%s has reported no variables", out.Script)
				}
				t := table{header: []string{"VARIABLE", "VALUE", "TYPE", "STEP", "TIME", "WRITABLE"}}
				for _, v := range out.Variables {
					when, writable := "-", "yes"
					if v.Time != nil {
						when = clock(*v.Time)
					}
					if v.ReadOnly {
						writable = "no"
					}
					t.add(v.Name, shortValue(v.Value, 60), string(v.Type), stepText(v.Step), when, writable)
				}
				return t.write(w)
			})
		})
	})
}
