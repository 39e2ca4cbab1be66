// Package devkeys creates the Tink keysets of a development network or a test: the key-encryption key of a node and its
// secrets. They are clear-text files that only their owner can read. An existing file is never overwritten.
package devkeys

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
)

// CreateKEK creates a node's key-encryption key, unless the file exists.
func CreateKEK(path string) error { return createKeyset(path, aead.AES256GCMKeyTemplate()) }

// CreateSecrets creates the key of receipts, body hashes and page tokens, unless the file exists.
func CreateSecrets(path string) error { return createKeyset(path, prf.HMACSHA256PRFKeyTemplate()) }

func createKeyset(path string, template *tinkpb.KeyTemplate) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	handle, err := keyset.NewHandle(template)
	if err != nil {
		return fmt.Errorf("create key: %w", err)
	}
	// The key is written to a temporary file and renamed, so that an interrupted run leaves no partial key.
	temporary, err := os.CreateTemp(filepath.Dir(path), ".key-")
	if err != nil {
		return fmt.Errorf("create key: %w", err)
	}
	err = insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(temporary))
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return errors.Join(fmt.Errorf("create key: %w", err), os.Remove(temporary.Name()))
	}
	if err := os.Rename(temporary.Name(), path); err != nil {
		return fmt.Errorf("create key: %w", err)
	}
	return nil
}
