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

// keysAge is how old what Keys knows may be: a key taken out of the directory is refused after at most this time.
const keysAge = 10 * time.Second

// Keys are the public keys of the other side, in a directory of PEM files named after their owner:
// "<region>.<node>.pem" for nodes, "centre.pem" for the centre. A file may hold several keys, so that one can follow
// another. Changes of the directory are noticed within ten seconds. It is safe for concurrent use.
type Keys struct {
	dir string
	now func() time.Time

	mu     sync.Mutex
	read   time.Time
	owners map[string]map[string]ed25519.PublicKey
}

// LoadKeys reads the directory.
func LoadKeys(dir string) (*Keys, error) {
	k := &Keys{dir: dir, now: time.Now}
	owners, err := readKeys(dir)
	if err != nil {
		return nil, err
	}
	k.owners, k.read = owners, k.now()
	return k, nil
}

// KeysOf holds one key of one owner, without a directory.
func KeysOf(owner string, public ed25519.PublicKey) *Keys {
	return &Keys{owners: map[string]map[string]ed25519.PublicKey{owner: {KeyID(public): public}}}
}

// Verify returns ErrSignature unless signature is by that key of that owner over message.
func (k *Keys) Verify(owner, keyID string, message, signature []byte) error {
	public, ok := k.find(owner, keyID)
	if !ok {
		return fmt.Errorf("key is not known: %w", ErrSignature)
	}
	if !ed25519.Verify(public, message, signature) {
		return ErrSignature
	}
	return nil
}

func (k *Keys) find(owner, keyID string) (ed25519.PublicKey, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dir != "" && k.now().Sub(k.read) >= keysAge {
		k.read = k.now()
		if owners, err := readKeys(k.dir); err != nil {
			slog.Warn("public keys not read again, the old ones stay", slog.Any("error", err))
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
