package vocabulary

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/proto"

	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

//go:embed migrations/*.sql
var migrations embed.FS

// VersionTable is where the migrations of this package are recorded.
const VersionTable = "vocabulary_version"

// Migrations make the table vocabulary_replica.
func Migrations() fs.FS {
	sub, err := fs.Sub(migrations, "migrations")
	if err != nil {
		panic(err) // the folder is embedded: this cannot happen in a built program
	}
	return sub
}

// Fetch asks the directory for all lists. When they have the known digest it may return none.
type Fetch func(ctx context.Context, knownDigest string) (lists []*vocabularyv1.Vocabulary, err error)

// Refresh is how often a replica asks whether a list has changed.
const Refresh = time.Minute

// Replica keeps the lists current.
type Replica struct {
	pool  *pgxpool.Pool
	fetch Fetch
	log   *slog.Logger
	set   atomic.Pointer[Set]
	ready chan struct{}
}

// NewReplica returns a replica that has nothing yet.
func NewReplica(pool *pgxpool.Pool, fetch Fetch, log *slog.Logger) *Replica {
	return &Replica{pool: pool, fetch: fetch, log: log, ready: make(chan struct{})}
}

// Current returns the lists in force, nil before the first ones have come.
func (r *Replica) Current() *Set { return r.set.Load() }

// Ready is closed when there are lists.
func (r *Replica) Ready() <-chan struct{} { return r.ready }

// Run loads what was kept, then asks the directory, at first soon and then every minute, until ctx ends.
func (r *Replica) Run(ctx context.Context) error {
	if err := r.load(ctx); err != nil {
		r.log.WarnContext(ctx, "no kept code lists", slog.Any("error", err))
	}
	wait := 100 * time.Millisecond
	for {
		err := r.refresh(ctx)
		switch {
		case err == nil:
			wait = Refresh
		case ctx.Err() != nil:
			return nil
		default:
			r.log.WarnContext(ctx, "code lists not refreshed", slog.Any("error", err))
			wait = min(wait*2, Refresh)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

func (r *Replica) use(s *Set) {
	if r.set.Swap(s) == nil {
		close(r.ready)
	}
}

func (r *Replica) load(ctx context.Context) error {
	rows, err := r.pool.Query(ctx, statements["load"])
	if err != nil {
		return fmt.Errorf("load code lists: %w", err)
	}
	kept, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return fmt.Errorf("load code lists: %w", err)
	}
	if len(kept) == 0 {
		return errors.New("none kept yet")
	}
	var lists []*vocabularyv1.Vocabulary
	for _, raw := range kept {
		l := &vocabularyv1.Vocabulary{}
		if err := proto.Unmarshal(raw, l); err != nil {
			return fmt.Errorf("kept code list: %w", err)
		}
		lists = append(lists, l)
	}
	r.use(NewSet(lists...))
	return nil
}

func (r *Replica) refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	known := ""
	if s := r.Current(); s != nil {
		known = s.Digest()
	}
	lists, err := r.fetch(ctx, known)
	if err != nil {
		return fmt.Errorf("ask the directory: %w", err)
	}
	if len(lists) == 0 || Digest(lists) == known {
		if known == "" {
			return errors.New("the directory has no code lists")
		}
		return nil
	}
	if err := r.keep(ctx, lists); err != nil {
		return err
	}
	r.use(NewSet(lists...))
	r.log.InfoContext(ctx, "code lists refreshed", slog.Int("lists", len(lists)))
	return nil
}

func (r *Replica) keep(ctx context.Context, lists []*vocabularyv1.Vocabulary) error {
	batch := &pgx.Batch{}
	for _, l := range lists {
		raw, err := proto.MarshalOptions{Deterministic: true}.Marshal(l)
		if err != nil {
			return fmt.Errorf("keep code list: %w", err)
		}
		batch.Queue(statements["keep"], l.GetName(), raw)
	}
	if err := r.pool.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("keep code lists: %w", err)
	}
	return nil
}

var statements = map[string]string{
	"load": `select body from vocabulary_replica order by name`,
	"keep": `insert into vocabulary_replica (name, body) values ($1, $2) on conflict (name) do update set body = excluded.body`,
}
