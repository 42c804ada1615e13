package client

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// Host tells which host answers.
func (c *Client) Host(ctx context.Context) (v1.Host, error) {
	var out v1.Host
	return out, c.call(ctx, DefaultTimeout, http.MethodGet, "/api/v1/host", nil, &out)
}

// LoginCode makes a link to the host's page that is good once.
func (c *Client) LoginCode(ctx context.Context) (v1.LoginCode, error) {
	var out v1.LoginCode
	return out, c.call(ctx, DefaultTimeout, http.MethodPost, "/api/v1/login/code", nil, &out)
}

// Backup writes a backup of the host to w.
func (c *Client) Backup(ctx context.Context, w io.Writer) (int64, error) {
	response, err := c.send(ctx, http.MethodGet, "/api/v1/backup", nil, nil)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	n, err := io.Copy(w, response.Body)
	if err != nil {
		err = fmt.Errorf("copy backup: %w", err)
	}
	return n, err
}

// Compare puts runs side by side.
func (c *Client) Compare(ctx context.Context, runs []string) (v1.Comparison, error) {
	var out v1.Comparison
	return out, c.call(ctx, DefaultTimeout, http.MethodGet, "/api/v1/compare?"+url.Values{"run": runs}.Encode(), nil, &out)
}

// Findings tells what the host has found out about its configuration.
func (c *Client) Findings(ctx context.Context) (v1.Checks, error) {
	var out v1.Checks
	return out, c.call(ctx, DefaultTimeout, http.MethodGet, "/api/v1/findings", nil, &out)
}

// Scripts lists every script with its state.
func (c *Client) Scripts(ctx context.Context) (v1.Scripts, error) {
	var out v1.Scripts
	return out, c.call(ctx, DefaultTimeout, http.MethodGet, "/api/v1/scripts", nil, &out)
}

// Script returns one script's state.
func (c *Client) Script(ctx context.Context, name string) (v1.Script, error) {
	var out v1.Script
	return out, c.call(ctx, DefaultTimeout, http.MethodGet, scriptPath(name, ""), nil, &out)
}

// Parameters returns the parameters of a script.
func (c *Client) Parameters(ctx context.Context, name string) (v1.Parameters, error) {
	var out v1.Parameters
	return out, c.call(ctx, DefaultTimeout, http.MethodGet, scriptPath(name, "/parameters"), nil, &out)
}

// Set changes parameters, all of them or none. Where a value is rejected the
// error is a *RejectedError.
func (c *Client) Set(ctx context.Context, name string, set v1.Set) (v1.Outcomes, error) {
	var out v1.Outcomes
	return out, c.call(ctx, maxAct, http.MethodPatch, scriptPath(name, "/parameters"), set, &out)
}

// Release takes a parameter from whoever owns it.
func (c *Client) Release(ctx context.Context, name, parameter string) error {
	path := scriptPath(name, "/parameters/"+url.PathEscape(parameter)+"/owner")
	return c.call(ctx, DefaultTimeout, http.MethodDelete, path, nil, nil)
}

// Variables returns the current values of a script's variables.
func (c *Client) Variables(ctx context.Context, name string) (v1.Variables, error) {
	var out v1.Variables
	return out, c.call(ctx, DefaultTimeout, http.MethodGet, scriptPath(name, "/variables"), nil, &out)
}

// SetVariables changes writable variables, all of them or none.
func (c *Client) SetVariables(ctx context.Context, name string, set v1.Set) (v1.Outcomes, error) {
	var out v1.Outcomes
	return out, c.call(ctx, maxAct, http.MethodPatch, scriptPath(name, "/variables"), set, &out)
}

// Results returns the results of a script's last run.
func (c *Client) Results(ctx context.Context, name string) (v1.Results, error) {
	var out v1.Results
	return out, c.call(ctx, DefaultTimeout, http.MethodGet, scriptPath(name, "/results"), nil, &out)
}

