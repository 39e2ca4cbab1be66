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
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/store"
)

// CentreConfig says what the centre answers from.
type CentreConfig struct {
	DB     *pgxpool.Pool
	Conn   *nats.Conn  // to the hub
	Signer *bus.Signer // key of the centre
	Log    *slog.Logger
	// Interval is how often the centre announces its revision although nothing has changed [5 s].
	Interval time.Duration
}

// Centre announces changes and answers nodes.
type Centre struct {
	c       CentreConfig
	changed chan struct{}

	mu        sync.Mutex
	documents map[documentKey]document // of the current revision
}

// documentKey is who asks, and what is known.
type documentKey struct {
	node  string
	after int64
}

// document is what came after a revision, packed.
type document struct {
	store.Checkpoint
	packed []byte
}

// keptDocuments is how many documents are kept for nodes that ask for them in parts or at the same time.
const keptDocuments = 32

// NewCentre returns the centre's side. Nothing happens before Run.
func NewCentre(c CentreConfig) *Centre {
	if c.Interval <= 0 {
		c.Interval = 5 * time.Second
	}
	return &Centre{c: c, changed: make(chan struct{}, 1), documents: map[documentKey]document{}}
}

// Notify tells that the directory may have changed. It never blocks.
func (s *Centre) Notify() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Run answers and announces until ctx ends. Several copies of the service share the questions.
func (s *Centre) Run(ctx context.Context) error {
	sub, err := s.c.Conn.QueueSubscribe(bus.AllDirectoryRequests, "directory", func(m *nats.Msg) { s.hear(ctx, m) })
	if err != nil {
		return fmt.Errorf("directory questions: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	tick := time.NewTicker(s.c.Interval)
	defer tick.Stop()
	var told store.Checkpoint
	for onTick := true; ; {
		told = s.announce(ctx, told, onTick)
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

// announce tells where the directory is, as far as it is public, and returns that. Between ticks it tells only what is new: an
// announcement of nothing would tell that something hidden has changed. It need not arrive: the next one will do, and a node
// asks by itself.
func (s *Centre) announce(ctx context.Context, told store.Checkpoint, anyway bool) store.Checkpoint {
	at, err := store.GetCheckpoint(ctx, s.c.DB, "")
	if err != nil {
		if ctx.Err() == nil {
			s.c.Log.WarnContext(ctx, "directory not announced", slog.Any("error", err))
		}
		return told
	}
	if at == told && !anyway {
		return told
	}
	m, err := bus.SignMessage(bus.DirectoryUpdates, &directoryv1.CopyAnnouncement{Revision: at.Revision, Digest: at.Digest}, s.c.Signer)
	if err == nil {
		err = s.c.Conn.PublishMsg(m)
	}
	if err != nil {
		s.c.Log.DebugContext(ctx, "directory not announced", slog.Any("error", err))
	}
	return at
}

// hear answers one question. One that cannot be answered now is left: the node asks again.
func (s *Centre) hear(ctx context.Context, m *nats.Msg) {
	_, node, err := bus.ParseDirectoryRequest(m.Subject)
	if err != nil || m.Reply == "" {
		return
	}
	var q directoryv1.CopyQuestion
	if err := proto.Unmarshal(m.Data, &q); err != nil {
		s.c.Log.WarnContext(ctx, "directory question refused", slog.String("node", node), slog.Any("error", err))
		return
	}
	answer, err := s.answer(ctx, node, &q)
	if err != nil {
		if ctx.Err() == nil {
			s.c.Log.WarnContext(ctx, "directory question not answered", slog.String("node", node), slog.Any("error", err))
		}
		return
	}
	// Signed for the subject of the question: brokers give the answer another one on its way.
	signed, err := bus.SignMessage(m.Subject, answer, s.c.Signer)
	if err != nil {
		s.c.Log.ErrorContext(ctx, "directory answer not signed", slog.Any("error", err))
		return
	}
	signed.Subject = m.Reply
	if err := s.c.Conn.PublishMsg(signed); err != nil {
		s.c.Log.DebugContext(ctx, "directory answer not sent", slog.Any("error", err))
	}
}

func (s *Centre) answer(ctx context.Context, node string, q *directoryv1.CopyQuestion) (*directoryv1.CopyAnswer, error) {
	at, err := store.GetCheckpoint(ctx, s.c.DB, node)
	if err != nil {
		return nil, err
	}
	answer := &directoryv1.CopyAnswer{Nonce: q.GetNonce(), Revision: at.Revision, Digest: at.Digest}
	known := q.GetKnownRevision()
	switch {
	case known == at.Revision && q.GetKnownDigest() == at.Digest:
		return answer, nil
	case known >= at.Revision || known < 0: // another history than ours, or a copy that differs
		known = 0
	}
	d, err := s.document(ctx, documentKey{node, known}, at)
	if err != nil {
		return nil, err
	}
	answer.Revision, answer.Digest, answer.Whole, answer.Size = d.Revision, d.Digest, known == 0, int64(len(d.packed))
	if q.GetDocumentRevision() == d.Revision && q.GetOffset() > 0 && q.GetOffset() < answer.Size {
		answer.Offset = q.GetOffset()
	}
	answer.Part = d.packed[answer.Offset:min(answer.Size, answer.Offset+partSize)]
	return answer, nil
}

// document returns what came after a revision, from memory while the directory is where it was.
func (s *Centre) document(ctx context.Context, key documentKey, at store.Checkpoint) (document, error) {
	s.mu.Lock()
	defer s.mu.Unlock() // one at a time: what many ask for at once is made once
	if d, ok := s.documents[key]; ok && d.Checkpoint == at {
		return d, nil
	}
	doc, at, err := store.ListChanges(ctx, s.c.DB, key.node, key.after)
	if err != nil {
		return document{}, err
	}
	d := document{Checkpoint: at}
	if d.packed, err = pack(doc); err != nil {
		return document{}, err
	}
	for old := range s.documents {
		if len(s.documents) < keptDocuments && s.documents[old].Revision >= at.Revision {
			continue
		}
		delete(s.documents, old)
	}
	s.documents[key] = d
	return d, nil
}
