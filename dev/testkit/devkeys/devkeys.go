// Package devkeys creates the keys of a development network or a test: the key-encryption key of a node, its secrets, and
// signing keys. Keys lie in files that only their owner can read; an existing key is never overwritten.
package devkeys

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
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
	// The key is written beside its place and renamed: half a key would be worse than none.
	partial, err := os.CreateTemp(filepath.Dir(path), ".key-")
	if err != nil {
		return fmt.Errorf("create key: %w", err)
	}
	err = insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(partial))
	if err = errors.Join(err, partial.Sync(), partial.Close()); err != nil {
		return errors.Join(fmt.Errorf("create key: %w", err), os.Remove(partial.Name()))
	}
	if err := os.Rename(partial.Name(), path); err != nil {
		return fmt.Errorf("create key: %w", err)
	}
	return nil
}

// CreateSigningKey creates an Ed25519 key in dir/<owner>.key.pem and its public half in publicDir/<owner>.pem, unless the
// key exists, and returns the path of the private key. Owner is "<region>.<node>" or "centre".
func CreateSigningKey(owner, dir, publicDir string) (string, error) {
	path := filepath.Join(dir, owner+".key.pem")
	for _, d := range []string{dir, publicDir} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return "", fmt.Errorf("create signing key: %w", err)
		}
	}
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", fmt.Errorf("create signing key: %w", err)
	}
	publicDER, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return "", fmt.Errorf("create signing key: %w", err)
	}
	privateDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", fmt.Errorf("create signing key: %w", err)
	}
	if err := writePEM(filepath.Join(publicDir, owner+".pem"), "PUBLIC KEY", publicDER, 0o644); err != nil {
		return "", err
	}
	return path, writePEM(path, "PRIVATE KEY", privateDER, 0o600)
}

func writePEM(path, kind string, der []byte, mode os.FileMode) error {
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}