// Act starts, stops, pauses, resumes or restarts a script, and answers when
// it has happened.
func (c *Client) Act(ctx context.Context, name, verb string) (v1.Acted, error) {
	var out v1.Acted
	return out, c.call(ctx, maxAct, http.MethodPost, scriptPath(name, "/"+verb), struct{}{}, &out)
}

// Start starts a script; withConnector tells one of the original Python API by
// its argument that it is connected.
func (c *Client) Start(ctx context.Context, name string, withConnector bool) (v1.Acted, error) {
	path := scriptPath(name, "/start")
	if withConnector {
		path += "?with_connector=true"
	}
	var out v1.Acted
	return out, c.call(ctx, maxAct, http.MethodPost, path, struct{}{}, &out)
}

// ReloadScript lets a script run with its program as it is now; with now, a run that
// cannot be handed over is ended and a new one started.
func (c *Client) ReloadScript(ctx context.Context, name string, now bool) (v1.Acted, error) {
	path := scriptPath(name, "/reload")
	if now {
		path += "?now=true"
	}
	var out v1.Acted
	return out, c.call(ctx, maxAct, http.MethodPost, path, struct{}{}, &out)
}

// Ask asks a script and waits for its reply.
func (c *Client) Ask(ctx context.Context, name string, ask v1.Ask) (v1.Reply, error) {
	limit := DefaultTimeout + 5*time.Second
	if ask.Timeout > 0 {
		limit = time.Duration(ask.Timeout*float64(time.Second)) + 5*time.Second
	}
	var out v1.Reply
	return out, c.call(ctx, limit, http.MethodPost, scriptPath(name, "/ask"), ask, &out)
}

// Tell puts a message into a script's mailbox.
func (c *Client) Tell(ctx context.Context, name string, tell v1.Tell) (v1.Told, error) {
	var out v1.Told
	return out, c.call(ctx, DefaultTimeout, http.MethodPost, scriptPath(name, "/tell"), tell, &out)
}

// Broadcast sends a message to every script that lives.
func (c *Client) Broadcast(ctx context.Context, tell v1.Tell) (v1.Broadcast, error) {
	var out v1.Broadcast
	return out, c.call(ctx, DefaultTimeout, http.MethodPost, "/api/v1/broadcast", tell, &out)
}

// Mailbox lists what waits for a script.
func (c *Client) Mailbox(ctx context.Context, name string) (v1.Mailbox, error) {
	var out v1.Mailbox
	return out, c.call(ctx, DefaultTimeout, http.MethodGet, scriptPath(name, "/mailbox"), nil, &out)
}

// RunFilter chooses runs; zero fields choose all.
type RunFilter struct {
	Script string       // of this script; "": of any
	State  script.State // in this state; "": in any
	Limit  int          // at most so many; 0: all
}

// Runs lists runs, the newest first.
func (c *Client) Runs(ctx context.Context, f RunFilter) (v1.Runs, error) {
	q := url.Values{}
	setIf(q, "script", f.Script)
	setIf(q, "state", string(f.State))
	if f.Limit > 0 {
		q.Set("limit", strconv.Itoa(f.Limit))
	}
	var out v1.Runs
	return out, c.call(ctx, DefaultTimeout, http.MethodGet, "/api/v1/runs?"+q.Encode(), nil, &out)
}

// Run returns everything about one run; id may be a unique beginning. The
// samples of the named series come along.
func (c *Client) Run(ctx context.Context, id string, samples ...string) (v1.RunDetail, error) {
	q := url.Values{"samples": samples}
	var out v1.RunDetail
	return out, c.call(ctx, maxAct, http.MethodGet, "/api/v1/runs/"+url.PathEscape(id)+"?"+q.Encode(), nil, &out)
}

// RunText returns a text that is kept of a run: script.TextSource or
// script.TextDiff.
func (c *Client) RunText(ctx context.Context, id, name string) (v1.RunText, error) {
	var out v1.RunText
	return out, c.call(ctx, maxAct, http.MethodGet, "/api/v1/runs/"+url.PathEscape(id)+"/texts/"+url.PathEscape(name), nil, &out)
}

