package bus

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// Hash is a SHA-256 sum.
type Hash [sha256.Size]byte

// Genesis is the previous hash of the first event of a partition.
var Genesis Hash

// Event is one event of a partition, as it travels. It must not name a person or reveal a day: it holds months, codes
// and pseudonyms only. For the same reason it has no time attribute, and ID is random, not ordered by time.
type Event struct {
	ID           string // UUID; also the Nats-Msg-Id of the first sending
	Type         string // for instance it.pari.case.opened.v1
	Partition    Partition
	Subject      string // pseudonym of the aggregate
	AggregateSeq int64  // 1, 2, 3 … within the aggregate
	NodeSeq      int64  // 1, 2, 3 … within the partition
	PrevHash     Hash   // hash of the event with NodeSeq-1
	Data         []byte // protobuf
	Traceparent  string // W3C trace context of the causing call; not signed, may be empty
	KeyID        string
	Signature    []byte
}

// ErrIncomplete is returned for an event without a required attribute.
var ErrIncomplete = errors.New("bus: event is incomplete")

// Canonical returns the bytes that are signed and hashed. They are
//
//	the 14 bytes "pari.event.v1\n"
//	u32 len, ID                            all lengths and numbers big-endian
//	u32 len, Type
//	u32 len, Partition.URI()
//	u32 len, Subject
//	u64 AggregateSeq
//	u64 NodeSeq
//	32 bytes PrevHash
//	32 bytes SHA-256 of Data
//
// The lengths make the encoding unambiguous. The prefix keeps a signature from being valid for anything else.
func (e *Event) Canonical() []byte {
	b := make([]byte, 0, 256)
	b = append(b, "pari.event.v1\n"...)
	for _, s := range []string{e.ID, e.Type, e.Partition.URI(), e.Subject} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(e.AggregateSeq))
	b = binary.BigEndian.AppendUint64(b, uint64(e.NodeSeq))
	b = append(b, e.PrevHash[:]...)
	sum := sha256.Sum256(e.Data)
	return append(b, sum[:]...)
}

// Hash is the SHA-256 of Canonical: the PrevHash of the next event of the partition.
func (e *Event) Hash() Hash { return sha256.Sum256(e.Canonical()) }

// Sign sets KeyID and Signature.
func (e *Event) Sign(s *Signer) {
	e.KeyID, e.Signature = s.KeyID(), s.Sign(e.Canonical())
}

// Verify checks the signature against the keys of the node that the event names. It returns ErrSignature when none
// fits.
func (e *Event) Verify(keys *PublicKeys) error {
	return keys.Verify(e.Partition.Owner(), e.KeyID, e.Canonical(), e.Signature)
}

// Check returns ErrIncomplete or ErrName when Msg would not encode the event.
func (e *Event) Check() error {
	switch {
	case !validID(e.ID):
		return fmt.Errorf("id: %w", ErrIncomplete)
	case e.Subject == "" || len(e.Subject) > 200:
		return fmt.Errorf("subject: %w", ErrIncomplete)
	case e.AggregateSeq < 1:
		return fmt.Errorf("aggregate sequence: %w", ErrIncomplete)
	case e.NodeSeq < 1:
		return fmt.Errorf("node sequence: %w", ErrIncomplete)
	case e.KeyID == "" || len(e.Signature) == 0:
		return fmt.Errorf("signature: %w", ErrIncomplete)
	}
	_, err := e.Partition.EventSubject(e.Type)
	return err
}
