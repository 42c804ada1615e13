package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// certificate writes a certificate for this machine, and its key: one that is
// good, that has expired, or that is another machine's.
//
//	certificate CERT KEY [expired|other]
func certificate(ts *testscript.TestScript, _ bool, args []string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "lab1"}, NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"lab1.example.com"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	if len(args) > 2 {
		switch args[2] {
		case "expired":
			cert.NotBefore, cert.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
		case "other":
			cert.DNSNames, cert.IPAddresses = []string{"elsewhere.example.com"}, nil
		default:
			ts.Fatalf("usage: certificate CERT KEY [expired|other]")
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, cert, key.Public(), key)
	ts.Check(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	write := func(path, kind string, data []byte) {
		ts.Check(os.WriteFile(ts.MkAbs(path), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: data}), 0o600))
	}
	write(args[0], "CERTIFICATE", der)
	write(args[1], "PRIVATE KEY", private)
}
