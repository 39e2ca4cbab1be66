package replica

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/store"
)

// NodeConfig configures a Node. Zero durations take the default in brackets.
type NodeConfig struct {
	Tenant         tenant.ID
	DB             *pgxpool.Pool
	Conn           *nats.Conn      // to the node's leaf
	CentreKeys     *bus.PublicKeys // keys of the centre
	Log            *slog.Logger
	Now            func() time.Time
	Interval       time.Duration // between two requests without an announcement [15 s]
	RequestTimeout time.Duration // for one answer [5 s]
}

// Node keeps the copy of a node up to date.
type Node struct {
	c       NodeConfig
	subject string
	wake    chan struct{}

	public   atomic.Pointer[store.Checkpoint] // of the public part of the copy
	transfer transfer                         // only Run uses it

	mu        sync.Mutex
	confirmed time.Time
}

// NewNode returns a Node. Run starts it.
func NewNode(c NodeConfig) *Node {
	if c.Interval <= 0 {
		c.Interval = 15 * time.Second
	}
	if c.RequestTimeout <= 0 {
		c.RequestTimeout = 5 * time.Second
	}
	return &Node{c: c, subject: bus.DirectoryRequest(c.Tenant), wake: make(chan struct{}, 1)}
}

// ConfirmedAt returns when the centre last confirmed that the copy is complete; zero if it never did.
func (n *Node) ConfirmedAt() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.confirmed
}

