package vocabulary

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/pg"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func ground() *vocabularyv1.Vocabulary {
	return &vocabularyv1.Vocabulary{Name: "ground", Version: 1, Terms: []*vocabularyv1.Term{
		{Code: "SKIN_COLOUR", LabelIt: "colore della pelle", LabelEn: "skin colour", Group: "G_ETHNIC"},
		{Code: "OLD", LabelIt: "vecchio", LabelEn: "old", ValidTo: "2025-12-31"},
		{Code: "NEW", LabelIt: "nuovo", LabelEn: "new", ValidFrom: "2027-01-01"},
	}}
}

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestSet_Check(t *testing.T) {
	t.Parallel()
	s := NewSet(ground())
	// The last evening of 2025 in London is already 2026 in Rome.
	night := time.Date(2025, 12, 31, 23, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		list, code string
		on         time.Time
		want       fault.Reason
	}{
		{"ground", "SKIN_COLOUR", now, ""}, {"ground", "skin_colour", now, fault.UnknownCode}, {"field", "SKIN_COLOUR", now, fault.UnknownCode},
		{"ground", "OLD", now, fault.ExpiredCode}, {"ground", "OLD", night.Add(-time.Hour), ""}, {"ground", "OLD", night, fault.ExpiredCode},
		{"ground", "NEW", now, fault.ExpiredCode}, {"ground", "NEW", now.AddDate(1, 0, 0), ""},
	} {
		if got := s.Check(c.list, c.code, c.on); got != c.want {
			t.Errorf("%s %s on %s: %q, want %q", c.list, c.code, c.on, got, c.want)
		}
	}
	if s.Group("ground", "SKIN_COLOUR") != "G_ETHNIC" || s.Label("ground", "SKIN_COLOUR", "en") != "skin colour" || s.Label("ground", "X", "it") != "X" {
		t.Error("group or label is wrong")
	}
}

func TestSet_DigestTellsChanges(t *testing.T) {
	t.Parallel()
	changed := ground()
	changed.Terms[0].LabelIt = "altro"
	if first, again := NewSet(ground()).Digest(), NewSet(ground()).Digest(); first != again || first == NewSet(changed).Digest() {
		t.Error("digest does not follow the content")
	}
}

// Ensure a replica starts from what it kept while the directory is away, and follows a change.
func TestReplica_WorksWithoutTheDirectory(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t, "vocabulary", func(ctx context.Context, url string) error { return pg.Migrate(ctx, url, Migrations(), VersionTable) })
	pool := db.Pool(t)
	pgtest.RowSecurity(t, pool)
	pgtest.Prepares(t, pool, statements)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	log := slog.New(slog.DiscardHandler)
	served := []*vocabularyv1.Vocabulary{ground()}
	first := NewReplica(pool, func(context.Context, string) ([]*vocabularyv1.Vocabulary, error) { return served, nil }, log)
	if err := first.refresh(ctx); err != nil {
		t.Fatal(err)
	}
	second := NewReplica(pool, func(context.Context, string) ([]*vocabularyv1.Vocabulary, error) { return nil, errors.New("away") }, log)
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
