package bus_test

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/bus"
	feedv1 "github.com/retepari/pari/proto/gen/pari/feed/v1"
)

// Ensure a message is accepted exactly as its owner signed it.
func TestVerifyMessage(t *testing.T) {
	t.Parallel()
	keys := bus.NewPublicKeys("centre", testSigner().Public())
	watermark := &feedv1.Watermark{Source: "intake", AcknowledgedSeq: 7}
	sign := func(m proto.Message) *nats.Msg {
		msg, err := bus.SignMessage(cremona.WatermarkSubject(), m, testSigner())
		if err != nil {
			t.Fatal(err)
		}
		return msg
	}
	var got feedv1.Watermark
	if err := bus.VerifyMessage(sign(watermark), "centre", keys, &got); err != nil || !proto.Equal(&got, watermark) {
		t.Fatalf("got %v, %v", &got, err)
	}
	for name, forge := range map[string]func(*nats.Msg){
		"data":         func(m *nats.Msg) { m.Data = append(m.Data, 0x18, 1) },
		"subject":      func(m *nats.Msg) { m.Subject = "pari.down.v1.lombardia.milano.watermark.intake" },
		"no signature": func(m *nats.Msg) { m.Header = nil },
		"bad base64":   func(m *nats.Msg) { m.Header["Pari-Signature"] = []string{"?"} },
		"unknown key":  func(m *nats.Msg) { m.Header["Pari-Key-Id"] = []string{"?"} },
		// Its bytes may agree with those of a watermark.
		"another type": func(m *nats.Msg) { *m = *sign(&feedv1.Heartbeat{Source: "intake", LastSeq: 7}) },
	} {
		m := sign(watermark)
		forge(m)
		if err := bus.VerifyMessage(m, "centre", keys, &feedv1.Watermark{}); !errors.Is(err, bus.ErrSignature) {
			t.Errorf("%s: got %v, want ErrSignature", name, err)
		}
	}
	if err := bus.VerifyMessage(sign(watermark), "lombardia.cremona", keys, &got); !errors.Is(err, bus.ErrSignature) {
		t.Errorf("another owner: got %v, want ErrSignature", err)
	}
}

// Ensure a signed message that does not decode is refused.
func TestVerifyMessage_RefusesOtherBytes(t *testing.T) {
	t.Parallel()
	// Unknown fields are encoded as they are, so these bytes can be signed and do not decode.
	var unknown feedv1.Watermark
	unknown.ProtoReflect().SetUnknown([]byte{0x0a, 0x02, 0xff, 0xfe}) // field 1, a string that is not UTF-8
	m, err := bus.SignMessage("subject", &unknown, testSigner())
	if err != nil {
		t.Fatal(err)
	}
	keys := bus.NewPublicKeys("centre", testSigner().Public())
	if err := bus.VerifyMessage(m, "centre", keys, &feedv1.Watermark{}); !errors.Is(err, bus.ErrNotEvent) {
		t.Errorf("got %v, want ErrNotEvent", err)
	}
}
