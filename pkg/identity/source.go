package identity

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/retepari/pari/pkg/tenant"
)

// Names of the files in an identity directory.
const (
	CertFile = "cert.pem"
	KeyFile  = "key.pem"
	CAFile   = "ca.pem"
)

// SourceConfig says where a program's identity is, and which certificates of others it accepts.
type SourceConfig struct {
	// Dir holds CertFile, KeyFile and CAFile.
	Dir string
	// DenyFile lists identities and certificates that are refused although they are valid; "" denies none.
	DenyFile string
	// MaxValidity refuses certificates that are valid for longer; 0 means 90 days.
	MaxValidity time.Duration
	// Log gets the errors of a deny list that changed, and certificates of callers that were refused; nil means
	// slog.Default.
	Log *slog.Logger
}

// defaultMaxValidity bounds how long a stolen key can be used when nobody notices.
const defaultMaxValidity = 90 * 24 * time.Hour

// Source is the identity of this program: its certificate and key, and the authorities that it trusts. They are read
// from a directory and read again when a file changes, so a renewed certificate takes effect without a restart. When
// the files cannot be read, the last good ones stay in force. It is safe for concurrent use.
type Source struct {
	dir         string
	maxValidity time.Duration
	denied      *watchedFile[denyList]
	log         *slog.Logger
	logRefusal  *rate.Limiter // of certificates: strangers must not fill the log
	verified    verifiedCache

	checker reloading
	mu      sync.Mutex // held while the files are read
	state   atomic.Pointer[sourceState]
}

// sourceState is the content of an identity directory.
type sourceState struct {
	modTimes [3]time.Time
	cert     *tls.Certificate
	roots    *x509.CertPool
	id       ID
}

// LoadSource loads an identity directory, with nothing denied.
func LoadSource(dir string) (*Source, error) { return NewSource(SourceConfig{Dir: dir}) }

// NewSource loads an identity.
func NewSource(c SourceConfig) (*Source, error) {
	if c.MaxValidity == 0 {
		c.MaxValidity = defaultMaxValidity
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	denied, err := watchFile(c.DenyFile, "deny list", parseDenyList, c.Log)
	if err != nil {
		return nil, err
	}
	s := &Source{
		dir: c.Dir, maxValidity: c.MaxValidity, denied: denied, log: c.Log,
		logRefusal: rate.NewLimiter(1, 5),
	}
	s.checker.reload = func() { _ = s.refresh() }
	if err := s.refresh(); err != nil {
		return nil, err
	}
	return s, nil
}

// ID is the identity in the program's certificate.
func (s *Source) ID() ID { return s.state.Load().id }

// certificate returns the certificate, after a check for changes.
func (s *Source) certificate() *tls.Certificate {
	_ = s.refresh() // a half-written renewal must not break connections: the last good pair stays
	return s.state.Load().cert
}

// rootsAt returns the authorities, and checks for changes now and then.
func (s *Source) rootsAt(now time.Time) *x509.CertPool {
	s.checker.check(now)
	return s.state.Load().roots
}

// checkNow checks for changes of the authorities and of the deny list. A new connection does, so what has changed since
// the last call applies to it.
func (s *Source) checkNow(now time.Time) {
	s.checker.checkNow(now)
	s.denied.checkNow(now)
}

// refresh reads the files if they have changed.
func (s *Source) refresh() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var modTimes [3]time.Time
	for i, name := range []string{CertFile, KeyFile, CAFile} {
		info, err := os.Stat(filepath.Join(s.dir, name))
		if err != nil {
			return fmt.Errorf("identity file %s: %w", name, errors.Unwrap(err))
		}
		modTimes[i] = info.ModTime()
	}
	if state := s.state.Load(); state != nil && modTimes == state.modTimes {
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
	s.state.Store(&sourceState{modTimes, &cert, roots, id})
	return nil
}

func idOf(cert *x509.Certificate) (ID, error) {
	if cert == nil || len(cert.URIs) != 1 {
		return ID{}, errors.New("a certificate needs exactly one URI SAN")
	}
	return ParseID(cert.URIs[0].String())
}

// ServerTLS requests a client certificate and leaves the refusal to VerifyPeer, because a failed handshake could not
// tell the caller why. A server must refuse every call for which VerifyPeer returns an error. The handshake verifies
// the certificate once, so that this is cheap.
//
// A server that hosts other tenants presents the certificate of the one that the client asks for; see ServerName.
func (s *Source) ServerTLS(hosted ...*Source) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		ClientAuth:             tls.RequestClientCert,
		SessionTicketsDisabled: true, // a resumed session would carry no certificate to verify
		NextProtos:             []string{"h2"},
		VerifyConnection: func(state tls.ConnectionState) error {
			now := time.Now()
			s.checkNow(now)
			_, err := s.VerifyPeer(state, now)
			if err != nil && !errors.Is(err, ErrNoCertificate) && s.logRefusal.Allow() {
				s.log.Warn("client certificate refused", slog.Any("error", err))
			}
			return nil
		},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			presented := s
			for _, h := range hosted {
				if hello != nil && hello.ServerName == ServerName(h.ID().Tenant) {
					presented = h
				}
			}
			return presented.certificate(), nil
		},
	}
}