// Samples returns a page of the samples of a series: at most limit of them,
// behind the first after.
func (c *Client) Samples(ctx context.Context, id, name string, after int64, limit int) (v1.Samples, error) {
	q := url.Values{"name": {name}, "after": {strconv.FormatInt(after, 10)}, "limit": {strconv.Itoa(limit)}}
	var out v1.Samples
	return out, c.call(ctx, maxAct, http.MethodGet, "/api/v1/runs/"+url.PathEscape(id)+"/samples?"+q.Encode(), nil, &out)
}

// Scan lets the host look for scripts again.
func (c *Client) Scan(ctx context.Context) (v1.Scanned, error) {
	var out v1.Scanned
	return out, c.call(ctx, maxAct, http.MethodPost, "/api/v1/scan", struct{}{}, &out)
}

// Down stops every script and ends the host; it returns when no script is
// left. The host itself ends right after.
func (c *Client) Down(ctx context.Context, hurry bool) error {
	path := "/api/v1/down"
	if hurry {
		path += "?hurry=true"
	}
	return c.call(ctx, maxAct, http.MethodPost, path, struct{}{}, nil)
}

func scriptPath(name, rest string) string {
	return "/api/v1/scripts/" + url.PathEscape(name) + rest
}

func setIf(q url.Values, key, value string) {
	if value != "" {
		q.Set(key, value)
	}
}

// Plan tells what carrying out a configuration would do: to, or, where it is
// nil, the host's own as its files are now.
func (c *Client) Plan(ctx context.Context, to *v1.Outline) (v1.Plan, error) {
	var out v1.Plan
	if to == nil {
		return out, c.call(ctx, DefaultTimeout, http.MethodGet, "/api/v1/plan", nil, &out)
	}
	return out, c.call(ctx, DefaultTimeout, http.MethodPost, "/api/v1/plan", to, &out)
}

// Reload carries out the configuration as its files are now, and returns what
// was done.
func (c *Client) Reload(ctx context.Context) (v1.Plan, error) {
	var out v1.Plan
	return out, c.call(ctx, maxAct, http.MethodPost, "/api/v1/reload", struct{}{}, &out)
}

// Upgrade lets the mlhost at path carry on in the host's process. The host is
// about to do so when Upgrade returns.
func (c *Client) Upgrade(ctx context.Context, path string) (v1.Upgraded, error) {
	var out v1.Upgraded
	return out, c.call(ctx, maxAct, http.MethodPost, "/api/v1/upgrade", v1.Upgrade{Path: path}, &out)
}

// Chart returns a series in at most so many points.
func (c *Client) Chart(ctx context.Context, id, name string, points int) (v1.Chart, error) {
	path := "/api/v1/runs/" + url.PathEscape(id) + "/chart/" + url.PathEscape(name) + "?points=" + strconv.Itoa(points)
	var out v1.Chart
	return out, c.call(ctx, DefaultTimeout, http.MethodGet, path, nil, &out)
}

// Overview lists every script with its state and at most so many of its
// variables, those that are worth a look first.
func (c *Client) Overview(ctx context.Context, variables int) (v1.Overview, error) {
	var out v1.Overview
	return out, c.call(ctx, DefaultTimeout, http.MethodGet, "/api/v1/overview?variables="+strconv.Itoa(variables), nil, &out)
}

// Routes tells what moves parameters and messages.
func (c *Client) Routes(ctx context.Context) (v1.Routes, error) {
	var out v1.Routes
	return out, c.call(ctx, DefaultTimeout, http.MethodGet, "/api/v1/routes", nil, &out)
}

// Topics tells what scripts can be asked and told, and what has been.
func (c *Client) Topics(ctx context.Context) (v1.Topics, error) {
	var out v1.Topics
	return out, c.call(ctx, DefaultTimeout, http.MethodGet, "/api/v1/topics", nil, &out)
}
