package bus_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/retepari/pari/pkg/bus"
)

var cremona = bus.Partition{Region: "lombardia", Node: "cremona", Source: "intake"}

func testSigner() *bus.Signer {
	return bus.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize)))
}

func sample() bus.Event {
	return bus.Event{
		ID: "3f1d2c4b-5a69-4788-9c0b-1a2b3c4d5e6f", Type: "it.pari.report.counted.v1", Partition: cremona,
		Subject: "b8a1", AggregateSeq: 1, NodeSeq: 42, PrevHash: bus.Hash(bytes.Repeat([]byte{0xab}, 32)),
		Data: []byte{0x0a, 0x05, 'h', 'e', 'l', 'l', 'o'}, Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	}
}

func signed(t testing.TB) bus.Event {
	t.Helper()
	e := sample()
	e.Sign(testSigner())
	return e
}

// The vectors below are the contract with every other reader of the feed: they never change for version 1.
func TestEvent_golden_vector(t *testing.T) {
	t.Parallel()
	e := signed(t)
	for _, c := range []struct{ name, got, want string }{
		{"canonical bytes", hex.EncodeToString(e.Canonical()), goldenCanonical},
		{"hash", hex.EncodeToString(func() []byte { h := e.Hash(); return h[:] }()), goldenHash},
		{"key id", e.KeyID, goldenKeyID},
		{"signature", base64.StdEncoding.EncodeToString(e.Signature), goldenSignature},
	} {
		if c.got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.name, c.got, c.want)
		}
	}
	m, err := e.Msg()
	if err != nil {
		t.Fatal(err)
	}
	want := nats.Header{
		"ce-specversion": {"1.0"}, "ce-id": {e.ID}, "ce-type": {"it.pari.report.counted.v1"}, "ce-source": {"/region/lombardia/node/cremona/intake"},
		"ce-subject": {"b8a1"}, "ce-datacontenttype": {"application/protobuf"}, "ce-dataclassification": {"internal"},
		"ce-aggregateseq": {"1"}, "ce-nodeseq": {"42"}, "ce-prevhash": {"q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="},
		"ce-signature": {goldenSignature}, "ce-keyid": {goldenKeyID}, "ce-traceparent": {e.Traceparent}, "Nats-Msg-Id": {e.ID},
	}
	for key, value := range want {
		if got := m.Header[key]; len(got) != 1 || got[0] != value[0] {
			t.Errorf("%s is %q, wants %q", key, got, value)
		}
	}
	if len(m.Header) != len(want) {
		t.Errorf("%d headers, wants %d: nothing more may leave a node", len(m.Header), len(want))
	}
	if m.Subject != "pari.v1.lombardia.cremona.events.intake.report.counted.v1" {
		t.Errorf("subject is %s", m.Subject)
	}
}

func TestEvent_Verify(t *testing.T) {
	t.Parallel()
	keys := bus.NewPublicKeys("lombardia.cremona", testSigner().Public())
	genuine := signed(t)
	if err := genuine.Verify(keys); err != nil {
		t.Fatal(err)
	}
	// Ensure that a change of anything that has a meaning is noticed.
	for name, forge := range map[string]func(*bus.Event){
		"id":                 func(e *bus.Event) { e.ID = "3f1d2c4b-5a69-4788-9c0b-1a2b3c4d5e60" },
		"type":               func(e *bus.Event) { e.Type = "it.pari.report.counted.v2" },
		"region":             func(e *bus.Event) { e.Partition.Region = "piemonte" },
		"node":               func(e *bus.Event) { e.Partition.Node = "milano" },
		"source":             func(e *bus.Event) { e.Partition.Source = "casemanagement" },
		"subject":            func(e *bus.Event) { e.Subject = "b8a2" },
		"aggregate sequence": func(e *bus.Event) { e.AggregateSeq++ },
		"node sequence":      func(e *bus.Event) { e.NodeSeq++ },
		"previous hash":      func(e *bus.Event) { e.PrevHash[31] ^= 1 },
		"data":               func(e *bus.Event) { e.Data = append([]byte{0}, e.Data...) },
		"key":                func(e *bus.Event) { e.KeyID = "0000000000000000" },
		"signature":          func(e *bus.Event) { e.Signature = append([]byte{1}, e.Signature[1:]...) },
		"no signature":       func(e *bus.Event) { e.Signature = nil },
		"moved boundary":     func(e *bus.Event) { e.Subject, e.Type = e.Type[len(e.Type)-1:]+e.Subject, e.Type[:len(e.Type)-1] },
	} {
		t.Run(name, func(t *testing.T) {
			e := signed(t)
			forge(&e)
			if err := e.Verify(keys); !errors.Is(err, bus.ErrSignature) {
				t.Fatalf("got %v, wants ErrSignature", err)
			}
		})
	}
	// Ensure that the key of another node does not do.
	if err := genuine.Verify(bus.NewPublicKeys("lombardia.milano", testSigner().Public())); !errors.Is(err, bus.ErrSignature) {
		t.Fatalf("got %v, wants ErrSignature", err)
	}
}
