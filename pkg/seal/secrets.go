package seal

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/retepari/pari/pkg/tenant"
)

// Secrets derives values that are the same every time and that nobody without the key can compute: receipt codes and
// their look-up hashes, hashes of requests, pseudonyms, and the key of page tokens. Each tenant has a key of its own.
type Secrets struct{ byTenant map[tenant.ID]secrets }

// secrets are those of one tenant.
type secrets struct {
	prf       *prf.Set
	pageToken tink.AEAD
}

// LoadSecrets reads a Tink keyset of the type HMAC PRF for each tenant.
func LoadSecrets(files map[tenant.ID]string) (*Secrets, error) {
	all := &Secrets{byTenant: map[tenant.ID]secrets{}}
	for t, path := range files {
		handle, err := loadKeyset(path)
		if err != nil {
			return nil, fmt.Errorf("secrets of %s: %w", t, err)
		}
		s := secrets{}
		if s.prf, err = prf.NewPRFSet(handle); err != nil {
			return nil, fmt.Errorf("secrets of %s: %w", t, err)
		}
		if s.pageToken, err = subtle.NewAESGCM(s.derive("page", nil)); err != nil {
			return nil, fmt.Errorf("secrets of %s: %w", t, err)
		}
		all.byTenant[t] = s
	}
	return all, nil
}

// of returns the secrets of a tenant. A service takes calls of tenants only whose secrets it has.
func (s *Secrets) of(t tenant.ID) secrets {
	of, ok := s.byTenant[t]
	if !ok {
		panic("seal: no secrets of this tenant")
	}
	return of
}

// derive is a keyed function of purpose and input, 32 bytes long.
func (s secrets) derive(purpose string, input []byte) []byte {
	out, err := s.prf.ComputePrimaryPRF(append([]byte(purpose+"\x00"), input...), 32)
	if err != nil {
		panic("seal: HMAC cannot compute 32 bytes")
	}
	return out
}

// RequestKey is a keyed hash of a request id. The id itself may tell the time and the device of the person who chose
// it.
func (s *Secrets) RequestKey(t tenant.ID, requestID string) []byte {
	return s.of(t).derive("request", []byte(t.String()+"\x00"+strings.ToLower(requestID)))
}

// Pseudonym is the name of a record in events: a UUID that the node can derive again, and that leads nobody else to the
// record.
func (s *Secrets) Pseudonym(t tenant.ID, record string) string {
	pseudonym := uuid.UUID(s.of(t).derive("pseudonym", []byte(t.String()+"\x00"+record))[:16])
	pseudonym[6], pseudonym[8] = pseudonym[6]&0x0f|0x80, pseudonym[8]&0x3f|0x80 // version 8 of RFC 9562
	return pseudonym.String()
}

// BodyHash is a keyed hash of the body of a method's request. It tells nothing without the key.
func (s *Secrets) BodyHash(t tenant.ID, method string, body []byte) []byte {
	return s.of(t).derive("body:"+method, body)
}
