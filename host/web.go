package host

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/mlhost/mlhost/host/api"
	"github.com/mlhost/mlhost/host/config"
	"github.com/mlhost/mlhost/shared/script"
)

// web is what HTTP over TCP needs.
type web struct {
	token       string
	certificate *certificate // nil: without TLS
}

// openWeb reads the certificate.
func (h *Host) openWeb() error {
	c := h.options.Config.Host
	if c.TLSCert == "" {
		if !config.IsLoopback(c.Listen) { // a configuration that was not loaded
			return script.Errorf(script.CodeConfigInvalid, "%s can be reached from other machines, which needs a certificate", c.Listen).
				WithHint("give the host block tls_cert and tls_key")
		}
		return nil
	}
	h.web.certificate = &certificate{certFile: c.TLSCert, keyFile: c.TLSKey}
	if _, err := h.web.certificate.get(); err != nil {
		return script.Errorf(script.CodeConfigInvalid, "%v", err).WithHint("tls_cert and tls_key of the host block name PEM files")
	}
	h.ports.side.TLS = true
	return nil
}

// serveHTTP answers HTTP until ctx ends.
func (h *Host) serveHTTP(ctx context.Context, l net.Listener) error {
	o := api.TCPOptions{TokenFile: filepath.Join(h.dir, api.TokenFile), Hosts: h.options.Config.Host.AllowedHosts}
	if c := h.web.certificate; c != nil {
		o.Certificate = c.leaf
		l = tls.NewListener(l, &tls.Config{
			MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return h.servedCertificate() },
		})
	}
	return h.api.ServeTCP(ctx, l, o)
}

func (h *Host) servedCertificate() (*tls.Certificate, error) {
	pair, err := h.web.certificate.get()
	if err != nil {
		h.logger.Warn("the certificate cannot be renewed, the last one goes on", "error", err)
	}
	return pair, nil
}

// URL is the address of the page for people on this machine, "" where none is
// served.
func (h *Host) URL() string {
	if h.ports.http == nil {
		return ""
	}
	scheme := "http"
	if h.web.certificate != nil {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(h.ports.http.Addr().String())
	if err != nil {
		return ""
	}
	if c := h.web.certificate; c != nil && len(c.leaf().DNSNames) > 0 && c.leaf().VerifyHostname(host) != nil {
		host = c.leaf().DNSNames[0]
	}
	return scheme + "://" + net.JoinHostPort(host, port) + "/"
}

// backup writes a backup of this host.
func (h *Host) backup(ctx context.Context, w io.Writer) error {
	_, err := Backup(ctx, h.dir, h.options.Version, w)
	return err
}

// certificate is a pair of files that may be renewed while the host runs.
type certificate struct {
	certFile, keyFile string

	mu      sync.Mutex
	pair    *tls.Certificate
	changed time.Time // when the files that pair was read from were written
}

// get returns the certificate of the files as they are now; where they cannot
// be used, the last one and an error, once.
func (c *certificate) get() (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var changed time.Time
	for _, path := range []string{c.certFile, c.keyFile} {
		info, err := os.Stat(path)
		if err != nil {
			return c.pair, fmt.Errorf("read certificate: %w", err)
		}
		if info.ModTime().After(changed) {
			changed = info.ModTime()
		}
	}
	if c.pair != nil && changed.Equal(c.changed) {
		return c.pair, nil
	}
	c.changed = changed
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return c.pair, fmt.Errorf("read certificate: %w", err)
	}
	c.pair = &pair
	return c.pair, nil
}

// leaf is the certificate that is served, without those that vouch for it.
func (c *certificate) leaf() *x509.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pair.Leaf
}
