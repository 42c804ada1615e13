package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	v1 "github.com/mlhost/mlhost/host/api/v1"
)

// knocking runs a command while both ports of the host are asked all the time,
// each time over a connection of its own, and tests that everybody was answered
// and that the ports have stayed what they were:
//
//	knocking COMMAND ARGS…
func knocking(ts *testscript.TestScript, _ bool, args []string) {
	var before, after v1.Listen
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("state/lab/listen.json")), &before))
	knocks := map[string]func() error{
		"status":  func() error { return askStatus(before.Connector) },
		"operate": func() error { return askStatus(before.HTTP) },
		"healthz": func() error { return askHealth(before.HTTP) },
	}
	ctx, cancel := context.WithCancel(context.Background())
	var mu sync.Mutex
	counts, failures := map[string]int{}, map[string]error{}
	count := func(name string) int { mu.Lock(); defer mu.Unlock(); return counts[name] }
	var all sync.WaitGroup
	for name, knock := range knocks {
		all.Go(func() {
			for ctx.Err() == nil {
				err := knock()
				mu.Lock()
				if counts[name]++; err != nil {
					failures[name] = fmt.Errorf("%s, time %d: %w", name, counts[name], err)
				}
				mu.Unlock()
			}
		})
	}
	more := func() {
		for name := range knocks {
			for from := count(name); count(name) < from+5; {
				time.Sleep(time.Millisecond) // between two looks
			}
		}
	}
	more()
	err := ts.Exec(args[0], args[1:]...)
	more()
	cancel()
	all.Wait()
	ts.Check(err)
	for _, err := range failures {
		ts.Check(err)
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("state/lab/listen.json")), &after))
	if after != before {
		ts.Fatalf("ports %+v, before %+v", after, before)
	}
}

func askStatus(address string) error {
	conn, err := net.DialTimeout("tcp", address, 20*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, `{"command": "status"}`); err != nil {
		return err
	}
	var answer map[string]any
	if err := json.NewDecoder(conn).Decode(&answer); err != nil {
		return err
	}
	if answer["status"] != "active" {
		return fmt.Errorf("the answer is %v", answer)
	}
	return nil
}

func askHealth(address string) error {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	resp, err := client.Get("http://" + address + "/healthz")
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err == nil && resp.StatusCode != http.StatusNoContent {
		err = errors.New(resp.Status)
	}
	return err
}
