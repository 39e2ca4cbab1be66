package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/store"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

func TestLoad(t *testing.T) {
	t.Parallel()

	t.Run("changes nothing the second time", func(t *testing.T) {
		t.Parallel()
		db := newCentre(t)
		load(t, db, colours(red, blue), desk("a", "A"))
		got := load(t, db, colours(red, blue), desk("a", "A"))
		if diff := cmp.Diff(store.LoadResult{Revision: 1}, got); diff != "" {
			t.Error(diff)
		}
	})

	t.Run("raises the version of changed lists only", func(t *testing.T) {
		t.Parallel()
		db := newCentre(t)
		shapes := vocabulary.List{
			Name: "shape", Version: 1, TitleIT: "Forma", TitleEN: "Shape", Terms: []vocabulary.Term{red},
		}
		load(t, db, append(colours(red), shapes), desk("a", "A"), desk("b", "B"))
		got := load(t, db, append(colours(red, blue), shapes), desk("a", "A"), desk("b", "Better"))
		want := store.LoadResult{Revision: 2, Lists: []string{"colour"}, Entries: []string{"office/b"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		s := next(t, watch(t, db))
		if s.Lists[0].Version != 2 || s.Lists[1].Version != 1 {
			t.Errorf("got %+v", s.Lists)
		}
		if len(s.Entries) != 2 || s.Entries[1].GetOffice().GetName() != "Better" {
			t.Errorf("got %v", s.Entries)
		}
	})

	t.Run("preserves earlier states", func(t *testing.T) {
		t.Parallel()
		db := newCentre(t)
		load(t, db, colours(red), desk("a", "A"))
		load(t, db, colours(red, blue), desk("a", "B"))
		var lists, states int
		if err := db.Pool(t).QueryRow(t.Context(), `select (select count(*) from vocabulary where name = 'colour'),
			(select count(*) from entry where kind = 'office' and id = 'a')`).Scan(&lists, &states); err != nil {
			t.Fatal(err)
		}
		if lists != 2 || states != 2 {
			t.Errorf("%d versions of the list and %d states of the entry, want 2 and 2", lists, states)
		}
	})

	t.Run("adds to the history of an entry, newest first", func(t *testing.T) {
		t.Parallel()
		db := newCentre(t)
		load(t, db, colours(red), desk("a", "A"), desk("b", "B"))
		load(t, db, colours(red), desk("a", "Better"), desk("b", "B"))
		for _, c := range []struct {
			ref   entry.Ref
			limit int
			want  []string
		}{
			{"office/a", 10, []string{"2 Better", "1 A"}},
			{"office/a", 1, []string{"2 Better"}},
			{"room/a", 10, nil},
		} {
			states, err := store.ListHistory(t.Context(), db.Pool(t), c.ref, c.limit)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range states {
				got = append(got, fmt.Sprint(e.GetRevision(), " ", e.GetOffice().GetName()))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.ref, diff)
			}
		}
	})

	for _, c := range []struct {
		name    string
		lists   []vocabulary.List
		entries []*directoryv1.Entry
		refusal string
	}{
		{"refuses to lose a list", nil, []*directoryv1.Entry{desk("a", "A")}, "list colour is missing"},
		{"refuses to lose a code", colours(blue), []*directoryv1.Entry{desk("a", "A")}, "no longer contains RED"},
		{"refuses to lose an entry", colours(red, blue), nil, "office/a is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := newCentre(t)
			load(t, db, colours(red, blue), desk("a", "A"))
			_, err := store.Load(t.Context(), db.OwnerURL, c.lists, c.entries, now)
			if err == nil || !strings.Contains(err.Error(), c.refusal) {
				t.Errorf("got %v, want %q", err, c.refusal)
			}
			if got := next(t, watch(t, db)); got.Revision != 1 || len(got.Entries) != 1 {
				t.Errorf("a refused load left %+v", got)
			}
		})
	}

	t.Run("keeps approved changes and refuses to overwrite them", func(t *testing.T) {
		t.Parallel()
		db := newCentre(t)
		load(t, db, colours(red), desk("a", "A"))
		created := newProposal(desk("new", "New"))
		created.Changes[0].BaseRevision = 0
		for _, p := range []store.Proposal{newProposal(desk("a", "B")), created} {
			if _, err := decide(t, db, approval(propose(t, db, p))); err != nil {
				t.Fatal(err)
			}
		}
		for _, entries := range [][]*directoryv1.Entry{{desk("a", "A")}, {desk("a", "B"), desk("new", "New")}} {
			if got := load(t, db, colours(red), entries...); got.Entries != nil || got.Revision != 3 {
				t.Errorf("a load changed %v", got)
			}
		}
		for _, e := range []*directoryv1.Entry{desk("a", "C"), desk("new", "Other")} {
			entries := []*directoryv1.Entry{e}
			if e.GetId() != "a" {
				entries = append(entries, desk("a", "B"))
			}
			_, err := store.Load(t.Context(), db.OwnerURL, colours(red), entries, now)
			if err == nil || !strings.Contains(err.Error(), e.GetId()+" was changed by a proposal") {
				t.Errorf("%s: got %v", e.GetId(), err)
			}
		}
	})

	t.Run("applies only one of two identical concurrent loads", func(t *testing.T) {
		t.Parallel()
		db := newCentre(t)
		revisions := make(chan int64, 2)
		for range 2 {
			go func() {
				entries := []*directoryv1.Entry{desk("a", "A")}
				result, err := store.Load(context.Background(), db.OwnerURL, colours(red), entries, now)
				if err != nil {
					t.Error(err)
				}
				revisions <- result.Revision
			}()
		}
		if a, b := <-revisions, <-revisions; a != 1 || b != 1 {
			t.Errorf("revisions %d and %d, want 1 and 1", a, b)
		}
	})
}
