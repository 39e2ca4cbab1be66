package seal

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/retepari/pari/pkg/tenant"
)

// DataKey encrypts the fields of one record.
type DataKey struct {
	id    uuid.UUID
	aead  tink.AEAD
	batch *keyBatch // of a key that was not handed out yet
}

// AssociatedData names the field that a ciphertext belongs to. The cipher authenticates it: a ciphertext that was moved
// to another tenant, record, field or version does not open.
type AssociatedData struct {
	Tenant        tenant.ID
	Record, Field string
	Version       int
}

// bytes encodes the associated data; lengths in front keep two places from encoding alike.
func (a AssociatedData) bytes() []byte {
	var b bytes.Buffer
	for _, part := range []string{a.Tenant.String(), a.Record, a.Field} {
		fmt.Fprintf(&b, "%d:%s", len(part), part)
	}
	fmt.Fprintf(&b, "v%d", a.Version)
	return b.Bytes()
}

// ID names the key in the key store. The record that it seals has the same identifier.
func (k DataKey) ID() uuid.UUID { return k.id }

// Seal encrypts a field, padded so that the ciphertext tells the magnitude of its length only. Empty plaintext encrypts
// to nil, so absent fields stay absent.
func (k DataKey) Seal(ad AssociatedData, plaintext []byte) ([]byte, error) {
	if len(plaintext) == 0 {
		return nil, nil
	}
	ciphertext, err := k.aead.Encrypt(pad(plaintext), ad.bytes())
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return ciphertext, nil
}

// Open decrypts what Seal encrypted for the same associated data.
func (k DataKey) Open(ad AssociatedData, ciphertext []byte) ([]byte, error) {
	if len(ciphertext) == 0 {
		return nil, nil
	}
	padded, err := k.aead.Decrypt(ciphertext, ad.bytes())
	if err != nil {
		return nil, errors.New("ciphertext does not open with this key and associated data")
	}
	return unpad(padded)
}
