package replica

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/proto"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

const (
	// partSize limits the part of a document in one answer; the brokers accept messages of twice this size.
	partSize = 64 << 10
	// maxPacked and maxDocument limit what a node accepts: thirty times the directory of a network with 4,000 offices.
	maxPacked, maxDocument = 64 << 20, 512 << 20
)

// pack encodes and compresses a document. All servers pack the same document to the same bytes, so a node can get its
// parts from different servers.
func pack(doc *directoryv1.CopyDocument) ([]byte, error) {
	raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("pack directory: %w", err)
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return nil, fmt.Errorf("pack directory: %w", err)
	}
	_, err = w.Write(raw)
	if err = errors.Join(err, w.Close()); err != nil {
		return nil, fmt.Errorf("pack directory: %w", err)
	}
	return b.Bytes(), nil
}

// unpack reverses pack.
func unpack(packed []byte) (*directoryv1.CopyDocument, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack directory: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("unpack directory: %w", err)
	}
	if len(raw) > maxDocument {
		return nil, errors.New("unpack directory: document too large")
	}
	doc := &directoryv1.CopyDocument{}
	if err := proto.Unmarshal(raw, doc); err != nil {
		return nil, fmt.Errorf("unpack directory: %w", err)
	}
	return doc, nil
}

func newNonce() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:])
	return hex.EncodeToString(raw[:])
}
