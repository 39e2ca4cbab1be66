package api

import (
	"context"
	"fmt"
	"maps"

	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
	codes "github.com/retepari/pari/pkg/vocabulary"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/office"
	"github.com/retepari/pari/services/directory/internal/store"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

// viewSet holds the directory for each visibility scope. A view holds only entries that its callers may see, so
// handlers need not filter hidden entries. They get their view from viewFor or publicView.
type viewSet struct {
	// public has no hidden entries.
	public *view
	// nodes has a view for each node with hidden entries: the public ones and those of the node.
	nodes map[tenant.ID]*view
	// all has all entries. It is the public view if none is hidden.
	all *view

	// The next viewSet reuses the following as far as nothing changed.
	lists    []vocabulary.List
	places   office.Places
	compiled map[*directoryv1.Entry]*office.Compiled
}

// view is the directory in one visibility scope, indexed and ready to be sent.
type view struct {
	// revision is the highest revision of its entries and lists.
	revision int64
	index    *office.Index
	offices  map[string]*directoryv1.Office
	entries  *entry.Index
	set      *codes.Set
}

// SetSnapshot replaces the directory that the server serves, and recompiles only what has changed. If an office has
// invalid hours, it returns an error and keeps the previous directory.
func (s *Server) SetSnapshot(snapshot store.Snapshot) error {
	previous := s.views.Load()
	v := &viewSet{
		nodes: map[tenant.ID]*view{}, lists: snapshot.Lists,
		compiled: make(map[*directoryv1.Entry]*office.Compiled, len(snapshot.Entries)),
	}
	for _, e := range snapshot.Entries {
		if err := v.compileOffice(e, previous); err != nil {
			return err
		}
	}
	empty := v.emptyView(previous)
	empty.revision = snapshot.ListRevision
	public, restricted := entry.SplitHidden(snapshot.Entries)
	v.public = v.extend(empty, public)
	v.all = v.extend(v.public, restricted)
	byNode := map[tenant.ID][]*directoryv1.Entry{}
	for _, e := range restricted {
		for _, node := range entry.Owners(e) {
			byNode[node] = append(byNode[node], e)
		}
	}
	for node, hidden := range byNode {
		v.nodes[node] = v.extend(v.public, hidden)
	}
	s.views.Store(v)
	s.snapshot.Store(&snapshot)
	return nil
}

// compileOffice compiles the office of an entry, or takes it from the previous views: entries never change in place.
func (v *viewSet) compileOffice(e *directoryv1.Entry, previous *viewSet) error {
	if e.GetOffice() == nil {
		return nil
	}
	if previous != nil && previous.compiled[e] != nil {
		v.compiled[e] = previous.compiled[e]
		return nil
	}
	o, err := entry.OfficeFromProto(e.GetOffice())
	if err != nil {
		return fmt.Errorf("%s: %w", entry.RefOf(e), err)
	}
	v.compiled[e] = office.Compile(o)
	return nil
}

// emptyView returns a view with the lists and without entries.
func (v *viewSet) emptyView(previous *viewSet) *view {
	if previous != nil && sameLists(previous.lists, v.lists) {
		v.places = previous.places
		return &view{index: office.NewIndex(nil, v.places), entries: entry.NewIndex(nil), set: previous.public.set}
	}
	v.places = office.Places{}
	messages := make([]*vocabularyv1.Vocabulary, 0, len(v.lists))
	for _, l := range v.lists {
		messages = append(messages, vocabularyToProto(l))
		if l.Name == vocabulary.TerritoryList {
			for _, t := range l.Terms {
				v.places[t.Code] = t.Group
			}
		}
	}
	return &view{index: office.NewIndex(nil, v.places), entries: entry.NewIndex(nil), set: codes.NewSet(messages...)}
}

// sameLists reports whether both are the same slice: the store returns the previous one when no list has changed.
func sameLists(a, b []vocabulary.List) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// extend returns a view with more entries than base, or base itself if there are none.
func (v *viewSet) extend(base *view, more []*directoryv1.Entry) *view {
	if len(more) == 0 {
		return base
	}
	out := &view{
		revision: base.revision, offices: make(map[string]*directoryv1.Office, len(base.offices)+len(more)),
		entries: base.entries.With(more), set: base.set,
	}
	maps.Copy(out.offices, base.offices)
	var offices []*office.Compiled
	for _, e := range more {
		out.revision = max(out.revision, e.GetRevision())
		if o := v.compiled[e]; o != nil {
			offices = append(offices, o)
			out.offices[o.ID] = e.GetOffice()
		}
	}
	out.index = base.index.With(offices)
	return out
}

// Vocabulary returns the current code lists, for the validation of requests.
func (s *Server) Vocabulary() *codes.Set { return s.publicView().set }

// publicView returns the view without hidden entries, for responses that do not depend on the caller.
func (s *Server) publicView() *view { return s.views.Load().public }

// viewFor returns the view of the caller.
func (s *Server) viewFor(ctx context.Context) *view {
	v, scope := s.views.Load(), scopeOf(ctx)
	if scope.All {
		return v.all
	}
	if nodeView, ok := v.nodes[scope.Tenant]; ok {
		return nodeView
	}
	return v.public
}

// scopeOf returns which hidden entries the caller may see: only people, and only in the roles that need them. A call
// without a caller sees none.
func scopeOf(ctx context.Context) entry.VisibilityScope {
	p, ok := identity.From(ctx)
	const editor, publisher = accessv1.Role_ROLE_EDITOR, accessv1.Role_ROLE_PUBLISHER
	switch {
	case !ok || p.Kind() != accessv1.Kind_KIND_PERSON:
		return entry.VisibilityScope{}
	case p.HasOverRegion(tenant.AllRegions, editor, publisher):
		return entry.VisibilityScope{All: true}
	case p.Has(accessv1.Role_ROLE_CASE_WORKER, accessv1.Role_ROLE_COORDINATOR, editor):
		return entry.VisibilityScope{Tenant: p.Tenant()}
	}
	return entry.VisibilityScope{}
}
