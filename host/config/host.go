package config

import (
	"crypto/tls"
	"net"
	"strconv"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"
)

var (
	namePattern = pattern(`^[A-Za-z_][A-Za-z0-9_-]*$`)
	hostPattern = pattern(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
)

// maxName bounds names: they become parts of paths.
const maxName = 100

// checkName reports a name that is not letters, digits, _ and -.
func (l *loader) checkName(what, name string, at hcl.Range) {
	switch {
	case len(name) > maxName:
		l.report(fault(at, "Name too long", "The name of %s may have at most %d characters.", withArticle(what), maxName))
	case name != "" && name[0] >= '0' && name[0] <= '9':
		l.report(fault(at, "Invalid name", "%q starts with a digit. Begin it with a letter or _, for example %q.", name, "_"+name))
	case !namePattern().MatchString(name):
		l.report(fault(at, "Invalid name", "%q is not a name for %s: letters, digits, _ and - make one, beginning with a letter or _.", clip(name), withArticle(what)))
	}
}

// checkLabel reports a label that cannot name anything; blocks that nothing
// refers to may be named freely, "evaluator asks trainer".
func (l *loader) checkLabel(what, name string, at hcl.Range) {
	if strings.TrimSpace(name) == "" || len(name) > maxName || strings.ContainsFunc(name, unicode.IsControl) {
		l.report(fault(at, "Invalid name", "%q is not a name for %s: it must not be empty, and have at most %d characters and no line break.", clip(name), withArticle(what+" block"), maxName))
	}
}

// duplicate reports a second declaration, with the place of the first.
func (l *loader) duplicate(what, name string, at, before hcl.Range) {
	l.report(fault(at, "Duplicate "+what, "The %s %q was already declared at %s.", what, name, place(before)))
}

// single reports every block but the first, which it returns.
func (l *loader) single(blocks hcl.Blocks) *hcl.Block {
	if len(blocks) == 0 {
		return nil
	}
	for _, b := range blocks[1:] {
		l.report(fault(b.DefRange, "Duplicate "+b.Type, "There may be one %s block; the first is at %s.", b.Type, place(blocks[0].DefRange)))
	}
	return blocks[0]
}

func (l *loader) loadHost(blocks hcl.Blocks) {
	b := l.single(blocks)
	if b == nil {
		l.checkListen(hcl.Range{}) // the environment may name an address
		return
	}
	h := &l.config.Host
	h.Range = b.DefRange
	body := l.open(b)
	if body.text("name", &h.Name) && h.Name != "" && !hostPattern().MatchString(h.Name) {
		body.fault("name", "Invalid name", "%q is not a host name: letters, digits, dots, _ and - make one, at most 63.", clip(h.Name))
	}
	body.address("listen", &h.Listen)
	body.path("tls_cert", &h.TLSCert)
	body.path("tls_key", &h.TLSKey)
	if (h.TLSCert == "") != (h.TLSKey == "") {
		l.report(fault(h.Range, "Half of a certificate", "tls_cert and tls_key go together: the certificate's file and the one of its private key."))
	} else if h.TLSCert != "" {
		if _, err := tls.LoadX509KeyPair(h.TLSCert, h.TLSKey); err != nil {
			body.fault("tls_cert", "Invalid certificate", "The certificate and its key cannot be used: %v. Both are PEM files, and the host's user must be able to read them.", err)
		}
	}
	body.whole("keep_runs", &h.KeepRuns, 0, 1_000_000)
	body.duration("keep_for", &h.KeepFor, 0)
	body.texts("allowed_hosts", &h.AllowedHosts)
	for _, name := range h.AllowedHosts {
		if name == "" || strings.ContainsAny(name, "/ *@") {
			body.fault("allowed_hosts", "Invalid host name", "%q is not a host name. Write a name as callers do, %q or %q; there are no patterns.", clip(name), "lab1.example.com", "lab1.example.com:8443")
		}
	}
	l.checkListen(body.rangeOf("listen"))
}

// checkListen refuses addresses that other machines reach where what they send
// would not be encrypted.
func (l *loader) checkListen(at hcl.Range) {
	h := &l.config.Host
	if h.Listen == "" || h.TLSCert != "" || IsLoopback(h.Listen) {
		return
	}
	l.report(fault(at, "Other machines need TLS", "Other machines reach %q, and what they send, the token too, would not be encrypted. "+
		"Give the host block tls_cert and tls_key, or listen on %q and let people come through SSH: `ssh -L 10117:127.0.0.1:10117 HOST`.", clip(h.Listen), DefaultListen))
}

// IsLoopback reports whether a listen address is reached from this machine
// alone.
func IsLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

func (l *loader) loadConnector(blocks hcl.Blocks) {
	b := l.single(blocks)
	if b == nil {
		return
	}
	c := &l.config.Connector
	c.Range = b.DefRange
	body := l.open(b)
	body.address("listen", &c.Listen)
	body.choice("auth", &c.Auth, "user", "token", "none")
}

func (l *loader) loadCollaboration(blocks hcl.Blocks) {
	b := l.single(blocks)
	if b == nil {
		return
	}
	l.config.Collaboration.Range = b.DefRange
	l.open(b).choice("default", &l.config.Collaboration.Default, "allow", "deny")
}

// address reads a TCP address, "" for none.
func (b *block) address(name string, into *string) {
	var s string
	if !b.text(name, &s) {
		return
	}
	if s != "" {
		_, port, err := net.SplitHostPort(s)
		if n, portErr := strconv.Atoi(port); err != nil || portErr != nil || n < 0 || n > 65535 {
			b.fault(name, "Invalid address", "%q is not an address. Write a host and a port, %q, or \"\" for none.", clip(s), DefaultListen)
			return
		}
	}
	*into = s
}
