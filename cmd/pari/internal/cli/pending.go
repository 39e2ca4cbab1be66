package cli

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// pendingRetention is how long the id of a request without an answer is used again. It is longer than services keep
// ids: they refuse an attempt that is too late, where a new id would store the same report twice.
const pendingRetention = 180 * 24 * time.Hour

// pendingRequest is a write that has no answer yet. Its file is named after a keyed hash of the person, the service and
// the content, and holds none of them.
type pendingRequest struct {
	RequestID string `json:"request_id"`
	// Version of the record that was sent; 0 when the request has none.
	Version int64 `json:"version,omitempty"`
	// SentAt is the time of the first attempt.
	SentAt time.Time `json:"sent_at"`
}

// start chooses the request id and sets the time of the first attempt, where this is it.
func (p *pendingRequest) start(now time.Time) {
	if p.RequestID == "" {
		p.RequestID = uuid.NewString()
	}
	if p.SentAt.IsZero() {
		p.SentAt = now
	}
}

func (c *cli) pendingDir() string { return filepath.Join(c.sessionsDir(), "pending") }

// pendingFile returns the path of the file for a request of this person to this node, whatever its request id.
func (c *cli) pendingFile(req proto.Message) (string, error) {
	key, err := c.pendingKey()
	if err != nil {
		return "", err
	}
	content := proto.Clone(req)
	clearField(content, "request_id")
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(content)
	if err != nil {
		return "", fmt.Errorf("request id: %w", err)
	}
	mac := hmac.New(sha256.New, key)
	for _, part := range []string{c.user, c.node, string(req.ProtoReflect().Descriptor().FullName()), string(raw)} {
		_, _ = fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	return filepath.Join(c.pendingDir(), hex.EncodeToString(mac.Sum(nil))+".json"), nil
}

// pendingKey returns the key of the hashes. The first call creates it.
func (c *cli) pendingKey() ([]byte, error) {
	path := filepath.Join(c.pendingDir(), "key")
	if err := os.MkdirAll(c.pendingDir(), 0o700); err != nil {
		return nil, folderError(path, err)
	}
	key, err := os.ReadFile(path)
	if err == nil && len(key) == sha256.Size {
		return key, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, unreadable(path, err)
	}
	key = make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails
	if err := os.WriteFile(path, key, 0o600); err != nil {
		return nil, folderError(path, err)
	}
	return key, nil
}

// loadPending returns the pending request of a file; found is false when there is none, or none that is recent.
func loadPending(file string) (p pendingRequest, found bool) {
	raw, err := os.ReadFile(file)
	if err != nil || json.Unmarshal(raw, &p) != nil || p.RequestID == "" {
		return pendingRequest{}, false
	}
	if time.Since(p.SentAt) >= pendingRetention {
		return pendingRequest{}, false
	}
	return p, true
}

// removePending removes the file of a request that was answered.
func removePending(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return folderError(file, err)
	}
	return nil
}

// removeAnswered removes the files of the requests whose answers were written.
func (c *cli) removeAnswered() (err error) {
	for _, file := range c.answered {
		err = errors.Join(err, removePending(file))
	}
	return err
}

// folderError says that a file in the folder of the network cannot be written.
func folderError(path string, err error) error {
	dir := filepath.Dir(path)
	failed := errorf(
		"%[1]s: non si può scrivere (%[2]v); pari conserva lì sessioni e richieste senza risposta",
		"%[1]s: not writable (%[2]v); pari stores sessions and requests without an answer there", dir, causeOf(err))
	failed.cause = err
	return failed.withHint("--dir CARTELLA, PARI_DIR")
}

// causeOf returns what the operating system says of a failed operation, without operation and path.
func causeOf(err error) error {
	var pathErr *fs.PathError
	var linkErr *os.LinkError
	switch {
	case errors.As(err, &pathErr):
		return pathErr.Err
	case errors.As(err, &linkErr):
		return linkErr.Err
	}
	return err
}

// save writes the file, and removes those that are too old.
func (p pendingRequest) save(file string) error {
	raw, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("request id: %w", err)
	}
	others, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*.json"))
	for _, other := range others {
		if info, err := os.Stat(other); err == nil && time.Since(info.ModTime()) > pendingRetention {
			_ = os.Remove(other)
		}
	}
	temporary := file + ".new"
	if err := os.WriteFile(temporary, raw, 0o600); err != nil {
		return folderError(file, err)
	}
	if err := os.Rename(temporary, file); err != nil {
		return folderError(file, err)
	}
	return nil
}

// clearField empties a field, where the message has it.
func clearField(m proto.Message, name protoreflect.Name) {
	if d := m.ProtoReflect().Descriptor().Fields().ByName(name); d != nil {
		m.ProtoReflect().Clear(d)
	}
}

// setField sets a field, where the message has it.
func setField(m proto.Message, name protoreflect.Name, v protoreflect.Value) {
	if d := m.ProtoReflect().Descriptor().Fields().ByName(name); d != nil {
		m.ProtoReflect().Set(d, v)
	}
}
