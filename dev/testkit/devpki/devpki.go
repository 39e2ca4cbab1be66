// Package devpki is a certificate authority for development and tests. It issues the identity directories that a real
// network gets from its own authority. Its private key is a file without protection, so production never uses it.
package devpki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/retepari/pari/pkg/identity"
)

// caKeyFile is the authority's private key, beside identity.CAFile.
const caKeyFile = "ca-key.pem"

// Authority issues certificates.
type Authority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Open loads the authority in dir, or creates one there.
func Open(dir string) (*Authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	certPEM, err := os.ReadFile(filepath.Join(dir, identity.CAFile))
	if errors.Is(err, os.ErrNotExist) {
		return create(dir)
	}
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	keyPEM, err := os.ReadFile(filepath.Join(dir, caKeyFile))
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	cert, key, err := parse(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	return &Authority{dir, cert, key}, nil
}

func parse(certPEM, keyPEM []byte) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certBlock, _ := pem.Decode(certPEM)
	keyBlock, _ := pem.Decode(keyPEM)
	if certBlock == nil || keyBlock == nil {
		return nil, nil, errors.New("no PEM block in the files")
	}
	cert, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, nil, err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, nil, errors.New("not an ECDSA key")
	}
	return cert, key, nil
}

func create(dir string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serialNumber(), Subject: pkix.Name{CommonName: "Pari development authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	// The key is written first: Open takes a directory with a certificate for a complete authority.
	if err := writeKey(filepath.Join(dir, caKeyFile), key); err != nil {
		return nil, err
	}
	if err := writePEM(filepath.Join(dir, identity.CAFile), "CERTIFICATE", der, 0o644); err != nil {
		return nil, err
	}
	return &Authority{dir, cert, key}, nil
}

// CAPath is the file with the authority's certificate.
func (a *Authority) CAPath() string { return filepath.Join(a.dir, identity.CAFile) }

// Certificate is the authority's certificate.
func (a *Authority) Certificate() *x509.Certificate { return a.cert }

// Issue writes an identity directory, valid from an hour ago for 60 days. A certificate of a service or a broker is for
// servers and clients, any other for clients alone.
func (a *Authority) Issue(id identity.ID, dir string) error {
	return a.IssueFor(id, dir, time.Now().Add(-time.Hour), time.Now().AddDate(0, 0, 60))
}

// IssueFor is Issue with other dates of validity.
func (a *Authority) IssueFor(id identity.ID, dir string, from, to time.Time) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("issue certificate: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("issue certificate: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serialNumber(), Subject: pkix.Name{CommonName: id.Name}, NotBefore: from, NotAfter: to,
		URIs:        []*url.URL{id.URL()},
		DNSNames:    []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: purposes(id),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		return fmt.Errorf("issue certificate: %w", err)
	}
	if err := writeKey(filepath.Join(dir, identity.KeyFile), key); err != nil {
		return err
	}
	if err := writePEM(filepath.Join(dir, identity.CertFile), "CERTIFICATE", der, 0o644); err != nil {
		return err
	}
	return writePEM(filepath.Join(dir, identity.CAFile), "CERTIFICATE", a.cert.Raw, 0o644)
}

// purposes are those of a kind of program. Only services and brokers are called, so nothing else can pass for a server:
// a leaf knows its hub by the authority and the host name alone.
func purposes(id identity.ID) []x509.ExtKeyUsage {
	if id.Kind == identity.KindService || id.Kind == identity.KindLeaf {
		return []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
	}
	return []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
}

func serialNumber() *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return big.NewInt(time.Now().UnixNano())
	}
	return n
}

func writeKey(path string, key any) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("write key: %w", err)
	}
	return writePEM(path, "PRIVATE KEY", der, 0o600)
}

func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}
