package bus_test

import (
	"errors"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/retepari/pari/pkg/bus"
)

func message(t testing.TB) *nats.Msg {
	t.Helper()
	e := signed(t)
	m, err := e.Msg()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestParse_reads_what_Msg_writes(t *testing.T) {
	t.Parallel()
	want := signed(t)
	want.Subject = `a "b" 100% è` // everything that the encoding must carry
	want.Sign(testSigner())
	m, err := want.Msg()
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Header["ce-subject"][0]; got != "a%20%22b%22%20100%25%20%C3%A8" {
		t.Fatalf("subject is written %s", got)
	}
	got, err := bus.Parse(m.Subject, m.Header, m.Data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	// Ensure that a resend is the same event under another message id.
	again, err := want.ResendMsg(3)
	if err != nil {
		t.Fatal(err)
	}
	if id := again.Header.Get(nats.MsgIdHdr); id != want.ID+".r3" {
		t.Fatalf("message id is %s", id)
	}
	if got, err = bus.Parse(again.Subject, again.Header, again.Data); err != nil || got.ID != want.ID {
		t.Fatalf("id %s, %v", got.ID, err)
	}
}

func TestParse_is_lenient_in_writing(t *testing.T) {
	t.Parallel()
	want := signed(t)
	for name, change := range map[string]func(nats.Header){
		"other case":           func(h nats.Header) { h["CE-Type"] = h["ce-type"]; delete(h, "ce-type") },
		"needless encoding":    func(h nats.Header) { h["ce-subject"] = []string{"%62%38a1"} },
		"lower-case digits":    func(h nats.Header) { h["ce-type"] = []string{"it%2epari.report.counted.v1"} },
		"quoted":               func(h nats.Header) { h["ce-subject"] = []string{`"b8\a1"`} },
		"white space":          func(h nats.Header) { h["ce-subject"] = []string{" b8a1 "} },
		"unknown attribute":    func(h nats.Header) { h["ce-colour"] = []string{"blue"} },
		"unknown header":       func(h nats.Header) { h["X-Anything"] = []string{"%zz"} },
		"content type param":   func(h nats.Header) { h["ce-datacontenttype"] = []string{"Application/Protobuf;%20charset=binary"} },
		"plain content type":   func(h nats.Header) { h["Content-Type"] = h["ce-datacontenttype"]; delete(h, "ce-datacontenttype") },
		"plain trace context":  func(h nats.Header) { h["traceparent"] = h["ce-traceparent"]; delete(h, "ce-traceparent") },
		"no message id at all": func(h nats.Header) { delete(h, nats.MsgIdHdr) },
	} {
		t.Run(name, func(t *testing.T) {
			m := message(t)
			change(m.Header)
			got, err := bus.Parse(m.Subject, m.Header, m.Data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func TestParse_is_strict_in_meaning(t *testing.T) {
	t.Parallel()
	set := func(attribute string, values ...string) func(*nats.Msg) {
		return func(m *nats.Msg) { m.Header["ce-"+attribute] = values }
	}
	for name, c := range map[string]struct {
		change func(*nats.Msg)
		want   error
	}{
		"no header at all":     {func(m *nats.Msg) { m.Header = nil }, bus.ErrNotEvent},
		"structured mode":      {func(m *nats.Msg) { m.Header = nats.Header{"Content-Type": {"application/cloudevents+json"}} }, bus.ErrNotEvent},
		"other version":        {set("specversion", "0.3"), bus.ErrNotEvent},
		"json":                 {set("datacontenttype", "application/json"), bus.ErrNotEvent},
		"twice":                {set("type", "it.pari.report.counted.v1", "it.pari.report.counted.v2"), bus.ErrNotEvent},
		"twice by case":        {func(m *nats.Msg) { m.Header["CE-ID"] = m.Header["ce-id"] }, bus.ErrNotEvent},
		"broken encoding":      {set("subject", "a%2"), bus.ErrNotEvent},
		"not text":             {set("subject", "%ff"), bus.ErrNotEvent},
		"restricted":           {set("dataclassification", "restricted"), bus.ErrClassification},
		"not classified":       {func(m *nats.Msg) { delete(m.Header, "ce-dataclassification") }, bus.ErrClassification},
		"id in capitals":       {set("id", "3F1D2C4B-5A69-4788-9C0B-1A2B3C4D5E6F"), bus.ErrIncomplete},
		"no subject":           {set("subject", ""), bus.ErrIncomplete},
		"sequence 0":           {set("nodeseq", "0"), bus.ErrIncomplete},
		"sequence overflows":   {set("nodeseq", "9223372036854775808"), bus.ErrIncomplete},
		"no aggregate seq":     {func(m *nats.Msg) { delete(m.Header, "ce-aggregateseq") }, bus.ErrIncomplete},
		"short previous hash":  {set("prevhash", "q6s="), bus.ErrIncomplete},
		"no signature":         {func(m *nats.Msg) { delete(m.Header, "ce-signature") }, bus.ErrIncomplete},
		"foreign source":       {set("source", "https://example.org"), bus.ErrName},
		"wildcard in source":   {set("source", "/region/lombardia/node/*/intake"), bus.ErrName},
		"foreign type":         {set("type", "org.example.thing.v1"), bus.ErrName},
		"type without version": {set("type", "it.pari.report.counted"), bus.ErrName},
		"other subject":        {func(m *nats.Msg) { m.Subject = "pari.v1.lombardia.milano.events.intake.report.counted.v1" }, bus.ErrSubject},
		"type of other tail":   {set("type", "it.pari.report.counted.v2"), bus.ErrSubject},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := message(t)
			c.change(m)
			if _, err := bus.Parse(m.Subject, m.Header, m.Data); !errors.Is(err, c.want) {
				t.Fatalf("got %v, wants %v", err, c.want)
			}
		})
	}
}

func TestMsg_refuses_what_cannot_travel(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*bus.Event){
		"unsigned":           func(e *bus.Event) { e.Signature = nil },
		"not numbered":       func(e *bus.Event) { e.NodeSeq = 0 },
		"no pseudonym":       func(e *bus.Event) { e.Subject = "" },
		"dot in a node name": func(e *bus.Event) { e.Partition.Node = "a.b" },
		"type with wildcard": func(e *bus.Event) { e.Type = "it.pari.>.v1" },
	} {
		t.Run(name, func(t *testing.T) {
			e := signed(t)
			change(&e)
			if _, err := e.Msg(); err == nil {
				t.Fatal("was written")
			}
		})
	}
}

// FuzzParse ensures that Parse never panics, and that what it accepts is written again to the same meaning.
func FuzzParse(f *testing.F) {
	m := message(f)
	f.Add(m.Subject, m.Header["ce-type"][0], m.Header["ce-source"][0], m.Header["ce-subject"][0], m.Header["ce-nodeseq"][0], m.Header["ce-prevhash"][0], "x", []byte("x"))
	f.Add("", "%", `"\`, "%C3", "-1", "=", "ce-id", []byte(nil))
	f.Fuzz(func(t *testing.T, subject, eventType, source, aggregate, seq, prev, extra string, data []byte) {
		h := maps.Clone(message(t).Header)
		h["ce-type"], h["ce-source"], h["ce-subject"] = []string{eventType}, []string{source}, []string{aggregate}
		h["ce-nodeseq"], h["ce-prevhash"], h[extra] = []string{seq}, []string{prev}, []string{aggregate}
		e, err := bus.Parse(subject, h, data)
		if err != nil {
			return
		}
		m, err := e.Msg()
		if err != nil {
			t.Fatalf("accepted, but cannot be written: %v", err)
		}
		if m.Subject != subject {
			t.Fatalf("came on %q, would leave on %q", subject, m.Subject)
		}
		again, err := bus.Parse(m.Subject, m.Header, m.Data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, again); diff != "" {
			t.Fatal(diff)
		}
	})
}
