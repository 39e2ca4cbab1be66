package identity

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Names of the files in an identity directory, as cert-manager and its like write them.
const (
	CertFile = "cert.pem"
	KeyFile  = "key.pem"
	CAFile   = "ca.pem"
)

// Source is the identity of this program: certificate, key, and the authorities that it trusts, read from a directory and
// read again when a file changes, so that a renewed certificate is used without a restart. Files that cannot be read leave
// the last good ones in force. It is safe for concurrent use.
type Source struct {
	dir string

	judged judged

	mu     sync.Mutex
	looked time.Time // when the files were looked at for a call
	stamp  [3]time.Time
	cert   *tls.Certificate
	roots  *x509.CertPool
	id     ID
}

// lookEvery is how often calls over connections that stand have the files looked at; a new connection always has.
const lookEvery = time.Second

// LoadSource reads an identity directory.
func LoadSource(dir string) (*Source, error) {
	s := &Source{dir: dir}
	if err := s.refresh(); err != nil {
		return nil, err
	}
	return s, nil
}

// ID is the identity in the certificate.
func (s *Source) ID() ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}

// current returns certificate and authorities, after a look at the files.
func (s *Source) current() (*tls.Certificate, *x509.CertPool) {
	_ = s.refresh() // a half-written renewal must not end connections: the last good pair stays
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cert, s.roots
}

// rootsAt returns the authorities, after a look at the files if the last one is not of this second.
func (s *Source) rootsAt(now time.Time) *x509.CertPool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if since := now.Sub(s.looked); since < 0 || since >= lookEvery {
		_ = s.refreshLocked()
		s.looked = now
	}
	return s.roots
}

func (s *Source) refresh() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refreshLocked()
}

func (s *Source) refreshLocked() error {
	var stamp [3]time.Time
	for i, name := range []string{CertFile, KeyFile, CAFile} {
		info, err := os.Stat(filepath.Join(s.dir, name))
		if err != nil {
			return fmt.Errorf("identity file %s: %w", name, errors.Unwrap(err))
		}
		stamp[i] = info.ModTime()
	}
	if s.cert != nil && stamp == s.stamp {
		return nil
	}
	cert, err := tls.LoadX509KeyPair(filepath.Join(s.dir, CertFile), filepath.Join(s.dir, KeyFile))
	if err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	id, err := idOf(cert.Leaf)
	if err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	pem, err := os.ReadFile(filepath.Join(s.dir, CAFile))
	if err != nil {
		return fmt.Errorf("identity file %s: %w", CAFile, err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return fmt.Errorf("identity file %s holds no certificate", CAFile)
	}
	s.stamp, s.cert, s.roots, s.id = stamp, &cert, roots, id
	return nil
}

func idOf(cert *x509.Certificate) (ID, error) {
	if cert == nil || len(cert.URIs) != 1 {
		return ID{}, errors.New("a certificate needs exactly one URI name")
	}
	return ParseID(cert.URIs[0].String())
}

// ServerTLS asks clients for a certificate and leaves judging it to Peer: a handshake that fails could not tell the caller
// why. A server must refuse every call for which Peer returns an error.
func (s *Source) ServerTLS() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		ClientAuth:             tls.RequestClientCert,
		SessionTicketsDisabled: true, // a resumed session would skip what Peer has to look at
		NextProtos:             []string{"h2"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			cert, _ := s.current()
			return cert, nil
		},
	}
}

// StrictServerTLS refuses a client without a valid certificate in the handshake: for protocols that have no better way to
// say so.
func (s *Source) StrictServerTLS() *tls.Config {
	c := s.ServerTLS()
	c.NextProtos = nil
	c.ClientAuth = tls.RequireAnyClientCert
	c.VerifyConnection = func(state tls.ConnectionState) error {
		_, err := s.Peer(state, time.Now())
		return err
	}
	return c
}

// ClientTLS presents our certificate and accepts a server only when its certificate holds and accept likes its identity.
func (s *Source) ClientTLS(accept func(ID) bool) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			cert, _ := s.current()
			return cert, nil
		},
		// The name to check is the identity, not the host: VerifyConnection does what this switches off, and more.
		InsecureSkipVerify: true, //nolint:gosec // see VerifyConnection
		VerifyConnection: func(state tls.ConnectionState) error {
			_, roots := s.current()
			good, err := verify(state.PeerCertificates, roots, x509.ExtKeyUsageServerAuth, time.Now())
			if err != nil {
				return err
			}
			if !accept(good.id) {
				return fmt.Errorf("the server is %s, not the one asked for", good.id)
			}
			return nil
		},
	}
}

// ErrNoCertificate is returned for a connection on which the client showed none.
var ErrNoCertificate = errors.New("no client certificate")

// Peer judges the client's certificate as of now: chain, dates, purpose, identity and trust domain.
func (s *Source) Peer(state tls.ConnectionState, now time.Time) (ID, error) {
	if len(state.PeerCertificates) == 0 {
		return ID{}, ErrNoCertificate
	}
	roots := s.rootsAt(now)
	id, err := s.judged.verify(state.PeerCertificates, roots, x509.ExtKeyUsageClientAuth, now)
	if err != nil {
		return ID{}, err
	}
	if own := s.ID().TrustDomain; id.TrustDomain != own {
		return ID{}, errors.New("certificate of another trust domain")
	}
	return id, nil
}
