package replica_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/dev/testkit/bustest"
	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/store"
)

// Ensure a change of a hidden office is not announced: an announcement without a public change would reveal it.
func TestCentre_Run_AnnouncesPublicChangesOnly(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	announcements, err := e.net.Connect(bustest.Cuneo, "directory").SubscribeSync(bus.DirectoryAnnouncements)
	if err != nil {
		t.Fatal(err)
	}
	e.centre = e.newCentre(time.Hour)
	public, refuge := office("a", "A"), office("riservato-0123456789abcdef", "Rifugio")
	refuge.Visibility = directoryv1.Visibility_VISIBILITY_HIDDEN
	e.load(public)
	pool := e.db.Pool(t)
	stop := background(t, e.centre.Run)
	first, err := announcements.NextMsg(20 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	e.load(public, refuge)
	for range 20 { // enough time and occasions to announce it
		e.centre.Notify()
		if _, err := store.GetCheckpoint(t.Context(), pool, tenant.ID{}); err != nil {
			t.Fatal(err)
		}
	}
	public.Name = "B"
	e.load(public, refuge)
	second, err := announcements.NextMsg(20 * time.Second)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if third, err := announcements.NextMsg(200 * time.Millisecond); err == nil {
		t.Errorf("three announcements for two public states, the last one: %x", third.Data)
	}
	var before, after directoryv1.CopyAnnouncement
	if err := errors.Join(proto.Unmarshal(first.Data, &before), proto.Unmarshal(second.Data, &after)); err != nil {
		t.Fatal(err)
	}
	if before.GetRevision() != 1 || after.GetRevision() != 3 || before.GetDigest() == after.GetDigest() {
		t.Errorf("announced %v, then %v", &before, &after)
	}
}

// Ensure the centre answers each request with the right part of the right document, and drops an invalid one.
func TestCentre_Run_Answers(t *testing.T) {
	t.Parallel()
	e := setup(t)
	e.load(office("a", "A"))
	e.load(office("a", "B"))
	current, err := store.GetCheckpoint(t.Context(), e.db.Pool(t), bustest.Cremona)
	if err != nil {
		t.Fatal(err)
	}
	conn, subject := e.net.Connect(bustest.Cremona, "directory"), bus.DirectoryRequest(bustest.Cremona)
	request := func(t *testing.T, data []byte, timeout time.Duration) (*nats.Msg, error) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		return conn.RequestWithContext(ctx, subject, data)
	}
	for _, c := range []struct {
		name   string
		req    *directoryv1.CopyQuestion
		empty  bool
		whole  bool
		offset int64
	}{
		{"without a copy", &directoryv1.CopyQuestion{}, false, true, 0},
		{"an older copy", &directoryv1.CopyQuestion{KnownRevision: 1, KnownDigest: "x"}, false, false, 0},
		{"the current copy",
			&directoryv1.CopyQuestion{KnownRevision: 2, KnownDigest: current.Digest}, true, false, 0},
		{"a different copy", &directoryv1.CopyQuestion{KnownRevision: 2, KnownDigest: "x"}, false, true, 0},
		{"a copy of the future", &directoryv1.CopyQuestion{KnownRevision: 3, KnownDigest: "x"}, false, true, 0},
		{"a negative revision", &directoryv1.CopyQuestion{KnownRevision: -1}, false, true, 0},
		{"a later part", &directoryv1.CopyQuestion{DocumentRevision: 2, Offset: 5}, false, true, 5},
		{"a part of another document", &directoryv1.CopyQuestion{DocumentRevision: 1, Offset: 5}, false, true, 0},
		{"a negative offset", &directoryv1.CopyQuestion{DocumentRevision: 2, Offset: -5}, false, true, 0},
		{"an offset beyond the end", &directoryv1.CopyQuestion{DocumentRevision: 2, Offset: 1 << 20}, false, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.req.Nonce = "nonce"
			data, err := proto.Marshal(c.req)
			if err != nil {
				t.Fatal(err)
			}
			m, err := request(t, data, 20*time.Second)
			if err != nil {
				t.Fatal(err)
			}
			m.Subject = subject
			var answer directoryv1.CopyAnswer
			if err := bus.VerifyMessage(m, bus.CentreOwner, e.net.Keys(), &answer); err != nil {
				t.Fatal(err)
			}
			if answer.GetNonce() != "nonce" || answer.GetRevision() != 2 || answer.GetDigest() != current.Digest ||
				answer.GetWhole() != c.whole || answer.GetOffset() != c.offset || (answer.GetSize() == 0) != c.empty ||
				answer.GetOffset()+int64(len(answer.GetPart())) != answer.GetSize() {
				t.Errorf("got %v", &answer)
			}
		})
	}
	if m, err := request(t, []byte("invalid"), 500*time.Millisecond); err == nil {
		t.Errorf("an invalid request is answered with %q", m.Data)
	}
}
