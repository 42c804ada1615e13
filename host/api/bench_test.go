package api_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/mlhost/mlhost/host/api"
	"github.com/mlhost/mlhost/host/api/client"
	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/host/registry"
	"github.com/mlhost/mlhost/shared/script"
)

// BenchmarkSet measures what the API itself adds to a set: the doors behind
// it do nothing. "bare" is the least that HTTP on a unix socket costs.
func BenchmarkSet(b *testing.B) {
	r := registry.New()
	r.Define("trainer", registry.Info{Managed: true, Description: &trainer})
	reply := script.Reply{Batch: &script.BatchReply{Revision: 2, Outcomes: []script.Outcome{
		{Name: "lr", Status: script.Applied, Old: script.Float(0.2), Value: script.Float(0.01), Step: 8},
	}}}
	a := api.New(api.Options{Registry: r, Send: func(context.Context, script.Message) (script.Reply, error) { return reply, nil }})
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var set v1.Set
		if err := json.NewDecoder(r.Body).Decode(&set); err != nil {
			b.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"script":"trainer","revision":2,"outcomes":[{"name":"lr","status":"applied","old":0.2,"value":0.01,"step":8,"reason":""}]}`)
	})
	for name, handler := range map[string]http.Handler{"api": a.Handler(), "bare": bare} {
		b.Run(name, func(b *testing.B) {
			l, err := net.Listen("unix", filepath.Join(b.TempDir(), "s"))
			if err != nil {
				b.Fatal(err)
			}
			server := &http.Server{Handler: handler}
			go func() { _ = server.Serve(l) }()
			defer server.Close()
			c := client.New(l.Addr().String())
			defer c.Close()
			set := v1.Set{Values: map[string]script.Value{"lr": script.Float(0.01)}}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Set(b.Context(), "trainer", set); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
