package store_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/retepari/pari/dev/testkit/pgtest"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/store"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var (
	day  = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	red  = vocabulary.Term{Code: "RED", LabelIT: "rosso", LabelEN: "red"}
	blue = vocabulary.Term{Code: "BLUE", LabelIT: "blu", LabelEN: "blue", ValidFrom: "2027-01-01", Group: "COLD"}
)

func colours(terms ...vocabulary.Term) vocabulary.List {
	return vocabulary.List{Name: "colour", Version: 1, TitleIT: "Colore", TitleEN: "Colour", Groups: "warmth", Terms: terms}
}

func desk(id, name string) *directoryv1.Entry {
	e, err := entry.New(&directoryv1.Office{
		OfficeId: id, Name: name, Kind: "DESK", State: "ACTIVE", Region: "lombardia", Node: "cremona", Source: "test", Territories: []string{"019"},
		Hours:  []*directoryv1.Hours{{Weekday: 2, Opens: "09:00", Closes: "24:00"}},
		Phones: []*directoryv1.Phone{{Number: "02 1", Whatsapp: true, Hours: []*directoryv1.Hours{{Weekday: 1, Opens: "08:30", Closes: "12:30"}}}},
	})
	if err != nil {
		panic(err)
	}
	return e
}

func database(t *testing.T) pgtest.DB {
	t.Helper()
	return pgtest.New(t, "directory", store.Migrate)
}

