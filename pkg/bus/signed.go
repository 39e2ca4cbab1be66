package bus

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"
)

// Headers of a signed message that is no event.
const (
	headerKeyID     = "Pari-Key-Id"
	headerSignature = "Pari-Signature"
)

// SignedMsg writes a heartbeat or a watermark for its subject. The signature covers the subject, the name of the message
// and its bytes, so that it holds for no other line and for nothing else. It does not stop an old one from being sent
// again: what these messages say must be harmless when it comes late.
func SignedMsg(subject string, m proto.Message, s *Signer) (*nats.Msg, error) {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("signed message: %w", err)
	}
	signature := s.Sign(signedBytes(subject, m, data))
	return &nats.Msg{Subject: subject, Data: data, Header: nats.Header{
		headerKeyID:     []string{s.KeyID()},
		headerSignature: []string{base64.StdEncoding.EncodeToString(signature)},
	}}, nil
}

// OpenMsg reads into m what SignedMsg wrote, when owner signed it. It returns ErrSignature otherwise.
func OpenMsg(msg *nats.Msg, owner string, keys *Keys, m proto.Message) error {
	signature, err := base64.StdEncoding.DecodeString(msg.Header.Get(headerSignature))
	if err != nil {
		return ErrSignature
	}
	if err := keys.Verify(owner, msg.Header.Get(headerKeyID), signedBytes(msg.Subject, m, msg.Data), signature); err != nil {
		return err
	}
	if err := proto.Unmarshal(msg.Data, m); err != nil {
		return fmt.Errorf("signed message: %w", ErrNotEvent)
	}
	return nil
}

func signedBytes(subject string, m proto.Message, data []byte) []byte {
	b := append([]byte(nil), "pari.signed.v1\n"...)
	for _, part := range [][]byte{[]byte(subject), []byte(m.ProtoReflect().Descriptor().FullName()), data} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	return b
}
