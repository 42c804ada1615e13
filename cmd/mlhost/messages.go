package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// parseData reads the data of a message: JSON, or a bare string.
func parseData(got []string, at int) (script.Value, error) {
	if len(got) <= at {
		return script.Null(), nil
	}
	if !json.Valid([]byte(got[at])) {
		if s := strings.TrimSpace(got[at]); s != "" && strings.ContainsRune(`{["`, rune(s[0])) {
			return script.Null(), script.Errorf(script.CodeUsage, "the data %s is not valid JSON", clip(s, 60))
		}
		return script.String(got[at]), nil
	}
	v, err := script.ParseJSON([]byte(got[at]))
	if err != nil {
		return v, script.Errorf(script.CodeRejected, "%v", err)
	}
	return v, nil
}

func (a *app) callVerb() *cobra.Command {
	var timeout float64
	cmd := &cobra.Command{
		Use:               "call SCRIPT TOPIC [JSON]",
		Short:             "Ask a script and wait for its reply",
		Example:           `mlhost call evaluator score '{"checkpoint": "best.pt"}'`,
		Args:              args(2, 3, "a script, a topic and perhaps data"),
		ValidArgsFunction: a.completeTopics(true),
	}
	cmd.Flags().Float64Var(&timeout, "timeout", 30, "seconds to wait for the reply")
	return a.do(cmd, func(ctx context.Context, got []string) error {
		data, err := parseData(got, 2)
		if err != nil {
			return err
		}
		if timeout <= 0 {
			return script.Errorf(script.CodeUsage, "--timeout %v: a number of seconds above 0 is needed", timeout)
		}
		return a.withHost(func(c *client.Client) error {
			var out v1.Reply
			if err := a.waiting(got[0], func() (err error) {
				out, err = c.Ask(ctx, got[0], v1.Ask{Topic: got[1], Data: data, Timeout: timeout})
				return err
			}); err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) error {
				_, err := fmt.Fprintln(w, escapeText(out.Reply.String()))
				return err
			})
		})
	})
}

func (a *app) tellVerb() *cobra.Command {
	return a.do(&cobra.Command{
		Use:               "tell SCRIPT TOPIC [JSON]",
		Short:             "Put a message into a script's mailbox",
		Long:              "Put a message into a script's mailbox. It is kept until the script has taken\nit, even if the host or the script goes down before.",
		Example:           `mlhost tell trainer checkpoint`,
		Args:              args(2, 3, "a script, a topic and perhaps data"),
		ValidArgsFunction: a.completeTopics(false),
	}, func(ctx context.Context, got []string) error {
		data, err := parseData(got, 2)
		if err != nil {
			return err
		}
		return a.withHost(func(c *client.Client) error {
			out, err := c.Tell(ctx, got[0], v1.Tell{Topic: got[1], Data: data})
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "kept for %s (message %s)\n", escapeLine(got[0]), out.ID)
				return err
			})
		})
	})
}

func (a *app) broadcastVerb() *cobra.Command {
	return a.do(&cobra.Command{
		Use:   "broadcast TOPIC [JSON]",
		Short: "Send a message to every script that lives",
		Args:  args(1, 2, "a topic and perhaps data"),
		ValidArgsFunction: func(_ *cobra.Command, got []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(got) > 0 {
				return nil, noFiles
			}
			return a.topics("", false), noFiles
		},
	}, func(ctx context.Context, got []string) error {
		data, err := parseData(got, 1)
		if err != nil {
			return err
		}
		return a.withHost(func(c *client.Client) error {
			out, err := c.Broadcast(ctx, v1.Tell{Topic: got[0], Data: data})
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) error {
				to := strings.Join(out.Recipients, ", ")
				if to == "" {
					to = "nobody: no script runs"
				}
				_, err := fmt.Fprintf(w, "sent to %s\n", escapeLine(to))
				return err
			})
		})
	})
}

func (a *app) mailboxVerb() *cobra.Command {
	return a.do(&cobra.Command{
		Use:               "mailbox SCRIPT",
		Short:             "List the messages that wait for a script",
		Args:              args(1, 1, "a script"),
		ValidArgsFunction: a.completeScripts,
	}, func(ctx context.Context, got []string) error {
		return a.withRecord(ctx, func(c *client.Client) error {
			out, err := c.Mailbox(ctx, got[0])
			if err != nil {
				return err
			}
			return a.print(out, func(w io.Writer) error {
				if len(out.Messages) == 0 {
					a.note("nothing waits for %s", escapeLine(out.Script))
				}
				t := table{header: []string{"TIME", "FROM", "TOPIC", "DATA", "ID"}}
				for _, m := range out.Messages {
					t.add(clock(m.Time), m.Source, m.Topic, shortValue(m.Data, 60), m.ID)
				}
				return t.write(w)
			})
		})
	})
}
