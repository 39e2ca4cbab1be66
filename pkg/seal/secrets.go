package seal

import (
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/tink"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/tenant"
)

// Secrets derives values that are the same every time and that nobody without the key can compute: receipt codes and
// their look-up hashes, hashes of requests, pseudonyms, and the key of page tokens.
type Secrets struct {
	prf       *prf.Set
	pageToken tink.AEAD
}

// LoadSecrets reads a Tink keyset of the type HMAC PRF.
func LoadSecrets(path string) (*Secrets, error) {
	handle, err := loadKeyset(path)
	if err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	set, err := prf.NewPRFSet(handle)
	if err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	s := &Secrets{prf: set}
	if s.pageToken, err = subtle.NewAESGCM(s.derive("page", nil)); err != nil {
		return nil, fmt.Errorf("secrets: %w", err)
	}
	return s, nil
}

// derive is a keyed function of purpose and input, 32 bytes long.
func (s *Secrets) derive(purpose string, input []byte) []byte {
	out, err := s.prf.ComputePrimaryPRF(append([]byte(purpose+"\x00"), input...), 32)
	if err != nil {
		panic("seal: HMAC cannot compute 32 bytes")
	}
	return out
}

// RequestKey is a keyed hash of a request id. The id itself may tell the time and the device of the person who chose
// it.
func (s *Secrets) RequestKey(t tenant.ID, requestID string) []byte {
	return s.derive("request", []byte(t.String()+"\x00"+strings.ToLower(requestID)))
}

// Pseudonym is the name of a record in events: a UUID that the node can derive again, and that leads nobody else to the
// record.
func (s *Secrets) Pseudonym(t tenant.ID, record string) string {
	pseudonym := uuid.UUID(s.derive("pseudonym", []byte(t.String()+"\x00"+record))[:16])
	pseudonym[6], pseudonym[8] = pseudonym[6]&0x0f|0x80, pseudonym[8]&0x3f|0x80 // version 8 of RFC 9562
	return pseudonym.String()
}

// BodyHash is a keyed hash of a message. It is equal for equal messages, and tells nothing without the key.
func (s *Secrets) BodyHash(m proto.Message) ([]byte, error) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("hash body: %w", err)
	}
	return s.derive("body:"+string(m.ProtoReflect().Descriptor().FullName()), raw), nil
}
