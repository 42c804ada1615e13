package byhand

import (
	"context"
	"encoding/json"
	"os"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/structpb"
)

// serveBroadcast waits for as many clients as listeners says, sends each
// every message, and prints the seconds from the first message until the last
// client had the last one.
func serveBroadcast(ctx context.Context, socket, listeners, messages string) error {
	clients, err := strconv.Atoi(listeners)
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(messages)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var (
		here, received sync.WaitGroup
		start          = make(chan struct{})
		queues         = make(chan chan *message, clients)
	)
	here.Add(clients)
	received.Add(clients)
	h := &handlers{
		graceful: true,
		set: func(context.Context, *message) (*message, error) {
			received.Done()
			return new(message), nil
		},
		subscribe: func(_ *message, stream grpc.ServerStreamingServer[message]) error {
			queue := make(chan *message, 64)
			queues <- queue
			here.Done()
			<-start
			for m := range queue {
				if err := stream.Send(m); err != nil {
					return err
				}
			}
			return nil
		},
	}
	served := make(chan error, 1)
	go func() { served <- h.serve(ctx, socket) }()
	here.Wait()
	began := time.Now()
	close(start)
	all := make([]chan *message, clients)
	for i := range all {
		all[i] = <-queues
	}
	for i := range count {
		m := &message{Fields: map[string]*structpb.Value{"n": structpb.NewNumberValue(float64(i))}}
		for _, queue := range all {
			queue <- m
		}
	}
	for _, queue := range all {
		close(queue)
	}
	received.Wait()
	if err := json.NewEncoder(os.Stdout).Encode(time.Since(began).Seconds()); err != nil {
		return err
	}
	stop()
	return ended(<-served)
}

// listen takes n messages and says that it has them.
func listen(ctx context.Context, socket string, n int) error {
	conn, err := dial(socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	stream, err := subscribe(ctx, conn)
	if err != nil {
		return err
	}
	for range n {
		if _, err := stream.Recv(); err != nil {
			return err
		}
	}
	_, err = set(ctx, conn, new(message))
	return err
}
