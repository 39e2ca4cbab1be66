package outbox

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/retepari/pari/dev/testkit/natsserver"
	"github.com/retepari/pari/pkg/bus"
)

const ack = `{"stream": "PARI_EVENTS", "domain": "hub", "seq": 1}`

// fakeHub answers events with replies of the test's choice, where the real hub would need a cause for each.
type fakeHub struct {
	conn *nats.Conn

	mu       sync.Mutex
	received []*nats.Msg
	reply    func(m *nats.Msg) string // "" gives no answer
}

// newFakeHub starts a hub that refuses batches and acknowledges each event by itself.
func newFakeHub(t *testing.T) *fakeHub {
	t.Helper()
	s, err := natsserver.Start(t.Context(), `listen: "127.0.0.1:-1"`, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	h := &fakeHub{reply: refuseBatches}
	if h.conn, err = nats.Connect(s.URL()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.conn.Close)
	if _, err := h.conn.Subscribe("pari.>", h.handle); err != nil {
		t.Fatal(err)
	}
	return h
}

func refuseBatches(m *nats.Msg) string {
	if m.Header.Get(headerBatch) != "" {
		return `{"error": {"code": 400, "err_code": 10199, "description": "batch publish is disabled"}}`
	}
	return ack
}

func (h *fakeHub) handle(m *nats.Msg) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.received = append(h.received, m)
	if reply := h.reply(m); reply != "" && m.Reply != "" {
		_ = m.Respond([]byte(reply))
	}
}

func (h *fakeHub) setReply(reply func(*nats.Msg) string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.reply, h.received = reply, nil
}

// failAfter acknowledges n events that come by themselves, and no more.
func (h *fakeHub) failAfter(n int) {
	h.setReply(func(m *nats.Msg) string {
		if reply := refuseBatches(m); reply != ack {
			return reply
		}
		if n--; n >= 0 {
			return ack
		}
		return `{"error": {"code": 503, "err_code": 10023, "description": "insufficient resources"}}`
	})
}

// messages returns what was received outside batches, and in batches, since the last call.
func (h *fakeHub) messages() (alone, batched []*nats.Msg) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range h.received {
		if m.Header.Get(headerBatch) == "" {
			alone = append(alone, m)
		} else {
			batched = append(batched, m)
		}
	}
	h.received = nil
	return alone, batched
}

// take formats the sequence numbers of the events received outside batches, with the suffix of a resend.
func (h *fakeHub) take() string {
	alone, _ := h.messages()
	var parts []string
	for _, m := range alone {
		_, suffix, _ := strings.Cut(m.Header.Get(nats.MsgIdHdr), ".")
		parts = append(parts, strings.TrimSuffix(m.Header.Get("ce-nodeseq")+"."+suffix, "."))
	}
	return strings.Join(parts, " ")
}

func (h *fakeHub) leader(ackWait time.Duration) *leader {
	return &leader{r: newTestRelay(Config{Conn: h.conn, AckWait: ackWait})}
}

func testMessages(n int) []*msg {
	msgs := make([]*msg, n)
	for i := range msgs {
		msgs[i] = &msg{Subject: "pari.event", Header: nats.Header{"ce-nodeseq": {fmt.Sprint(i + 1)}}}
	}
	return msgs
}

// Ensure only the acknowledgement of the hub's own stream counts, and a refusal differs from a hub that cannot
// store now.
func TestLeader_Request(t *testing.T) {
	t.Parallel()
	h := newFakeHub(t)
	fail := func(code, errCode int) string {
		return fmt.Sprintf(`{"error": {"code": %d, "err_code": %d, "description": "x"}}`, code, errCode)
	}
	for name, c := range map[string]struct {
		reply       string
		ok, refused bool
	}{
		"stored":               {ack, true, false},
		"a duplicate":          {`{"stream": "PARI_EVENTS", "domain": "hub", "duplicate": true}`, true, false},
		"another stream":       {`{"stream": "OTHER", "domain": "hub"}`, false, false},
		"another domain":       {`{"stream": "PARI_EVENTS", "domain": "leaf"}`, false, false},
		"no domain":            {`{"stream": "PARI_EVENTS"}`, false, false},
		"not JSON":             {"stored", false, false},
		"refused":              {fail(400, 10054), false, true},
		"refused, highest":     {fail(499, 1), false, true},
		"cannot store now":     {fail(500, 10077), false, false},
		"too many batches":     {fail(400, codeTooManyBatches), false, false},
		"error and stream too": {strings.Replace(ack, "{", `{"error": {"code": 400}, `, 1), false, true},
	} {
		h.setReply(func(*nats.Msg) string { return c.reply })
		err := h.leader(5*time.Second).request(t.Context(), testMessages(1)[0])
		var refused *refusal
		if (err == nil) != c.ok || errors.As(err, &refused) != c.refused {
			t.Errorf("%s: %v, want ok %t, refused %t", name, err, c.ok, c.refused)
		}
	}
	h.setReply(func(*nats.Msg) string { return "" })
	start := time.Now()
	if err := h.leader(100*time.Millisecond).request(t.Context(), testMessages(1)[0]); err == nil {
		t.Error("an event without an answer was acknowledged")
	}
	if took := time.Since(start); took < 100*time.Millisecond || took > 4*time.Second {
		t.Errorf("gave up after %s, want AckWait", took)
	}
	var refused *refusal
	tooLarge := testMessages(1)[0]
	tooLarge.Data = make([]byte, h.conn.MaxPayload()+1)
	if err := h.leader(time.Second).request(t.Context(), tooLarge); !errors.As(err, &refused) {
		t.Errorf("too large: %v, want a refusal", err)
	}
	for _, n := range []int{1, 2} {
		msgs := testMessages(n)
		msgs[0].Data = tooLarge.Data
		if stored, err := h.leader(time.Second).publish(t.Context(), msgs); stored != 0 || !errors.As(err, &refused) {
			t.Errorf("too large, first of %d: stored %d, %v; want a refusal", n, stored, err)
		}
	}
}

