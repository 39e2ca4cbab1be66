package replica_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/store"
)

// Ensure a new node gets everything, in several parts, and that all nodes get the changes.
func TestNode_Run_FollowsTheCentre(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.load(manyOffices(300)...)
	cremona, cuneo := e.startNode(bustest.Cremona, newNodePool(t)), e.startNode(bustest.Cuneo, newNodePool(t))
	e.waitForCopy(cremona, bustest.Cremona)
	e.waitForCopy(cuneo, bustest.Cuneo)
	bustest.Eventually(t, func() bool { return !cremona.ConfirmedAt().IsZero() })
	offices := manyOffices(300)
	for i := range 5 {
		offices[i].Name = "Altro sportello"
		e.load(append(offices, office(fmt.Sprintf("new-%d", i), "Nuovo"))...)
		offices = append(offices, office(fmt.Sprintf("new-%d", i), "Nuovo"))
		if at := e.waitForCopy(cremona, bustest.Cremona); at.Revision != int64(i+2) {
			t.Fatalf("at revision %d, want %d", at.Revision, i+2)
		}
		e.waitForCopy(cuneo, bustest.Cuneo)
	}
}

// Ensure two nodes of one name in two regions get their own hidden offices only.
func TestNode_Run_OfHomonyms(t *testing.T) {
	t.Parallel()
	livo := tenant.ID{Region: "lombardia", Node: "livo"}
	trentinoLivo := tenant.ID{Region: "trentino-alto-adige", Node: "livo"}
	e := newEnvOf(t, livo, trentinoLivo)
	e.centre = e.newCentre(100 * time.Millisecond)
	hiddenOf := func(id, region, node string) *directoryv1.Office {
		o := office(id, "Rifugio")
		o.Region, o.Node, o.Visibility = region, node, directoryv1.Visibility_VISIBILITY_HIDDEN
		return o
	}
	const lombardID, trentinoID = "riservato-aaaaaaaaaaaaaaaa", "riservato-bbbbbbbbbbbbbbbb"
	e.load(office("a", "A"), hiddenOf(lombardID, livo.Region, "livo"),
		hiddenOf(trentinoID, trentinoLivo.Region, "livo-trentino-alto-adige"))
	background(t, e.centre.Run)
	for of, want := range map[tenant.ID][]string{livo: {"a", lombardID}, trentinoLivo: {"a", trentinoID}} {
		c := e.startNode(of, newNodePool(t))
		e.waitForCopy(c, of)
		rows, err := c.pool.Query(t.Context(), `select id from entry order by id collate "C"`)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("the copy of %s holds %v, %v, want %v", of, got, err, want)
		}
	}
}

// Ensure a copy stays and its age grows while the link is down, and that the node catches up when the link is back.
func TestNode_Run_WithoutLink(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.load(office("a", "A"))
	c := e.startNode(bustest.Cremona, newNodePool(t))
	before := e.waitForCopy(c, bustest.Cremona)
	bustest.Eventually(t, func() bool { return !c.ConfirmedAt().IsZero() })
	e.net.Leaf(bustest.Cremona).Link.Cut()
	e.load(office("a", "B"))
	cut := time.Now()
	bustest.Eventually(t, func() bool { return time.Since(cut) > time.Second })
	if age := time.Since(c.ConfirmedAt()); age < time.Second/2 {
		t.Errorf("without a link for a second, the copy is %v old", age)
	}
	if got, err := store.GetCheckpoint(t.Context(), c.pool, bustest.Cremona); err != nil || got != before {
		t.Errorf("the copy has %+v, %v, want %+v", got, err, before)
	}
	// A node that starts without a link knows the age of its copy.
	c.stop()
	restarted := e.startNode(bustest.Cremona, c.pool)
	want := c.ConfirmedAt().Truncate(time.Microsecond)
	bustest.Eventually(t, func() bool { return restarted.ConfirmedAt().Equal(want) })
	e.net.Leaf(bustest.Cremona).Link.Heal()
	e.waitForCopy(restarted, bustest.Cremona)
	bustest.Eventually(t, func() bool { return restarted.ConfirmedAt().After(cut) })
}

// Ensure a transfer completes although the link breaks several times, and does not start again.
func TestNode_Run_ResumesATransfer(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.load(manyOffices(800)...)
	link := e.net.Leaf(bustest.Cremona).Link
	var offsets []int64
	observer := e.net.Centre("directory")
	if _, err := observer.Subscribe(bus.AllDirectoryRequests, func(m *nats.Msg) {
		var req directoryv1.CopyQuestion
		_ = proto.Unmarshal(m.Data, &req)
		if offsets = append(offsets, req.GetOffset()); len(offsets)%3 == 0 && len(offsets) < 12 {
			link.Cut()
			link.Heal()
		}
	}); err != nil {
		t.Fatal(err)
	}
	c := e.startNode(bustest.Cremona, newNodePool(t))
	e.waitForCopy(c, bustest.Cremona)
	c.stop()
	observer.Close()
	// After the first part, only the requests at the end, for the confirmation, have offset 0.
	first := slices.IndexFunc(offsets, func(o int64) bool { return o > 0 })
	for len(offsets) > 0 && offsets[len(offsets)-1] == 0 {
		offsets = offsets[:len(offsets)-1]
	}
	if first < 0 || len(offsets) < 12 || !slices.IsSorted(offsets) {
		t.Errorf("requests with the offsets %v: the transfer started again", offsets)
	}
}

