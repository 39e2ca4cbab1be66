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
	// partSize is how much of a document one answer holds; brokers carry twice as much.
	partSize = 64 << 10
	// maxPacked and maxDocument bound what a node takes: thirty times a network of 4,000 offices.
	maxPacked, maxDocument = 64 << 20, 512 << 20
)

// pack writes a document as it travels. The same document is the same bytes, whichever copy of the service packs it.
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

// unpack reads what pack wrote.
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
		return nil, errors.New("unpack directory: the document is too large")
	}
	doc := &directoryv1.CopyDocument{}
	if err := proto.Unmarshal(raw, doc); err != nil {
		return nil, fmt.Errorf("unpack directory: %w", err)
	}
	return doc, nil
}

func nonce() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:])
	return hex.EncodeToString(raw[:])
}
