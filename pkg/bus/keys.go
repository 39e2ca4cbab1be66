package bus

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// reloadAfter is how long keys are used before the directory is read again. A key that was removed from it stays valid
// for this long at most.
const reloadAfter = 10 * time.Second

// PublicKeys are the signing keys of the other side, in a directory of PEM files named after their owner:
// "<region>.<node>.pem" for nodes, "centre.pem" for the centre. A file may hold several keys, for rotation. Changes of
// the directory take effect within ten seconds. It is safe for concurrent use.
type PublicKeys struct {
	dir string
	log *slog.Logger
	now func() time.Time

	mu     sync.Mutex
	readAt time.Time
	owners map[string]map[string]ed25519.PublicKey
}

// LoadPublicKeys reads a directory of public keys. The log receives failures to read it again.
func LoadPublicKeys(dir string, log *slog.Logger) (*PublicKeys, error) {
	k := &PublicKeys{dir: dir, log: log, now: time.Now}
	owners, err := readKeys(dir)
	if err != nil {
		return nil, err
	}
	k.owners, k.readAt = owners, k.now()
	return k, nil
}

// NewPublicKeys holds one key of one owner, without a directory.
func NewPublicKeys(owner string, public ed25519.PublicKey) *PublicKeys {
	return &PublicKeys{owners: map[string]map[string]ed25519.PublicKey{owner: {KeyID(public): public}}}
}

// Verify returns ErrSignature unless the owner's key with that id signed message.
func (k *PublicKeys) Verify(owner, keyID string, message, signature []byte) error {
	public, ok := k.find(owner, keyID)
	if !ok {
		return fmt.Errorf("unknown key: %w", ErrSignature)
	}
	if !ed25519.Verify(public, message, signature) {
		return ErrSignature
	}
	return nil
}

func (k *PublicKeys) find(owner, keyID string) (ed25519.PublicKey, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dir != "" && k.now().Sub(k.readAt) >= reloadAfter {
		k.readAt = k.now()
		if owners, err := readKeys(k.dir); err != nil {
			k.log.Warn("public key reload failed", slog.Any("error", err)) // the old keys stay in force
		} else {
			k.owners = owners
		}
	}
	public, ok := k.owners[owner][keyID]
	return public, ok
}

func readKeys(dir string) (map[string]map[string]ed25519.PublicKey, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("public keys: %w", err)
	}
	owners := map[string]map[string]ed25519.PublicKey{}
	for _, f := range files {
		owner, ok := strings.CutSuffix(f.Name(), ".pem")
		if !ok || f.IsDir() {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			return nil, fmt.Errorf("public keys: %w", err)
		}
		keys, err := parsePublic(raw)
		if err != nil {
			return nil, fmt.Errorf("public keys of %s: %w", owner, err)
		}
		owners[owner] = keys
	}
	return owners, nil
}

func parsePublic(raw []byte) (map[string]ed25519.PublicKey, error) {
	keys := map[string]ed25519.PublicKey{}
	for {
		block, rest := pem.Decode(raw)
		if block == nil {
			return keys, nil
		}
		raw = rest
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			return nil, err
		}
		public, ok := parsed.(ed25519.PublicKey)
		if !ok {
			return nil, fmt.Errorf("not an Ed25519 key")
		}
		keys[KeyID(public)] = public
	}
}
