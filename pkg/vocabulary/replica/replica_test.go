package replica

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/pg"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Ensure a replica starts from the lists that are stored while the directory is away.
func TestReplica_WorksWithoutTheDirectory(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, "vocabulary", func(ctx context.Context, url string) error { return pg.Migrate(ctx, url, Schema) })
	pool := db.Pool(t)
	pgtest.RowSecurity(t, pool)
	pgtest.PrepareStatements(t, pool)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	log := slog.New(slog.DiscardHandler)
	served := []*vocabularyv1.Vocabulary{{Name: "ground", Terms: []*vocabularyv1.Term{{Code: "SKIN_COLOUR"}}}}
	first := New(pool, func(context.Context, string) ([]*vocabularyv1.Vocabulary, error) { return served, nil }, log)
	if err := first.refresh(ctx); err != nil {
		t.Fatal(err)
	}
	second := New(pool, func(context.Context, string) ([]*vocabularyv1.Vocabulary, error) { return nil, errors.New("away") }, log)
	done := make(chan error, 1)
	go func() { done <- second.Run(ctx) }()
	<-second.Ready()
	if diff := cmp.Diff(first.Current().Digest(), second.Current().Digest()); diff != "" {
		t.Error(diff)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
