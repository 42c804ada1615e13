package byhand

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/structpb"
)

// servePong returns every message of its link.
func servePong(ctx context.Context, socket string) error {
	h := &handlers{link: func(stream grpc.BidiStreamingServer[message, message]) error {
		for {
			m, err := stream.Recv()
			if err != nil {
				return ended(err)
			}
			if err := stream.Send(m); err != nil {
				return err
			}
		}
	}}
	return h.serve(ctx, socket)
}

// serveAsk sends n messages on its link, each after the answer to the one
// before, and prints the round trips' nanoseconds as a JSON list.
func serveAsk(ctx context.Context, socket string, n int) error {
	ctx, done := context.WithCancel(ctx)
	defer done()
	h := &handlers{link: func(stream grpc.BidiStreamingServer[message, message]) error {
		defer done()
		took := make([]int64, n)
		for i := range took {
			question := &message{Fields: map[string]*structpb.Value{"n": structpb.NewNumberValue(float64(i))}}
			start := time.Now()
			if err := stream.Send(question); err != nil {
				return err
			}
			if _, err := stream.Recv(); err != nil {
				return err
			}
			took[i] = time.Since(start).Nanoseconds()
		}
		return json.NewEncoder(os.Stdout).Encode(took)
	}}
	return h.serve(ctx, socket)
}

// relay passes the messages of one link to another and the answers back.
func relay(ctx context.Context, from, to string) error {
	var links [2]grpc.BidiStreamingClient[message, message]
	for i, socket := range []string{to, from} { // the asker starts when its link opens
		conn, err := dial(socket)
		if err != nil {
			return err
		}
		defer conn.Close()
		if links[i], err = openLink(ctx, conn); err != nil {
			return err
		}
	}
	for {
		for i := range links {
			m, err := links[1-i].Recv()
			if err != nil {
				return ended(err)
			}
			if err := links[i].Send(m); err != nil {
				return ended(err)
			}
		}
	}
}

// ended is nil for the end of a stream, which is how these parts stop.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