func load(t *testing.T, db pgtest.DB, lists []vocabulary.List, entries ...*directoryv1.Entry) store.LoadResult {
	t.Helper()
	loaded, err := store.Load(t.Context(), db.OwnerURL, lists, entries, day)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// follow returns what a follower is shown, as it comes.
func follow(t *testing.T, db pgtest.DB) <-chan store.Snapshot {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	shown, done := make(chan store.Snapshot, 10), make(chan struct{})
	pool := db.Pool(t)
	go func() {
		defer close(done)
		_ = store.Watch(ctx, pool, slog.New(slog.DiscardHandler), func(c store.Snapshot) { shown <- c })
	}()
	t.Cleanup(func() {
		stop()
		<-done
	})
	return shown
}

func next(t *testing.T, shown <-chan store.Snapshot) store.Snapshot {
	t.Helper()
	select {
	case c := <-shown:
		return c
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was shown")
		return store.Snapshot{}
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	db := database(t)
	shown := follow(t, db)
	if c := next(t, shown); c.Revision != 0 || len(c.Lists)+len(c.Entries) != 0 {
		t.Fatalf("an empty database shows %+v", c)
	}
	load(t, db, []vocabulary.List{colours(red, blue)}, desk("b", "B"), desk("a", "A"))
	want := store.Snapshot{Revision: 1, ListRevision: 1, Lists: []vocabulary.List{colours(red, blue)}, Entries: []*directoryv1.Entry{desk("a", "A"), desk("b", "B")}}
	if diff := cmp.Diff(want, next(t, shown), protocmp.Transform(), protocmp.IgnoreFields(&directoryv1.Entry{}, "revision", "stored_at")); diff != "" {
		t.Error("after a load (-want +got):\n" + diff)
	}
}

// Ensure a follower that loses its connection makes another one, and does not miss what was loaded meanwhile.
func TestFollow_AfterALostConnection(t *testing.T) {
	t.Parallel()
	db := database(t)
	load(t, db, []vocabulary.List{colours(red)}, desk("a", "A"))
	shown := follow(t, db)
	next(t, shown)
	if _, err := db.Pool(t).Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
		where datname = current_database() and usename = current_user and pid <> pg_backend_pid()`); err != nil {
		t.Fatal(err)
	}
	load(t, db, []vocabulary.List{colours(red)}, desk("a", "B"))
	for {
		if c := next(t, shown); c.Revision == 2 && c.Entries[0].GetOffice().GetName() == "B" {
			return
		}
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()

	t.Run("changes nothing the second time", func(t *testing.T) {
		t.Parallel()
		db := database(t)
		load(t, db, []vocabulary.List{colours(red, blue)}, desk("a", "A"))
		if got := load(t, db, []vocabulary.List{colours(red, blue)}, desk("a", "A")); got.Revision != 1 || got.Lists != nil || got.Entries != nil {
			t.Errorf("got %+v", got)
		}
	})

	t.Run("raises the version of what changed and of nothing else", func(t *testing.T) {
		t.Parallel()
		db := database(t)
		shapes := vocabulary.List{Name: "shape", Version: 1, TitleIT: "Forma", TitleEN: "Shape", Terms: []vocabulary.Term{red}}
		load(t, db, []vocabulary.List{colours(red), shapes}, desk("a", "A"), desk("b", "B"))
		got := load(t, db, []vocabulary.List{colours(red, blue), shapes}, desk("a", "A"), desk("b", "Better"))
		if diff := cmp.Diff(store.LoadResult{Revision: 2, Lists: []string{"colour"}, Entries: []string{"office/b"}}, got); diff != "" {
			t.Error(diff)
		}
		c := next(t, follow(t, db))
		if c.Lists[0].Version != 2 || c.Lists[1].Version != 1 || len(c.Entries) != 2 || c.Entries[1].GetOffice().GetName() != "Better" {
			t.Errorf("got %+v", c)
		}
	})

	t.Run("keeps what was", func(t *testing.T) {
		t.Parallel()
		db := database(t)
		load(t, db, []vocabulary.List{colours(red)}, desk("a", "A"))
		load(t, db, []vocabulary.List{colours(red, blue)}, desk("a", "B"))
		var lists, states int
		if err := db.Pool(t).QueryRow(t.Context(), `select (select count(*) from vocabulary where name = 'colour'),
			(select count(*) from entry where kind = 'office' and id = 'a')`).Scan(&lists, &states); err != nil {
			t.Fatal(err)
		}
		if lists != 2 || states != 2 {
			t.Errorf("%d versions of the list and %d states of the entry, want 2 and 2", lists, states)
		}
	})

	t.Run("tells the states of an entry, newest first", func(t *testing.T) {
		t.Parallel()
		db := database(t)
		load(t, db, []vocabulary.List{colours(red)}, desk("a", "A"), desk("b", "B"))
		load(t, db, []vocabulary.List{colours(red)}, desk("a", "Better"), desk("b", "B"))
		states, err := store.ListHistory(t.Context(), db.Pool(t), "office/a", 10)
		if err != nil || len(states) != 2 || states[0].GetOffice().GetName() != "Better" || states[0].GetRevision() != 2 || states[1].GetRevision() != 1 {
			t.Errorf("got %v, %v", states, err)
		}
		if last, err := store.ListHistory(t.Context(), db.Pool(t), "office/a", 1); err != nil || len(last) != 1 || last[0].GetRevision() != 2 {
			t.Errorf("got %v, %v", last, err)
		}
		if none, err := store.ListHistory(t.Context(), db.Pool(t), "room/a", 10); err != nil || len(none) != 0 {
			t.Errorf("got %v, %v", none, err)
		}
	})

	for _, c := range []struct {
		name    string
		lists   []vocabulary.List
		entries []*directoryv1.Entry
		refusal string
	}{
		{"refuses to lose a list", nil, []*directoryv1.Entry{desk("a", "A")}, "list colour is missing"},
		{"refuses to lose a code", []vocabulary.List{colours(blue)}, []*directoryv1.Entry{desk("a", "A")}, "no longer holds RED"},
		{"refuses to lose an entry", []vocabulary.List{colours(red, blue)}, nil, "office/a is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := database(t)
			load(t, db, []vocabulary.List{colours(red, blue)}, desk("a", "A"))
			_, err := store.Load(t.Context(), db.OwnerURL, c.lists, c.entries, day)
			if err == nil || !strings.Contains(err.Error(), c.refusal) {
				t.Errorf("got %v, want %q", err, c.refusal)
			}
			if got := next(t, follow(t, db)); got.Revision != 1 || len(got.Entries) != 1 {
				t.Errorf("a refused load left %+v", got)
			}
		})
	}

	t.Run("lets one of two loads at once do the work", func(t *testing.T) {
		t.Parallel()
		db := database(t)
		revisions := make(chan int64, 2)
		for range 2 {
			go func() {
				loaded, err := store.Load(context.Background(), db.OwnerURL, []vocabulary.List{colours(red)}, []*directoryv1.Entry{desk("a", "A")}, day)
				if err != nil {
					t.Error(err)
				}
				revisions <- loaded.Revision
			}()
		}
		if a, b := <-revisions, <-revisions; a != 1 || b != 1 {
			t.Errorf("revisions %d and %d, want 1 and 1", a, b)
		}
	})
}

func TestRoles(t *testing.T) {
	t.Parallel()
	db := database(t)
	load(t, db, []vocabulary.List{colours(red)}, desk("a", "A"))
	pool := db.Pool(t)
	pgtest.RowSecurity(t, pool)
	for _, statement := range []string{
		`update entry set id = 'x'`, `delete from vocabulary`, `insert into directory_state (revision, updated_at) values (9, now())`,
		`truncate entry`, `drop policy public_read on entry`,
	} {
		if _, err := pool.Exec(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "42501") {
			t.Errorf("%q by the runtime role: %v, want it refused", statement, err)
		}
	}
}

func TestStatements(t *testing.T) {
	t.Parallel()
	pgtest.PrepareStatements(t, database(t).Pool(t))
}
