package replica

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/bus"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/store"
)

// CentreConfig configures a Centre.
type CentreConfig struct {
	DB     *pgxpool.Pool
	Conn   *nats.Conn  // to the hub
	Signer *bus.Signer // key of the centre
	Log    *slog.Logger
	// Interval between two announcements without a change. Default: 5 s.
	Interval time.Duration
}

// Centre announces changes and answers the requests of the nodes.
type Centre struct {
	c       CentreConfig
	changed chan struct{}

	mu        sync.Mutex
	documents map[documentKey]document // cache for the current revision
}

// documentKey identifies a document by the node that asks and the revision that it has.
type documentKey struct {
	of    tenant.ID
	after int64
}

// document contains the changes after a revision, packed.
type document struct {
	store.Checkpoint
	packed []byte
}

// maxDocuments limits the cache. Nodes fetch a document part by part, and several nodes may fetch the same one.
const maxDocuments = 32

// NewCentre returns a Centre. Run starts it.
func NewCentre(c CentreConfig) *Centre {
	if c.Interval <= 0 {
		c.Interval = 5 * time.Second
	}
	return &Centre{c: c, changed: make(chan struct{}, 1), documents: map[documentKey]document{}}
}

// Notify makes Run announce the directory if it has changed. It never blocks and is safe for concurrent use.
func (s *Centre) Notify() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Run answers and announces until ctx ends; then it returns nil. Several servers share the requests.
func (s *Centre) Run(ctx context.Context) error {
	onRequest := func(m *nats.Msg) { s.onRequest(ctx, m) }
	sub, err := s.c.Conn.QueueSubscribe(bus.AllDirectoryRequests, "directory", onRequest)
	if err != nil {
		return fmt.Errorf("subscribe to directory requests: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	tick := time.NewTicker(s.c.Interval)
	defer tick.Stop()
	var announced store.Checkpoint
	for onTick := true; ; {
		announced = s.announce(ctx, announced, onTick)
		select {
		case <-ctx.Done():
			return nil
		case <-s.changed:
			onTick = false
		case <-tick.C:
			onTick = true
		}
	}
}

// announce publishes the checkpoint of the public directory and returns it. Without force it publishes only a
// checkpoint that differs from the last one: an announcement without a public change would reveal that something hidden
// has changed. An announcement may get lost, because the next one repeats it and nodes also ask without one.
func (s *Centre) announce(ctx context.Context, last store.Checkpoint, force bool) store.Checkpoint {
	current, err := store.GetCheckpoint(ctx, s.c.DB, tenant.ID{})
	if err != nil {
		if ctx.Err() == nil {
			s.c.Log.WarnContext(ctx, "directory announcement failed", slog.Any("error", err))
		}
		return last
	}
	if current == last && !force {
		return last
	}
	announcement := &directoryv1.CopyAnnouncement{Revision: current.Revision, Digest: current.Digest}
	m, err := bus.SignMessage(bus.DirectoryAnnouncements, announcement, s.c.Signer)
	if err == nil {
		err = s.c.Conn.PublishMsg(m)
	}
	if err != nil {
		s.c.Log.DebugContext(ctx, "directory announcement failed", slog.Any("error", err))
	}
	return current
}

// onRequest answers one request. It drops a request that it cannot answer now: the node asks again.
func (s *Centre) onRequest(ctx context.Context, m *nats.Msg) {
	of, err := bus.ParseDirectoryRequest(m.Subject)
	if err != nil || m.Reply == "" {
		return
	}
	log := s.c.Log.With(slog.String("tenant", of.String()))
	var req directoryv1.CopyQuestion
	if err := proto.Unmarshal(m.Data, &req); err != nil {
		log.WarnContext(ctx, "directory request invalid", slog.Any("error", err))
		return
	}
	answer, err := s.answer(ctx, of, &req)
	if err != nil {
		if ctx.Err() == nil {
			log.WarnContext(ctx, "directory request failed", slog.Any("error", err))
		}
		return
	}
	// The signature covers the subject of the request, because brokers rewrite the subject of a reply.
	signed, err := bus.SignMessage(m.Subject, answer, s.c.Signer)
	if err != nil {
		log.ErrorContext(ctx, "directory answer signing failed", slog.Any("error", err))
		return
	}
	signed.Subject = m.Reply
	if err := s.c.Conn.PublishMsg(signed); err != nil {
		log.DebugContext(ctx, "directory answer publish failed", slog.Any("error", err))
	}
}

// answer returns an empty answer to a node that is up to date, else the part of a document that the node asks for.
func (s *Centre) answer(
	ctx context.Context, of tenant.ID, req *directoryv1.CopyQuestion,
) (*directoryv1.CopyAnswer, error) {
	current, err := store.GetCheckpoint(ctx, s.c.DB, of)
	if err != nil {
		return nil, err
	}
	answer := &directoryv1.CopyAnswer{Nonce: req.GetNonce(), Revision: current.Revision, Digest: current.Digest}
	known := req.GetKnownRevision()
	switch {
	case known == current.Revision && req.GetKnownDigest() == current.Digest:
		return answer, nil
	case known >= current.Revision || known < 0: // the copy differs, or the centre was restored from a backup
		known = 0
	}
	d, err := s.document(ctx, documentKey{of, known}, current)
	if err != nil {
		return nil, err
	}
	answer.Revision, answer.Digest, answer.Whole = d.Revision, d.Digest, known == 0
	answer.Size = int64(len(d.packed))
	if req.GetDocumentRevision() == d.Revision && req.GetOffset() > 0 && req.GetOffset() < answer.Size {
		answer.Offset = req.GetOffset()
	}
	answer.Part = d.packed[answer.Offset:min(answer.Size, answer.Offset+partSize)]
	return answer, nil
}

// document returns the document for a key, from the cache unless the directory has changed.
func (s *Centre) document(ctx context.Context, key documentKey, current store.Checkpoint) (document, error) {
	s.mu.Lock()
	defer s.mu.Unlock() // also while a document is made: concurrent requests for it wait and then use it
	if d, ok := s.documents[key]; ok && d.Checkpoint == current {
		return d, nil
	}
	doc, current, err := store.ListChanges(ctx, s.c.DB, key.of, key.after)
	if err != nil {
		return document{}, err
	}
	d := document{Checkpoint: current}
	if d.packed, err = pack(doc); err != nil {
		return document{}, err
	}
	for k, cached := range s.documents {
		if len(s.documents) >= maxDocuments || cached.Revision < current.Revision {
			delete(s.documents, k)
		}
	}
	s.documents[key] = d
	return d, nil
}
