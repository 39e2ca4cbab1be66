package seal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// CreateKEK makes the node's key in a file that only its owner can read, unless it is there. Production mounts the file
// from a secret store.
func CreateKEK(path string) error { return createKeyset(path, aead.AES256GCMKeyTemplate()) }

// CreateSecrets makes the key for receipts, body hashes and page tokens, unless it is there.
func CreateSecrets(path string) error { return createKeyset(path, prf.HMACSHA256PRFKeyTemplate()) }

func createKeyset(path string, template *tinkpb.KeyTemplate) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	handle, err := keyset.NewHandle(template)
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	// A key that is half there would be worse than none: it is written beside, and moved into place.
	partial, err := os.CreateTemp(filepath.Dir(path), ".key-")
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	err = insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(partial))
	if err = errors.Join(err, partial.Sync(), partial.Close()); err != nil {
		return errors.Join(fmt.Errorf("make key: %w", err), os.Remove(partial.Name()))
	}
	if err := os.Rename(partial.Name(), path); err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	return nil
}

func loadKeyset(path string) (*keyset.Handle, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	defer func() { _ = file.Close() }()
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(file))
	if err != nil {
		return nil, errors.New("the key file cannot be read")
	}
	return handle, nil
}

func loadAEAD(path string) (tink.AEAD, error) {
	handle, err := loadKeyset(path)
	if err != nil {
		return nil, err
	}
	return aead.New(handle)
}
