package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	"github.com/retepari/pari/services/directory/internal/store"
)

func TestWatch(t *testing.T) {
	t.Parallel()
	db := newCentre(t)
	snapshots := watch(t, db)
	if s := next(t, snapshots); s.Revision != 0 || len(s.Lists)+len(s.Entries) != 0 {
		t.Fatalf("an empty database gives %+v", s)
	}
	load(t, db, colours(red, blue), desk("b", "B"), desk("a", "A"))
	want := store.Snapshot{
		Revision: 1, ListRevision: 1, Lists: colours(red, blue),
		Entries: []*directoryv1.Entry{desk("a", "A"), desk("b", "B")},
	}
	ignore := protocmp.IgnoreFields(&directoryv1.Entry{}, "revision", "stored_at")
	if diff := cmp.Diff(want, next(t, snapshots), protocmp.Transform(), ignore); diff != "" {
		t.Error("after a load (-want +got):\n" + diff)
	}
}

// Ensure Watch connects again after a lost connection and misses no load.
func TestWatch_AfterALostConnection(t *testing.T) {
	t.Parallel()
	db := newCentre(t)
	load(t, db, colours(red), desk("a", "A"))
	snapshots := watch(t, db)
	next(t, snapshots)
	if _, err := db.Pool(t).Exec(t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
		where datname = current_database() and usename = current_user and pid <> pg_backend_pid()`); err != nil {
		t.Fatal(err)
	}
	load(t, db, colours(red), desk("a", "B"))
	for {
		if s := next(t, snapshots); s.Revision == 2 && s.Entries[0].GetOffice().GetName() == "B" {
			return
		}
	}
}

// Ensure a notification without a new revision is ignored.
func TestWatch_IgnoresTheSameRevision(t *testing.T) {
	t.Parallel()
	db := newCentre(t)
	load(t, db, colours(red), desk("a", "A"))
	snapshots := watch(t, db)
	next(t, snapshots)
	if _, err := db.Pool(t).Exec(t.Context(), `select pg_notify('directory_changed', 'change')`); err != nil {
		t.Fatal(err)
	}
	load(t, db, colours(red), desk("a", "B"))
	if s := next(t, snapshots); s.Revision != 2 {
		t.Errorf("revision %d was reported twice", s.Revision)
	}
}

// Ensure Watch reads everything again from a database that was restored to an earlier revision.
func TestWatch_OfARestoredDatabase(t *testing.T) {
	t.Parallel()
	centre, node := newCentre(t), newNode(t)
	load(t, centre, colours(red), desk("a", "A"))
	load(t, centre, colours(red), desk("a", "A"), desk("b", "B"))
	copyChanges(t, centre, node, 0)
	snapshots := watch(t, node)
	next(t, snapshots)
	if _, err := node.Pool(t).Exec(t.Context(), `with restored as (delete from entry where id = 'b'),
		revision as (update directory_state set revision = 1)
		select pg_notify('directory_changed', 'change')`); err != nil {
		t.Fatal(err)
	}
	if s := next(t, snapshots); s.Revision != 1 || len(s.Entries) != 1 {
		t.Errorf("revision %d with %d entries, want 1 with 1", s.Revision, len(s.Entries))
	}
}
