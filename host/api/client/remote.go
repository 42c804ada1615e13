package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/mlhost/mlhost/shared/script"
)

// NewRemote returns a client of the host that serves HTTP at an address:
// https://HOST:PORT, or http:// on this machine, where nobody listens in.
func NewRemote(address, token string) (*Client, error) {
	base, err := checkAddress(address)
	if err != nil {
		return nil, err
	}
	if token == "" {
		return nil, script.Errorf(script.CodeUsage, "%s answers only to who has its token", base).
			WithHint("name a copy of the file STATE/HOST/token of the host's machine with --token-file, or set MLHOST_TOKEN")
	}
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	return &Client{base: base, token: token, http: &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DisableCompression:    true,
			MaxIdleConnsPerHost:   16,
			DialContext:           dialer.DialContext,
			DialTLSContext:        tlsDial(dialer),
			TLSHandshakeTimeout:   10 * time.Second,
			ExpectContinueTimeout: time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// noTLSError is the error of an address that hangs up when TLS is spoken.
type noTLSError struct{ error }

// tlsDial connects by TLS, and tells a peer that hangs up at once from one that
// does so later, when it may have heard a request.
func tlsDial(dialer *net.Dialer) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		name, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		secure := tls.Client(conn, &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12})
		err = secure.HandshakeContext(ctx)
		if err == nil {
			return secure, nil
		}
		if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
			err = noTLSError{err}
		}
		return nil, errors.Join(err, conn.Close())
	}
}

// Base is the address that the client talks to.
func (c *Client) Base() string { return c.base }

func checkAddress(address string) (base string, err error) {
	u, parseErr := url.Parse(address)
	if parseErr != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return "", script.Errorf(script.CodeUsage, "%q is not the address of a host", address).
			WithHint("it looks like https://lab1.example.com:10117")
	}
	switch u.Scheme {
	case "https":
	case "http":
		ip := net.ParseIP(u.Hostname())
		if !strings.EqualFold(u.Hostname(), "localhost") && (ip == nil || !ip.IsLoopback()) {
			return "", script.Errorf(script.CodeUsage, "http:// would send the token to %s readable for all in between", u.Host).
				WithHint("use https:// (the host needs tls_cert and tls_key), or SSH: `ssh -L 10117:127.0.0.1:10117 %s`, then --host http://127.0.0.1:10117", u.Hostname())
		}
	default:
		return "", script.Errorf(script.CodeUsage, "%q is not the address of a host: it begins with https://, or with http:// on this machine", address)
	}
	return u.Scheme + "://" + u.Host, nil
}

// names tells which machines a certificate is for.
func names(c *x509.Certificate) string {
	all := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) == 0 {
		return "it names none"
	}
	return strings.Join(all, ", ")
}

// remoteError says in words why a request did not reach a host elsewhere; it
// returns err where that may have reached it.
func remoteError(base string, err error) error {
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return script.Errorf(script.CodeHostDown, "the certificate of %s is not one that this machine trusts: %v", base, unknown).
			WithHint("let the environment variable SSL_CERT_FILE name a file with the certificate of who signed it")
	}
	if invalid, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		e := script.Errorf(script.CodeHostDown, "the certificate of %s is not valid for it: %v", base, invalid.Err)
		if wrong, ok := errors.AsType[x509.CertificateInvalidError](invalid.Err); ok && wrong.Reason == x509.Expired {
			return e.WithHint("give the host a new one (tls_cert and tls_key of its host block) and start it again; or set this machine's clock, where that is wrong")
		}
		if name, ok := errors.AsType[x509.HostnameError](invalid.Err); ok && name.Certificate != nil {
			return e.WithHint("--host names the machine as the certificate does: %s", names(name.Certificate))
		}
		return e
	}
	if closed, ok := errors.AsType[noTLSError](err); ok {
		return script.Errorf(script.CodeHostDown, "what answers at %s does not speak TLS: it hung up (%v)", base, closed).
			WithHint("a host without tls_cert is reached by http:// on its own machine only")
	}
	if header, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return script.Errorf(script.CodeHostDown, "what answers at %s does not speak TLS: %v", base, header).
			WithHint("a host without tls_cert is reached by http:// on its own machine only")
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return script.Errorf(script.CodeHostDown, "no host answers at %s: %v", base, op.Err).
			WithHint("`mlhost run` shows the port that it serves; listen of the host block sets it")
	}
	return err
}
