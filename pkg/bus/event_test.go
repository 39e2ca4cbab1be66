package bus_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/pkg/bus"
)

const eventType = "it.pari.report.counted.v1"

var cremona = bus.Partition{Tenant: bustest.Cremona, Source: "intake"}

func testSigner() *bus.Signer {
	return bus.NewSigner(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize)))
}

func sample() bus.Event {
	return bus.Event{
		ID: "3f1d2c4b-5a69-4788-9c0b-1a2b3c4d5e6f", Type: eventType, Partition: cremona,
		Subject: "b8a1", AggregateSeq: 1, NodeSeq: 42, PrevHash: bus.Hash(bytes.Repeat([]byte{0xab}, 32)),
		Data:        []byte{0x0a, 0x05, 'h', 'e', 'l', 'l', 'o'},
		Traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	}
}

func signed(t testing.TB) bus.Event {
	t.Helper()
	e := sample()
	e.Sign(testSigner())
	return e
}

// The golden vectors are the contract with every other reader of the feed: they never change for version 1.
func TestEvent_GoldenVector(t *testing.T) {
	t.Parallel()
	e := signed(t)
	hash := e.Hash()
	for _, c := range []struct{ name, got, want string }{
		{"canonical bytes", hex.EncodeToString(e.Canonical()), goldenCanonical},
		{"hash", hex.EncodeToString(hash[:]), goldenHash},
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
		"ce-specversion": {"1.0"}, "ce-id": {e.ID}, "ce-type": {eventType},
		"ce-source": {"/region/lombardia/node/cremona/intake"}, "ce-subject": {"b8a1"},
		"ce-datacontenttype": {"application/protobuf"}, "ce-dataclassification": {"internal"},
		"ce-aggregateseq": {"1"}, "ce-nodeseq": {"42"},
		"ce-prevhash":  {"q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="},
		"ce-signature": {goldenSignature}, "ce-keyid": {goldenKeyID},
		"ce-traceparent": {e.Traceparent}, "Nats-Msg-Id": {e.ID},
	}
	if diff := cmp.Diff(want, m.Header); diff != "" { // nothing more may leave a node
		t.Error(diff)
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
	// Ensure a change of any signed field is detected.
	for name, forge := range map[string]func(*bus.Event){
		"id":                 func(e *bus.Event) { e.ID = "3f1d2c4b-5a69-4788-9c0b-1a2b3c4d5e60" },
		"type":               func(e *bus.Event) { e.Type = "it.pari.report.counted.v2" },
		"region":             func(e *bus.Event) { e.Partition.Tenant.Region = "piemonte" },
		"node":               func(e *bus.Event) { e.Partition.Tenant.Node = "milano" },
		"source":             func(e *bus.Event) { e.Partition.Source = "casemanagement" },
		"subject":            func(e *bus.Event) { e.Subject = "b8a2" },
		"aggregate sequence": func(e *bus.Event) { e.AggregateSeq++ },
		"node sequence":      func(e *bus.Event) { e.NodeSeq++ },
		"previous hash":      func(e *bus.Event) { e.PrevHash[31] ^= 1 },
		"data":               func(e *bus.Event) { e.Data = append([]byte{0}, e.Data...) },
		"key":                func(e *bus.Event) { e.KeyID = "0000000000000000" },
		"signature":          func(e *bus.Event) { e.Signature = append([]byte{1}, e.Signature[1:]...) },
		"no signature":       func(e *bus.Event) { e.Signature = nil },
		"moved boundary": func(e *bus.Event) {
			last := len(e.Type) - 1
			e.Type, e.Subject = e.Type[:last], e.Type[last:]+e.Subject
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := signed(t)
			forge(&e)
			if err := e.Verify(keys); !errors.Is(err, bus.ErrSignature) {
				t.Fatalf("got %v, want ErrSignature", err)
			}
		})
	}
	// Ensure the same key under another node's name does not verify it, also not under that of a namesake.
	for _, owner := range []string{"lombardia.milano", "piemonte.cremona"} {
		others := bus.NewPublicKeys(owner, testSigner().Public())
		if err := genuine.Verify(others); !errors.Is(err, bus.ErrSignature) {
			t.Fatalf("%s: got %v, want ErrSignature", owner, err)
		}
	}
}

// Ensure an event that no call caused has no trace header: an empty one would be an attribute without a value.
func TestEvent_MsgWithoutTrace(t *testing.T) {
	t.Parallel()
	e := signed(t)
	e.Traceparent = ""
	m, err := e.Msg()
	if err != nil {
		t.Fatal(err)
	}
	if values, ok := m.Header["ce-traceparent"]; ok {
		t.Errorf("the header is %q", values)
	}
}

// Ensure an event is complete exactly within the documented limits, so that the relay and the reader agree.
func TestEvent_Check(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*bus.Event)
		want   error
	}{
		"complete":               {func(*bus.Event) {}, nil},
		"first of its partition": {func(e *bus.Event) { e.NodeSeq, e.PrevHash = 1, bus.Genesis }, nil},
		"longest subject":        {func(e *bus.Event) { e.Subject = strings.Repeat("x", 200) }, nil},
		"no data":                {func(e *bus.Event) { e.Data = nil }, nil},
		"no trace":               {func(e *bus.Event) { e.Traceparent = "" }, nil},
		"id":                     {func(e *bus.Event) { e.ID = "1" }, bus.ErrIncomplete},
		"braced id":              {func(e *bus.Event) { e.ID = "{" + e.ID + "}" }, bus.ErrIncomplete},
		"no subject":             {func(e *bus.Event) { e.Subject = "" }, bus.ErrIncomplete},
		"subject too long":       {func(e *bus.Event) { e.Subject = strings.Repeat("x", 201) }, bus.ErrIncomplete},
		"aggregate sequence":     {func(e *bus.Event) { e.AggregateSeq = 0 }, bus.ErrIncomplete},
		"node sequence":          {func(e *bus.Event) { e.NodeSeq = 0 }, bus.ErrIncomplete},
		"no key id":              {func(e *bus.Event) { e.KeyID = "" }, bus.ErrIncomplete},
		"no signature":           {func(e *bus.Event) { e.Signature = nil }, bus.ErrIncomplete},
		"type":                   {func(e *bus.Event) { e.Type = "it.pari.>.v1" }, bus.ErrName},
		"region":                 {func(e *bus.Event) { e.Partition.Tenant.Region = "a.b" }, bus.ErrName},
		"node":                   {func(e *bus.Event) { e.Partition.Tenant.Node = "*" }, bus.ErrName},
		"source":                 {func(e *bus.Event) { e.Partition.Source = "" }, bus.ErrName},
	} {
		e := signed(t)
		c.change(&e)
		if err := e.Check(); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		if m, err := e.Msg(); !errors.Is(err, c.want) || (m == nil) != (c.want != nil) {
			t.Errorf("%s: encoded as %v, %v", name, m, err)
		}
	}
}
