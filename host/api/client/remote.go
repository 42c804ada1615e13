package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
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
			TLSHandshakeTimeout:   10 * time.Second,
			ExpectContinueTimeout: time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
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

// remoteError says in words why a request did not reach a host elsewhere; it
// returns err where that may have reached it.
func remoteError(base string, err error) error {
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return script.Errorf(script.CodeHostDown, "the certificate of %s is not one that this machine trusts: %v", base, unknown).
			WithHint("let the environment variable SSL_CERT_FILE name a file with the certificate of who signed it")
	}
	if invalid, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return script.Errorf(script.CodeHostDown, "the certificate of %s is not valid for it: %v", base, invalid.Err)
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