// ServerName is what a client asks a server for in the handshake (SNI) to get the certificate of a tenant.
func ServerName(t tenant.ID) string { return t.Node + "." + t.Region + ".pari" }

// StrictServerTLS refuses a client without a valid certificate in the handshake, for protocols that cannot refuse
// later.
func (s *Source) StrictServerTLS() *tls.Config {
	c := s.ServerTLS()
	c.NextProtos = nil
	c.ClientAuth = tls.RequireAnyClientCert
	c.VerifyConnection = func(state tls.ConnectionState) error {
		now := time.Now()
		s.checkNow(now)
		_, err := s.VerifyPeer(state, now)
		return err
	}
	return c
}

// ClientTLS presents the program's certificate. It accepts a server whose certificate is valid and whose identity
// accept returns true for.
func (s *Source) ClientTLS(accept func(ID) bool) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return s.certificate(), nil
		},
		// VerifyConnection replaces the verification that this switches off: it checks the identity, not the host name.
		InsecureSkipVerify: true, //nolint:gosec // see VerifyConnection
		VerifyConnection: func(state tls.ConnectionState) error {
			now := time.Now()
			s.checkNow(now)
			return s.VerifyServer(state, accept, now)
		},
	}
}

// VerifyServer verifies the server's certificate as of now, as VerifyPeer does the client's, and that accept returns
// true for its identity. A handshake does it once; a client of a long connection should do it before each call.
func (s *Source) VerifyServer(state tls.ConnectionState, accept func(ID) bool, now time.Time) error {
	id, err := s.verifyPeer(state, x509.ExtKeyUsageServerAuth, now)
	if err != nil {
		return err
	}
	if !accept(id) {
		return fmt.Errorf("unexpected server identity %s", id)
	}
	return nil
}

// ErrNoCertificate is returned for a connection without a client certificate.
var ErrNoCertificate = errors.New("no client certificate")

// VerifyPeer verifies the client's certificate as of now: chain, dates, purpose, identity, trust domain and deny list.
func (s *Source) VerifyPeer(state tls.ConnectionState, now time.Time) (ID, error) {
	if len(state.PeerCertificates) == 0 {
		return ID{}, ErrNoCertificate
	}
	return s.verifyPeer(state, x509.ExtKeyUsageClientAuth, now)
}

func (s *Source) verifyPeer(state tls.ConnectionState, usage x509.ExtKeyUsage, now time.Time) (ID, error) {
	if len(state.PeerCertificates) == 0 {
		return ID{}, errNoChain
	}
	id, err := s.verified.verify(state.PeerCertificates, s.rootsAt(now), usage, now)
	if err != nil {
		return ID{}, err
	}
	if err := s.acceptPeer(state.PeerCertificates[0], id, now); err != nil {
		return ID{}, err
	}
	return id, nil
}

// acceptPeer applies the program's own conditions to a certificate that is valid.
func (s *Source) acceptPeer(cert *x509.Certificate, id ID, now time.Time) error {
	switch {
	case id.TrustDomain != s.ID().TrustDomain:
		return errors.New("certificate of another trust domain")
	case cert.NotAfter.Sub(cert.NotBefore) > s.maxValidity:
		return fmt.Errorf("certificate valid for longer than %s", s.maxValidity)
	case s.denied.current(now).has(cert, id):
		return errors.New("certificate denied")
	}
	return nil
}
