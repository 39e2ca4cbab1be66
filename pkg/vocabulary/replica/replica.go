// Package replica keeps a copy of the directory's code lists in the service's own database, so that a service starts
// and works while the directory is away.
//
// It promises that Current only returns what the directory has sent and the database has stored. It does not promise
// the newest: a change arrives within a minute, or once the directory is back. Run runs in the caller's goroutine and
// starts no other.
package replica

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/pg"
	"github.com/retepari/pari/pkg/vocabulary"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Schema is the table vocabulary_replica.
var Schema = pg.NewSchema(migrations, "vocabulary")

const (
	// refreshInterval is how often a replica asks whether a list has changed.
	refreshInterval = time.Minute
	// firstRetry is the first wait after a failure; it doubles up to refreshInterval.
	firstRetry = 100 * time.Millisecond
	// fetchTimeout bounds one refresh.
	fetchTimeout = 10 * time.Second
)

// Fetch asks the directory for all code lists. When the lists have the known digest it may return none.
type Fetch func(ctx context.Context, knownDigest string) ([]*vocabularyv1.Vocabulary, error)

// Replica holds the current code lists. It is safe for concurrent use.
type Replica struct {
	db    *pgxpool.Pool
	fetch Fetch
	log   *slog.Logger
	set   atomic.Pointer[vocabulary.Set]
	ready chan struct{}
}

// New returns an empty replica. Run fills it.
func New(db *pgxpool.Pool, fetch Fetch, log *slog.Logger) *Replica {
	return &Replica{db: db, fetch: fetch, log: log, ready: make(chan struct{})}
}

// Current returns the code lists in force, nil before the first have been loaded.
func (r *Replica) Current() *vocabulary.Set { return r.set.Load() }

// Ready is closed once there are code lists.
func (r *Replica) Ready() <-chan struct{} { return r.ready }

// Run loads the stored lists, then refreshes them every minute until ctx ends. It returns nil.
func (r *Replica) Run(ctx context.Context) error {
	if err := r.load(ctx); err != nil {
		r.log.WarnContext(ctx, "code lists not loaded", slog.Any("error", err))
	}
	wait := firstRetry
	for {
		err := r.refresh(ctx)
		switch {
		case err == nil:
			wait = refreshInterval
		case ctx.Err() != nil:
			return nil
		default:
			r.log.WarnContext(ctx, "code list refresh failed", slog.Any("error", err))
			wait = min(wait*2, refreshInterval)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

func (r *Replica) use(s *vocabulary.Set) {
	if r.set.Swap(s) == nil {
		close(r.ready)
	}
}

const selectLists = `select body from vocabulary_replica order by name`

func (r *Replica) load(ctx context.Context) error {
	rows, err := r.db.Query(ctx, selectLists)
	if err != nil {
		return fmt.Errorf("select code lists: %w", err)
	}
	stored, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return fmt.Errorf("select code lists: %w", err)
	}
	if len(stored) == 0 {
		return errors.New("none are stored")
	}
	var lists []*vocabularyv1.Vocabulary
	for _, raw := range stored {
		l := &vocabularyv1.Vocabulary{}
		if err := proto.Unmarshal(raw, l); err != nil {
			return fmt.Errorf("stored code list: %w", err)
		}
		lists = append(lists, l)
	}
	r.use(vocabulary.NewSet(lists...))
	return nil
}

func (r *Replica) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	known := ""
	if s := r.Current(); s != nil {
		known = s.Digest()
	}
	lists, err := r.fetch(ctx, known)
	if err != nil {
		return fmt.Errorf("fetch from the directory: %w", err)
	}
	if len(lists) == 0 || vocabulary.Digest(lists) == known {
		if known == "" {
			return errors.New("the directory has no code lists")
		}
		return nil
	}
	if err := r.store(ctx, lists); err != nil {
		return err
	}
	r.use(vocabulary.NewSet(lists...))
	r.log.InfoContext(ctx, "code lists refreshed", slog.Int("lists", len(lists)))
	return nil
}

const upsertList = `insert into vocabulary_replica (name, body) values ($1, $2)
	on conflict (name) do update set body = excluded.body`

func (r *Replica) store(ctx context.Context, lists []*vocabularyv1.Vocabulary) error {
	batch := &pgx.Batch{}
	for _, l := range lists {
		raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(l)
		if err != nil {
			return fmt.Errorf("store code list: %w", err)
		}
		batch.Queue(upsertList, l.GetName(), raw)
	}
	if err := r.db.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("store code lists: %w", err)
	}
	return nil
}