// Ensure the node detects and repairs a copy that was changed by hand or has another history.
func TestNode_Run_RepairsACopy(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.load(office("a", "A"), office("b", "B"))
	c := e.startNode(bustest.Cremona, newNodePool(t))
	e.waitForCopy(c, bustest.Cremona)
	for name, damage := range map[string]string{
		"a lost entry": `delete from entry where id = 'a'`,
		"a foreign list": `
			insert into vocabulary (name, version, title_it, title_en, groups, terms, current, loaded_at, revision)
			values ('x', 1, '', '', '', '[]', true, now(), 1)`,
		"the future": `insert into entry (kind, id, revision, content, from_files, current, stored_at)
			select kind, 'later', 99, content, false, true, now() from entry limit 1`,
	} {
		if _, err := c.pool.Exec(t.Context(), damage); err != nil {
			t.Fatal(err)
		}
		t.Log(name)
		e.waitForCopy(c, bustest.Cremona)
	}
}

// Ensure the node accepts only answers that the centre signed for this node and this request.
func TestNode_Run_RefusesForgedAnswers(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.load(office("a", "A"))
	e.stop() // from here on only the forger answers
	forger, real := e.net.Signer("piemonte.cuneo"), e.net.Signer(bus.CentreOwner)
	nc := e.net.Centre("directory")
	answered := make(chan struct{}, 100)
	requests := 0
	if _, err := nc.Subscribe(bus.AllDirectoryRequests, func(m *nats.Msg) {
		var req directoryv1.CopyQuestion
		_ = proto.Unmarshal(m.Data, &req)
		signer, subject, nonce := forger, m.Subject, req.GetNonce()
		switch requests++; requests % 3 {
		case 1:
			signer, nonce = real, "an old one"
		case 2:
			signer, subject = real, bus.DirectoryRequest(bustest.Cuneo)
		}
		answer := &directoryv1.CopyAnswer{
			Nonce: nonce, Revision: req.GetKnownRevision(), Digest: req.GetKnownDigest(),
		}
		signed, err := bus.SignMessage(subject, answer, signer)
		if err != nil {
			t.Error(err)
		}
		signed.Subject = m.Reply
		_ = nc.PublishMsg(signed)
		answered <- struct{}{}
	}); err != nil {
		t.Fatal(err)
	}
	c := e.startNode(bustest.Cremona, newNodePool(t))
	for range 7 {
		select {
		case <-answered:
		case <-time.After(20 * time.Second):
			t.Fatal("the node sends no request")
		}
	}
	if !c.ConfirmedAt().IsZero() {
		t.Error("a forged answer made the copy look current")
	}
}

// Ensure the node refuses signed answers that do not match its request.
func TestNode_Run_RefusesMismatchedAnswers(t *testing.T) {
	t.Parallel()
	var empty bytes.Buffer
	if err := gzip.NewWriter(&empty).Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, problem string
		answer        *directoryv1.CopyAnswer
	}{
		{"another offset", "does not match the request",
			&directoryv1.CopyAnswer{Revision: 1, Digest: "x", Size: 10, Offset: 5, Part: []byte("x")}},
		{"an empty part", "does not match the request", &directoryv1.CopyAnswer{Revision: 1, Digest: "x", Size: 10}},
		{"a document that is too large", "does not match the request",
			&directoryv1.CopyAnswer{Revision: 1, Digest: "x", Size: 1 << 30, Part: []byte("x")}},
		{"nothing for an outdated copy", "empty answer", &directoryv1.CopyAnswer{Revision: 1, Digest: "x"}},
		{"a document with another digest", "would differ from the centre", &directoryv1.CopyAnswer{
			Revision: 1, Digest: "x", Size: int64(empty.Len()), Part: empty.Bytes(), Whole: true,
		}},
		{"an unreadable document", "unpack directory",
			&directoryv1.CopyAnswer{Revision: 1, Digest: "x", Size: 1, Part: []byte("x")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t)
			var log lockedBuffer
			e.nodeLog = slog.New(slog.NewTextHandler(&log, nil))
			nc, signer := e.net.Centre("directory"), e.net.Signer(bus.CentreOwner)
			if _, err := nc.Subscribe(bus.AllDirectoryRequests, func(m *nats.Msg) {
				var req directoryv1.CopyQuestion
				_ = proto.Unmarshal(m.Data, &req)
				answer := proto.CloneOf(c.answer)
				answer.Nonce = req.GetNonce()
				signed, err := bus.SignMessage(m.Subject, answer, signer)
				if err != nil {
					t.Error(err)
					return
				}
				signed.Subject = m.Reply
				_ = nc.PublishMsg(signed)
			}); err != nil {
				t.Fatal(err)
			}
			n := e.startNode(bustest.Cremona, newNodePool(t))
			bustest.Eventually(t, func() bool { return strings.Contains(log.String(), c.problem) })
			if !n.ConfirmedAt().IsZero() {
				t.Error("the answer confirmed the copy")
			}
		})
	}
}

// lockedBuffer is a buffer for concurrent use.
type lockedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
