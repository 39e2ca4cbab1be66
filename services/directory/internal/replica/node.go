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
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/store"
)

// NodeConfig says what a node copies into. Durations that are zero take the value in brackets.
type NodeConfig struct {
	Region, Node string
	DB           *pgxpool.Pool
	Conn         *nats.Conn      // to the node's leaf
	CentreKeys   *bus.PublicKeys // keys of the centre
	Log          *slog.Logger
	Now          func() time.Time
	// Interval is how often the node asks although nothing was announced [15 s]; RequestTimeout is how long one answer may take [5 s].
	Interval, RequestTimeout time.Duration
}

// Node keeps the copy of a node.
type Node struct {
	c       NodeConfig
	subject string
	hint    chan struct{}

	public   atomic.Pointer[store.Checkpoint] // where the public part of the copy is
	arriving arriving                         // Run's own

	mu        sync.Mutex
	confirmed time.Time
}

// NewNode returns the node's side. Nothing happens before Run.
func NewNode(c NodeConfig) *Node {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&c.Interval, 15 * time.Second}, {&c.RequestTimeout, 5 * time.Second}} {
		if *d.field <= 0 {
			*d.field = d.value
		}
	}
	return &Node{c: c, subject: bus.DirectoryRequest(c.Region, c.Node), hint: make(chan struct{}, 1)}
}

// ConfirmedAt is when the centre last said that nothing is missing; zero when it never did.
func (n *Node) ConfirmedAt() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.confirmed
}

// Run copies until ctx ends; it returns nil then. Whatever fails on the way is logged and tried again; what was copied before
// stays.
func (n *Node) Run(ctx context.Context) error {
	if kept, err := store.GetConfirmedAt(ctx, n.c.DB); err == nil {
		n.confirm(kept)
	}
	sub, err := n.c.Conn.Subscribe(bus.DirectoryUpdates, n.heed)
	if err != nil {
		return fmt.Errorf("directory announcements: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	for failures := 0; ctx.Err() == nil; {
		wait := n.c.Interval
		if err := n.catchUp(ctx); err != nil && ctx.Err() == nil {
			if failures++; failures&(failures-1) == 0 { // 1st, 2nd, 4th, 8th …
				n.c.Log.WarnContext(ctx, "directory not copied", slog.Int("failures", failures), slog.Any("error", err))
			}
			wait = min(100*time.Millisecond<<min(failures-1, 10), n.c.Interval)
		} else {
			failures = 0
		}
		t := time.NewTimer(wait - wait/4 + rand.N(wait/2+1)) //nolint:gosec // spreads the load, guards nothing
		select {
		case <-ctx.Done():
		case <-n.hint:
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

// heed takes an announcement. It is a hint only: one that comes late or twice costs a question.
func (n *Node) heed(m *nats.Msg) {
	var a directoryv1.CopyAnnouncement
	if err := bus.VerifyMessage(m, bus.CentreOwner, n.c.CentreKeys, &a); err != nil {
		n.c.Log.Warn("directory announcement dropped", slog.Any("error", err))
		return
	}
	if public := n.public.Load(); public != nil && *public == (store.Checkpoint{Revision: a.GetRevision(), Digest: a.GetDigest()}) {
		return
	}
	select {
	case n.hint <- struct{}{}:
	default:
	}
}

// catchUp asks until the centre says that nothing is missing.
func (n *Node) catchUp(ctx context.Context) error {
	have, err := store.GetCheckpoint(ctx, n.c.DB, n.c.Node)
	if err != nil {
		return err
	}
	defer func() {
		if public, err := store.GetCheckpoint(ctx, n.c.DB, ""); err == nil {
			n.public.Store(&public)
		}
	}()
	for {
		asked := n.c.Now()
		packed, answer, err := n.fetch(ctx, have)
		if err != nil {
			return err
		}
		want := store.Checkpoint{Revision: answer.GetRevision(), Digest: answer.GetDigest()}
		if answer.GetSize() == 0 {
			if have != want {
				return errors.New("the centre sends nothing, although something is missing")
			}
			n.confirm(asked)
			return store.SetConfirmedAt(ctx, n.c.DB, asked)
		}
		doc, err := unpack(packed)
		if err != nil {
			return err
		}
		switch err := store.ApplyCopy(ctx, n.c.DB, doc, answer.GetWhole(), want, asked); {
		case errors.Is(err, store.ErrDigestMismatch) && !answer.GetWhole():
			n.c.Log.WarnContext(ctx, "the copy of the directory differs from the centre's: it is asked for anew", slog.Int64("revision", have.Revision))
			have = store.Checkpoint{}
			continue
		case err != nil:
			return err
		}
		n.c.Log.InfoContext(ctx, "directory copied", slog.Int64("revision", want.Revision), slog.Int("lists", len(doc.GetLists())),
			slog.Int("entries", len(doc.GetEntries())), slog.Bool("whole", answer.GetWhole()))
		have = want
	}
}

// arriving is a document of which a part has come.
type arriving struct {
	have   store.Checkpoint // of the node, when it asked for it
	last   *directoryv1.CopyAnswer
	packed []byte
}

// fetch returns the document that takes the node on from where it is, with the answer that its last part came with. What has
// come of it when the link breaks is kept for the next call.
func (n *Node) fetch(ctx context.Context, have store.Checkpoint) (packed []byte, last *directoryv1.CopyAnswer, err error) {
	if n.arriving.have != have {
		n.arriving = arriving{have: have}
	}
	for {
		a := &n.arriving
		q := &directoryv1.CopyQuestion{
			Nonce: nonce(), KnownRevision: have.Revision, KnownDigest: have.Digest,
			DocumentRevision: a.last.GetRevision(), Offset: int64(len(a.packed)),
		}
		answer, err := n.ask(ctx, q)
		if err != nil {
			return nil, nil, err
		}
		if answer.GetOffset() != q.GetOffset() || a.last != nil && answer.GetDigest() != a.last.GetDigest() {
			a.packed = nil // another document: the directory has changed meanwhile
		}
		if answer.GetOffset() != int64(len(a.packed)) || answer.GetSize() > maxPacked || answer.GetSize() > 0 && len(answer.GetPart()) == 0 {
			n.arriving = arriving{}
			return nil, nil, errors.New("the centre's answer does not fit the question")
		}
		a.packed, a.last = append(a.packed, answer.GetPart()...), answer
		if int64(len(a.packed)) >= answer.GetSize() {
			packed, n.arriving = a.packed, arriving{}
			return packed, answer, nil
		}
	}
}

// ask puts one question. Only an answer that the centre signed for it counts.
func (n *Node) ask(ctx context.Context, q *directoryv1.CopyQuestion) (*directoryv1.CopyAnswer, error) {
	data, err := proto.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("directory question: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, n.c.RequestTimeout)
	defer cancel()
	reply, err := n.c.Conn.RequestWithContext(ctx, n.subject, data)
	if err != nil {
		return nil, fmt.Errorf("ask the centre: %w", err)
	}
	reply.Subject = n.subject
	answer := &directoryv1.CopyAnswer{}
	if err := bus.VerifyMessage(reply, bus.CentreOwner, n.c.CentreKeys, answer); err != nil {
		return nil, fmt.Errorf("the centre's answer: %w", err)
	}
	if answer.GetNonce() != q.GetNonce() {
		return nil, errors.New("the centre's answer is to another question")
	}
	return answer, nil
}
