package store_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/retepari/pari/dev/testkit/pgtest"
	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/store"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Nodes that the tests use. Two of them are homonyms.
var (
	cremona      = tenant.ID{Region: "lombardia", Node: "cremona"}
	cuneo        = tenant.ID{Region: "piemonte", Node: "cuneo"}
	livo         = tenant.ID{Region: "lombardia", Node: "livo"}
	trentinoLivo = tenant.ID{Region: "trentino-alto-adige", Node: "livo"}
)

var (
	now  = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	red  = vocabulary.Term{Code: "RED", LabelIT: "rosso", LabelEN: "red"}
	blue = vocabulary.Term{Code: "BLUE", LabelIT: "blu", LabelEN: "blue", ValidFrom: "2027-01-01", Group: "COLD"}
)

func colours(terms ...vocabulary.Term) []vocabulary.List {
	return []vocabulary.List{
		{Name: "colour", Version: 1, TitleIT: "Colore", TitleEN: "Colour", Groups: "warmth", Terms: terms},
	}
}

// desk is an office of the node of Cremona.
func desk(id, name string) *directoryv1.Entry {
	monday := []*directoryv1.Hours{{Weekday: 1, Opens: "08:30", Closes: "12:30"}}
	e, err := entry.New(&directoryv1.Office{
		OfficeId: id, Name: name, Kind: "DESK", State: "ACTIVE", Region: "lombardia", Node: "cremona", Source: "test",
		Territories: []string{"019"},
		Hours:       []*directoryv1.Hours{{Weekday: 2, Opens: "09:00", Closes: "24:00"}},
		Phones:      []*directoryv1.Phone{{Number: "02 1", Whatsapp: true, Hours: monday}},
	})
	if err != nil {
		panic(err)
	}
	return e
}

// hiddenDesk is an office that only its own node may see.
func hiddenDesk(name string) *directoryv1.Entry {
	e := desk("riservato-0123456789abcdef", name)
	e.GetOffice().Visibility = directoryv1.Visibility_VISIBILITY_HIDDEN
	return e
}

// newCentre returns an empty database of the centre.
func newCentre(t *testing.T) pgtest.DB {
	t.Helper()
	return pgtest.New(t, "directory", store.Migrate)
}

// newNode returns an empty database of a node.
func newNode(t *testing.T) pgtest.DB {
	t.Helper()
	return pgtest.New(t, "directory_copy", func(ctx context.Context, ownerURL string) error {
		if err := store.Migrate(ctx, ownerURL); err != nil {
			return err
		}
		return store.GrantCopy(ctx, ownerURL)
	})
}

func load(t *testing.T, db pgtest.DB, lists []vocabulary.List, entries ...*directoryv1.Entry) store.LoadResult {
	t.Helper()
	result, err := store.Load(t.Context(), db.OwnerURL, lists, entries, now)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// watch runs store.Watch until the test ends and returns its snapshots.
func watch(t *testing.T, db pgtest.DB) <-chan store.Snapshot {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	snapshots, done := make(chan store.Snapshot, 10), make(chan struct{})
	pool := db.Pool(t)
	go func() {
		defer close(done)
		_ = store.Watch(ctx, pool, slog.New(slog.DiscardHandler), func(s store.Snapshot) { snapshots <- s })
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return snapshots
}

func next(t *testing.T, snapshots <-chan store.Snapshot) store.Snapshot {
	t.Helper()
	select {
	case s := <-snapshots:
		return s
	case <-time.After(20 * time.Second):
		t.Fatal("no snapshot")
		return store.Snapshot{}
	}
}
