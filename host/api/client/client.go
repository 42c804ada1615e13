// Package client is the host's API from Go: what the command line uses, and
// any other program on the same machine may.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"time"

	v1 "github.com/mlhost/mlhost/host/api/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// DefaultTimeout bounds a call whose context has no deadline and that does
// not wait for a script.
const DefaultTimeout = 30 * time.Second

// maxAct bounds the verbs that wait for a script to start or to end.
const maxAct = 15 * time.Minute

// Client talks to one host. It is safe for concurrent use.
type Client struct {
	http  *http.Client
	base  string
	token string // "": the host knows us by other means
}

// New returns a client of the host that listens on a unix socket.
func New(socket string) *Client {
	var dialer net.Dialer
	return &Client{
		base: "http://mlhost",
		http: &http.Client{Transport: &http.Transport{
			DisableCompression:  true,
			MaxIdleConnsPerHost: 16,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				conn, err := dialer.DialContext(ctx, "unix", socket)
				if err != nil {
					return nil, &dialError{err}
				}
				return conn, nil
			},
		}},
	}
}

// NewLocal returns a client of a handler in this process.
func NewLocal(h http.Handler) *Client {
	return &Client{base: "http://mlhost", http: &http.Client{Transport: handlerTransport{h}}}
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// dialError marks what failed before anything was sent.
type dialError struct{ err error }

func (e *dialError) Error() string { return e.err.Error() }
func (e *dialError) Unwrap() error { return e.err }

// call makes one request and decodes its answer into out, which may be nil.
func (c *Client) call(ctx context.Context, limit time.Duration, method, path string, in, out any) error {
	if _, ok := ctx.Deadline(); !ok && limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	response, err := c.send(ctx, method, path, in, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body) // to its end, so that the connection can be used again
	if err == nil && out != nil {
		err = json.Unmarshal(data, out)
	}
	if err != nil {
		return transportError(ctx, fmt.Errorf("read answer: %w", err))
	}
	return nil
}

// send makes one request. An answer that is no success becomes its error.
func (c *Client) send(ctx context.Context, method, path string, in any, header http.Header) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("write request: %w", err)
		}
		if len(data) >= maxBody {
			return nil, script.Errorf(script.CodeRejected, "the request has %d bytes, more than the 1 MiB that one may have", len(data))
		}
		body = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, script.Errorf(script.CodeUsage, "%v", err)
	}
	maps.Copy(request.Header, header)
	if in != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(request)
	if err != nil {
		if c.token != "" {
			err = remoteError(c.base, err)
		}
		return nil, transportError(ctx, err)
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		defer response.Body.Close()
		return nil, readProblem(response)
	}
	return response, nil
}

// maxBody is the host's own limit: a larger request need not be sent.
const maxBody = 1 << 20

func readProblem(response *http.Response) error {
	data, err := io.ReadAll(io.LimitReader(response.Body, 8<<20))
	if err != nil {
		return fmt.Errorf("read error answer: %w", err)
	}
	var p v1.Problem
	if err := json.Unmarshal(data, &p); err != nil || p.Code == "" {
		if response.StatusCode == http.StatusBadRequest && bytes.Contains(data, []byte("HTTP request to an HTTPS server")) {
			at := response.Request.URL.Host
			return script.Errorf(script.CodeHostDown, "the host at %s speaks TLS, and http:// does not", at).WithHint("use --host https://%s", at)
		}
		return script.Errorf(script.CodeInternal, "the host answered %s", response.Status)
	}
	if p.Rejected != nil {
		return &RejectedError{Outcomes: *p.Rejected, Err: p.Err()}
	}
	return p.Err()
}

// RejectedError is a set of which nothing was done; Outcomes tells why.
type RejectedError struct {
	Outcomes v1.Outcomes
	Err      *script.Error
}

// Error returns the reason.
func (e *RejectedError) Error() string { return e.Err.Error() }

// Unwrap returns the error without the outcomes.
func (e *RejectedError) Unwrap() error { return e.Err }

// transportError says in words what went wrong between us and the host.
func transportError(ctx context.Context, err error) error {
	if _, ok := errors.AsType[*dialError](err); ok && ctx.Err() == nil {
		return script.Errorf(script.CodeHostDown, "no host is running").
			WithHint("start one with `mlhost run CONFIG`")
	}
	if known, ok := errors.AsType[*script.Error](err); ok && ctx.Err() == nil {
		return known
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return script.Errorf(script.CodeDeadline, "the host did not answer in time")
	case ctx.Err() != nil:
		return ctx.Err()
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return script.Errorf(script.CodeHostDown, "the host ended before it had answered; what became of the request is not known").
		WithHint("%v", err)
}

// handlerTransport serves requests by a handler in the same process.
type handlerTransport struct{ handler http.Handler }

// RoundTrip runs the handler and returns its answer as soon as the header
// stands; the body streams.
func (t handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r.Body = http.NoBody
	}
	reader, writer := io.Pipe()
	w := &pipeWriter{header: http.Header{}, body: writer, ready: make(chan struct{})}
	go func() {
		t.handler.ServeHTTP(w, r)
		w.WriteHeader(http.StatusOK)
		_ = writer.Close() // a pipe's Close returns nil
	}()
	<-w.ready
	return &http.Response{
		StatusCode: w.status, Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.header, Body: reader, ContentLength: -1, Request: r,
	}, nil
}

type pipeWriter struct {
	header http.Header
	status int
	body   *io.PipeWriter
	ready  chan struct{}
}

func (w *pipeWriter) Header() http.Header { return w.header }

func (w *pipeWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		close(w.ready)
	}
}

func (w *pipeWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

// Flush does nothing: a pipe keeps nothing back.
func (w *pipeWriter) Flush() {}

// SetReadDeadline and SetWriteDeadline do nothing: both ends are here.
func (w *pipeWriter) SetReadDeadline(time.Time) error  { return nil }
func (w *pipeWriter) SetWriteDeadline(time.Time) error { return nil }
