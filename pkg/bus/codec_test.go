package bus_test

import (
	"errors"
	"maps"
	"strings"
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

func TestParse_DecodesMsg(t *testing.T) {
	t.Parallel()
	want := signed(t)
	want.Subject = `a "b" 100% è~` // every kind of character that the encoding distinguishes
	want.Sign(testSigner())
	m, err := want.Msg()
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Header["ce-subject"][0]; got != "a%20%22b%22%20100%25%20%C3%A8~" {
		t.Fatalf("subject is encoded as %s", got)
	}
	got, err := bus.Parse(m.Subject, m.Header, m.Data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	// Ensure a resend is the same event under another message id.
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

// Ensure the forms that other producers may use decode to the same event.
func TestParse_AcceptsOtherForms(t *testing.T) {
	t.Parallel()
	want := signed(t)
	for name, change := range map[string]func(nats.Header){
		"other case":        func(h nats.Header) { rename(h, "ce-type", "CE-Type") },
		"needless encoding": func(h nats.Header) { h["ce-subject"] = []string{"%62%38a1"} },
		"lower-case digits": func(h nats.Header) { h["ce-type"] = []string{"it%2epari.report.counted.v1"} },
		"quoted":            func(h nats.Header) { h["ce-subject"] = []string{`"b8\a1"`} },
		"white space":       func(h nats.Header) { h["ce-subject"] = []string{" b8a1 "} },
		"unknown attribute": func(h nats.Header) { h["ce-colour"] = []string{"blue"} },
		"unknown header":    func(h nats.Header) { h["X-Anything"] = []string{"%zz"} },
		"content type parameter": func(h nats.Header) {
			h["ce-datacontenttype"] = []string{"Application/Protobuf;%20charset=binary"}
		},
		"plain content type":  func(h nats.Header) { rename(h, "ce-datacontenttype", "Content-Type") },
		"plain trace context": func(h nats.Header) { rename(h, "ce-traceparent", "traceparent") },
		"no message id":       func(h nats.Header) { delete(h, nats.MsgIdHdr) },
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

func rename(h nats.Header, from, to string) {
	h[to] = h[from]
	delete(h, from)
}

// Ensure an event is refused, with the documented error, when any value is not what it must be.
func TestParse_RefusesInvalidEvents(t *testing.T) {
	t.Parallel()
	set := func(attribute string, values ...string) func(*nats.Msg) {
		return func(m *nats.Msg) { m.Header["ce-"+attribute] = values }
	}
	unset := func(attribute string) func(*nats.Msg) {
		return func(m *nats.Msg) { delete(m.Header, "ce-"+attribute) }
	}
	structured := func(m *nats.Msg) { m.Header = nats.Header{"Content-Type": {"application/cloudevents+json"}} }
	elsewhere := func(m *nats.Msg) { m.Subject = strings.Replace(m.Subject, "cremona", "milano", 1) }
	for name, c := range map[string]struct {
		change func(*nats.Msg)
		want   error
	}{
		"no header":            {func(m *nats.Msg) { m.Header = nil }, bus.ErrNotEvent},
		"structured mode":      {structured, bus.ErrNotEvent},
		"other version":        {set("specversion", "0.3"), bus.ErrNotEvent},
		"json":                 {set("datacontenttype", "application/json"), bus.ErrNotEvent},
		"no content type":      {unset("datacontenttype"), bus.ErrNotEvent},
		"twice":                {set("type", eventType, "it.pari.report.counted.v2"), bus.ErrNotEvent},
		"twice by case":        {func(m *nats.Msg) { m.Header["CE-ID"] = m.Header["ce-id"] }, bus.ErrNotEvent},
		"broken encoding":      {set("subject", "a%2"), bus.ErrNotEvent},
		"not hexadecimal":      {set("subject", "a%zz"), bus.ErrNotEvent},
		"not text":             {set("subject", "%ff"), bus.ErrNotEvent},
		"restricted":           {set("dataclassification", "restricted"), bus.ErrClassification},
		"not classified":       {unset("dataclassification"), bus.ErrClassification},
		"id in capitals":       {set("id", "3F1D2C4B-5A69-4788-9C0B-1A2B3C4D5E6F"), bus.ErrIncomplete},
		"no subject":           {set("subject", ""), bus.ErrIncomplete},
		"sequence 0":           {set("nodeseq", "0"), bus.ErrIncomplete},
		"sequence overflows":   {set("nodeseq", "9223372036854775808"), bus.ErrIncomplete},
		"no aggregate seq":     {unset("aggregateseq"), bus.ErrIncomplete},
		"aggregate overflows":  {set("aggregateseq", "9223372036854775808"), bus.ErrIncomplete},
		"no node seq":          {unset("nodeseq"), bus.ErrIncomplete},
		"short previous hash":  {set("prevhash", "q6s="), bus.ErrIncomplete},
		"hash not base64":      {set("prevhash", "?"), bus.ErrIncomplete},
		"more than a hash":     {set("prevhash", strings.Repeat("A", 43)+"=?"), bus.ErrIncomplete},
		"no signature":         {unset("signature"), bus.ErrIncomplete},
		"signature not base64": {set("signature", "AAAA?"), bus.ErrIncomplete},
		"foreign source":       {set("source", "https://example.org"), bus.ErrName},
		"wildcard in source":   {set("source", "/region/lombardia/node/*/intake"), bus.ErrName},
		"foreign type":         {set("type", "org.example.thing.v1"), bus.ErrName},
		"type without version": {set("type", "it.pari.report.counted"), bus.ErrName},
		"other subject":        {elsewhere, bus.ErrSubject},
		"type of other tail":   {set("type", "it.pari.report.counted.v2"), bus.ErrSubject},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := message(t)
			c.change(m)
			if got, err := bus.Parse(m.Subject, m.Header, m.Data); !errors.Is(err, c.want) {
				t.Fatalf("got %+v, %v; want %v", got, err, c.want)
			}
		})
	}
}

// Ensure quotes and backslashes of other producers are removed, and those that are part of the value stay.
func TestParse_Unquotes(t *testing.T) {
	t.Parallel()
	for encoded, want := range map[string]string{
		`"a"`: "a", `"a\"b"`: `a"b`, `"a\\b"`: `a\b`, `a"`: `a"`, `"a`: `"a`, `a\b`: `a\b`, `"`: `"`, `"a\"`: `a\`,
		"%22a%22": `"a"`,
	} {
		m := message(t)
		m.Header["ce-subject"] = []string{encoded}
		got, err := bus.Parse(m.Subject, m.Header, m.Data)
		if err != nil || got.Subject != want {
			t.Errorf("%s: got %q, %v; want %q", encoded, got.Subject, err, want)
		}
	}
	m := message(t)
	m.Header["ce-subject"] = []string{`""`}
	if got, err := bus.Parse(m.Subject, m.Header, m.Data); !errors.Is(err, bus.ErrIncomplete) {
		t.Errorf("empty quotes: got %q, %v", got.Subject, err)
	}
}

// FuzzParse ensures that Parse never panics, and that an event it accepts encodes and decodes to itself.
func FuzzParse(f *testing.F) {
	m := message(f)
	attribute := func(name string) string { return m.Header["ce-"+name][0] }
	f.Add(m.Subject, attribute("type"), attribute("source"), attribute("subject"), attribute("nodeseq"),
		attribute("prevhash"), "x", []byte("x"))
	f.Add(m.Subject, attribute("type"), attribute("source"), `"a\`, attribute("nodeseq"),
		attribute("prevhash"), `"\"`, []byte(`"`))
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
			t.Fatalf("accepted, but cannot be encoded: %v", err)
		}
		if m.Subject != subject {
			t.Fatalf("received on %q, sent on %q", subject, m.Subject)
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
