package bus

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"
)

// Headers of a signed message that is not an event.
const (
	headerKeyID     = "Pari-Key-Id"
	headerSignature = "Pari-Signature"
)

// SignMessage encodes a heartbeat, a watermark or another message for its subject. The signature covers the subject,
// the message type and the bytes, so it holds for no other partition and no other type. It does not prevent replay:
// what these messages say must be harmless when it comes late.
func SignMessage(subject string, m proto.Message, s *Signer) (*nats.Msg, error) {
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

// VerifyMessage decodes into m what SignMessage encoded, if owner signed it. It returns ErrSignature otherwise.
func VerifyMessage(msg *nats.Msg, owner string, keys *PublicKeys, m proto.Message) error {
	signature, err := base64.StdEncoding.DecodeString(msg.Header.Get(headerSignature))
	if err != nil {
		return ErrSignature
	}
	keyID, signed := msg.Header.Get(headerKeyID), signedBytes(msg.Subject, m, msg.Data)
	if err := keys.Verify(owner, keyID, signed, signature); err != nil {
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