// Ensure several events go as one batch and a single one by itself.
func TestLeader_PublishBatch(t *testing.T) {
	t.Parallel()
	h := newFakeHub(t)
	h.setReply(func(m *nats.Msg) string {
		if m.Header.Get(headerBatch) != "" && m.Header.Get(headerCommit) == "" {
			return ""
		}
		return ack
	})
	l := h.leader(5 * time.Second)
	if n, err := l.publish(t.Context(), testMessages(1)); n != 1 || err != nil {
		t.Fatalf("one: %d, %v", n, err)
	}
	if alone, batched := h.messages(); len(alone) != 1 || len(batched) != 0 {
		t.Errorf("one: %d alone, %d in a batch", len(alone), len(batched))
	}
	msgs := testMessages(3)
	if n, err := l.publish(t.Context(), msgs); n != 3 || err != nil {
		t.Fatalf("three: %d, %v", n, err)
	}
	alone, batched := h.messages()
	if len(alone) != 0 || len(batched) != 3 {
		t.Fatalf("three: %d alone, %d in a batch", len(alone), len(batched))
	}
	for i, m := range batched {
		commit := map[bool]string{true: "1"}[i == 2]
		if m.Header.Get(headerBatch) != batched[0].Header.Get(headerBatch) ||
			m.Header.Get(headerBatchSeq) != fmt.Sprint(i+1) || m.Header.Get(headerCommit) != commit {
			t.Errorf("message %d has headers %v", i, m.Header)
		}
		if len(msgs[i].Header) != 1 {
			t.Errorf("message %d retains headers %v", i, msgs[i].Header)
		}
	}
}

// Ensure a refused batch is sent event by event up to the first that fails, and a batch without an answer is not: the
// hub may have stored it.
func TestLeader_PublishFallsBack(t *testing.T) {
	t.Parallel()
	h := newFakeHub(t)
	l := h.leader(5 * time.Second)
	if n, err := l.publish(t.Context(), testMessages(3)); n != 3 || err != nil {
		t.Errorf("batch refused: %d, %v", n, err)
	}
	if got := h.take(); got != "1 2 3" {
		t.Errorf("sent by itself: %s", got)
	}
	h.failAfter(2)
	if n, err := l.publish(t.Context(), testMessages(4)); n != 2 || err == nil {
		t.Errorf("third fails: %d, %v", n, err)
	}
	if got := h.take(); got != "1 2 3" {
		t.Errorf("sent by itself: %s", got)
	}
	h.setReply(func(*nats.Msg) string { return "" })
	if n, err := h.leader(50*time.Millisecond).publish(t.Context(), testMessages(3)); n != 0 || err == nil {
		t.Errorf("no answer: %d, %v", n, err)
	}
	if got := h.take(); got != "" {
		t.Errorf("sent by itself: %s", got)
	}
}

// Ensure an event that cannot be encoded is a refusal, which stops the partition and is logged as such.
func TestMessages_RefusesWhatCannotBeEncoded(t *testing.T) {
	t.Parallel()
	encode := func(e *bus.Event) (*msg, error) { return e.Msg() }
	var refused *refusal
	if _, err := messages(make([]bus.Event, 1), encode); !errors.As(err, &refused) {
		t.Errorf("got %v", err)
	}
}
