package sdk_test

import (
	"context"
	"errors"
	"testing"

	"github.com/mlhost/mlhost/shared/script"
	"github.com/mlhost/mlhost/shared/sdk"
	"github.com/mlhost/mlhost/shared/wire"
)

// BenchmarkSamples is one script that sets a variable in a tight loop, in a
// process of its own, up to the host's Events call.
func BenchmarkSamples(b *testing.B) {
	p := startPlugin(b, "tight")
	client, leave := p.connect()
	defer leave()
	b.ResetTimer()
	err := client.Start(b.Context(), wire.StartRequest{
		Run: "r1", Script: "s", RunDir: p.runDir, Parameters: map[string]script.Value{"n": script.Int(int64(b.N))},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	got := 0
	err = client.Events(b.Context(), 0, func(events []script.Event) error {
		for _, e := range events {
			if s, ok := e.Body.(script.Samples); ok {
				got += len(s.Samples)
			}
		}
		return nil
	})
	if err != nil || got != b.N {
		b.Fatalf("%d samples of %d, %v", got, b.N, err)
	}
	b.ReportMetric(float64(got)/b.Elapsed().Seconds(), "samples/s")
}

// BenchmarkSet is what setting a variable costs the script.
func BenchmarkSet(b *testing.B) {
	done := make(chan struct{})
	s := &fake{run: func(_ context.Context, s *sdk.Session) error {
		defer close(done)
		b.ResetTimer()
		for i := range b.N {
			s.Set("loss", float64(i))
		}
		b.StopTimer()
		return nil
	}}
	p, err := sdk.NewPlugin(s)
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close(false)
	ctx, cancel := context.WithCancel(b.Context())
	heard := make(chan error, 1)
	go func() {
		heard <- p.Events(ctx, 0, func([]script.Event) error { return nil })
	}()
	if err := p.Start(b.Context(), wire.StartRequest{Run: "r"}); err != nil {
		b.Fatal(err)
	}
	<-done
	cancel()
	if err := <-heard; err != nil && !errors.Is(err, context.Canceled) {
		b.Fatal(err)
	}
}