// Run copies until ctx ends; then it returns nil. It logs failures and tries again; the copy stays as it was.
func (n *Node) Run(ctx context.Context) error {
	if at, err := store.GetConfirmedAt(ctx, n.c.DB); err == nil {
		n.confirm(at)
	}
	sub, err := n.c.Conn.Subscribe(bus.DirectoryAnnouncements, n.onAnnouncement)
	if err != nil {
		return fmt.Errorf("subscribe to directory announcements: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	for failures := 0; ctx.Err() == nil; {
		wait := n.c.Interval
		if err := n.catchUp(ctx); err != nil && ctx.Err() == nil {
			if failures++; failures&(failures-1) == 0 { // 1st, 2nd, 4th, 8th …
				n.c.Log.WarnContext(ctx, "directory copy failed",
					slog.Int("failures", failures), slog.Any("error", err))
			}
			wait = min(100*time.Millisecond<<min(failures-1, 10), n.c.Interval)
		} else {
			failures = 0
		}
		t := time.NewTimer(wait - wait/4 + rand.N(wait/2+1)) //nolint:gosec // spreads load, protects nothing
		select {
		case <-ctx.Done():
		case <-n.wake:
		case <-t.C:
		}
		t.Stop()
	}
	return nil
}

func (n *Node) confirm(at time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if at.After(n.confirmed) {
		n.confirmed = at
	}
}

// onAnnouncement wakes Run unless the copy has the announced checkpoint. A late or repeated announcement costs one
// request.
func (n *Node) onAnnouncement(m *nats.Msg) {
	var a directoryv1.CopyAnnouncement
	if err := bus.VerifyMessage(m, bus.CentreOwner, n.c.CentreKeys, &a); err != nil {
		n.c.Log.Warn("directory announcement invalid", slog.Any("error", err))
		return
	}
	announced := store.Checkpoint{Revision: a.GetRevision(), Digest: a.GetDigest()}
	if public := n.public.Load(); public != nil && *public == announced {
		return
	}
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// catchUp applies documents until the centre confirms that the copy is complete.
func (n *Node) catchUp(ctx context.Context) error {
	have, err := store.GetCheckpoint(ctx, n.c.DB, n.c.Tenant)
	if err != nil {
		return err
	}
	defer func() {
		if public, err := store.GetCheckpoint(ctx, n.c.DB, tenant.ID{}); err == nil {
			n.public.Store(&public)
		}
	}()
	for {
		requestedAt := n.c.Now()
		packed, answer, err := n.fetch(ctx, have)
		if err != nil {
			return err
		}
		want := store.Checkpoint{Revision: answer.GetRevision(), Digest: answer.GetDigest()}
		if answer.GetSize() == 0 {
			if have != want {
				return errors.New("centre sent an empty answer to an outdated copy")
			}
			n.confirm(requestedAt)
			return store.SetConfirmedAt(ctx, n.c.DB, requestedAt)
		}
		doc, err := unpack(packed)
		if err != nil {
			return err
		}
		switch err := store.ApplyCopy(ctx, n.c.DB, doc, answer.GetWhole(), want, requestedAt); {
		case errors.Is(err, store.ErrDigestMismatch) && !answer.GetWhole():
			n.c.Log.WarnContext(ctx, "directory copy differs from the centre, requesting the whole directory",
				slog.Int64("revision", have.Revision))
			have = store.Checkpoint{}
			continue
		case err != nil:
			return err
		}
		n.c.Log.InfoContext(ctx, "directory copied", slog.Int64("revision", want.Revision),
			slog.Int("lists", len(doc.GetLists())), slog.Int("entries", len(doc.GetEntries())),
			slog.Bool("whole", answer.GetWhole()))
		have = want
	}
}

// transfer is the state of an incomplete document.
type transfer struct {
	have   store.Checkpoint // of the copy, at the first request
	last   *directoryv1.CopyAnswer
	packed []byte
}

// fetch returns the document with the changes after a checkpoint, and the answer with its last part. After an error the
// next call continues with the parts that have arrived.
func (n *Node) fetch(
	ctx context.Context, have store.Checkpoint,
) (packed []byte, last *directoryv1.CopyAnswer, err error) {
	if n.transfer.have != have {
		n.transfer = transfer{have: have}
	}
	for {
		t := &n.transfer
		req := &directoryv1.CopyQuestion{
			Nonce: newNonce(), KnownRevision: have.Revision, KnownDigest: have.Digest,
			DocumentRevision: t.last.GetRevision(), Offset: int64(len(t.packed)),
		}
		answer, err := n.request(ctx, req)
		if err != nil {
			return nil, nil, err
		}
		if answer.GetOffset() != req.GetOffset() || t.last != nil && answer.GetDigest() != t.last.GetDigest() {
			t.packed = nil // another document: the directory has changed meanwhile
		}
		if !t.accepts(answer) {
			n.transfer = transfer{}
			return nil, nil, errors.New("answer of the centre does not match the request")
		}
		t.packed, t.last = append(t.packed, answer.GetPart()...), answer
		if int64(len(t.packed)) >= answer.GetSize() {
			packed, n.transfer = t.packed, transfer{}
			return packed, answer, nil
		}
	}
}

// accepts reports whether an answer continues the document.
func (t *transfer) accepts(answer *directoryv1.CopyAnswer) bool {
	size := answer.GetSize()
	return answer.GetOffset() == int64(len(t.packed)) && size <= maxPacked && (size <= 0 || len(answer.GetPart()) > 0)
}

// request sends one request. It accepts only an answer that the centre signed for this node and this nonce.
func (n *Node) request(ctx context.Context, req *directoryv1.CopyQuestion) (*directoryv1.CopyAnswer, error) {
	data, err := proto.Marshal(req)
	if err != nil {
		return nil, fmt.Errorf("encode directory request: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, n.c.RequestTimeout)
	defer cancel()
	reply, err := n.c.Conn.RequestWithContext(ctx, n.subject, data)
	if err != nil {
		return nil, fmt.Errorf("request to the centre: %w", err)
	}
	reply.Subject = n.subject
	answer := &directoryv1.CopyAnswer{}
	if err := bus.VerifyMessage(reply, bus.CentreOwner, n.c.CentreKeys, answer); err != nil {
		return nil, fmt.Errorf("verify answer of the centre: %w", err)
	}
	if answer.GetNonce() != req.GetNonce() {
		return nil, errors.New("answer of the centre has another nonce")
	}
	return answer, nil
}
