package api

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/retepari/pari/pkg/identity"
	codes "github.com/retepari/pari/pkg/vocabulary"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	vocabularyv1 "github.com/retepari/pari/proto/gen/pari/vocabulary/v1"
	"github.com/retepari/pari/services/directory/internal/entry"
	"github.com/retepari/pari/services/directory/internal/office"
	"github.com/retepari/pari/services/directory/internal/store"
	"github.com/retepari/pari/services/directory/internal/vocabulary"
)

// viewSet is the directory as each may see it. What a view holds its readers may see, so what answers from a view need not think
// of hidden entries. Calls get theirs from viewFor and nowhere else.
type viewSet struct {
	// public has no hidden entry.
	public *view
	// nodes have those of one node besides; a node without any is not there.
	nodes map[string]*view
	// all has all of them; the public view when there is none.
	all *view

	// What the next views take over when it has not changed: the lists as they were read, the places among them, and what was
	// worked out about each office.
	lists    []vocabulary.List
	places   office.Places
	prepared map[*directoryv1.Entry]*office.Compiled
}

// view is what some may see, ready to be sent.
type view struct {
	// revision is the highest of what is in it.
	revision int64
	index    *office.Index
	offices  map[string]*directoryv1.Office
	entries  *entry.Index
	set      *codes.Set
}

// SetSnapshot replaces everything that the server answers with, and works out anew only what has changed. An office whose hours cannot
// be read is an error, and what was shown before stays.
func (s *Server) SetSnapshot(c store.Snapshot) error {
	before := s.views.Load()
	v := &viewSet{nodes: map[string]*view{}, lists: c.Lists, prepared: make(map[*directoryv1.Entry]*office.Compiled, len(c.Entries))}
	for _, e := range c.Entries {
		if err := v.prepare(e, before); err != nil {
			return err
		}
	}
	empty := v.codes(before)
	empty.revision = c.ListRevision
	public, restricted := entry.SplitHidden(c.Entries)
	v.public = v.extend(empty, public)
	v.all = v.extend(v.public, restricted)
	byNode := map[string][]*directoryv1.Entry{}
	for _, e := range restricted {
		byNode[entry.NodeOf(e)] = append(byNode[entry.NodeOf(e)], e)
	}
	for node, own := range byNode {
		v.nodes[node] = v.extend(v.public, own)
	}
	s.views.Store(v)
	s.snapshot.Store(&c)
	return nil
}

// prepare works out what an entry says about an office, unless that was done: entries never change in place.
func (v *viewSet) prepare(e *directoryv1.Entry, before *viewSet) error {
	if e.GetOffice() == nil {
		return nil
	}
	if before != nil && before.prepared[e] != nil {
		v.prepared[e] = before.prepared[e]
		return nil
	}
	o, err := entry.OfficeFromProto(e.GetOffice())
	if err != nil {
		return fmt.Errorf("%s: %w", entry.RefOf(e), err)
	}
	v.prepared[e] = office.Compile(o)
	return nil
}

// codes returns a view that holds the lists and no entry.
func (v *viewSet) codes(before *viewSet) *view {
	if before != nil && sameLists(before.lists, v.lists) {
		v.places = before.places
		return &view{index: office.NewIndex(nil, v.places), entries: entry.NewIndex(nil), set: before.public.set}
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

// sameLists tells whether these are the very lists that were read before: the store returns them again when none has changed.
func sameLists(a, b []vocabulary.List) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// extend returns a view that holds more entries besides; the same one for none.
func (v *viewSet) extend(base *view, more []*directoryv1.Entry) *view {
	if len(more) == 0 {
		return base
	}
	out := &view{revision: base.revision, offices: make(map[string]*directoryv1.Office, len(base.offices)+len(more)), entries: base.entries.With(more), set: base.set}
	maps.Copy(out.offices, base.offices)
	var offices []*office.Compiled
	for _, e := range more {
		out.revision = max(out.revision, e.GetRevision())
		if o := v.prepared[e]; o != nil {
			offices = append(offices, o)
			out.offices[o.ID] = e.GetOffice()
		}
	}
	out.index = base.index.With(offices)
	return out
}

// Vocabulary returns the lists that are shown, for the check of requests.
func (s *Server) Vocabulary() *codes.Set { return s.publicView().set }

// publicView is what everybody may see, for what goes to everybody whoever asks.
func (s *Server) publicView() *view { return s.views.Load().public }

// viewFor is what the caller may see.
func (s *Server) viewFor(ctx context.Context) *view {
	v, scope := s.views.Load(), scopeOf(ctx)
	if scope.All {
		return v.all
	}
	if own, some := v.nodes[scope.Node]; some && scope.Node != "" {
		return own
	}
	return v.public
}

// scopeOf is which hidden entries the caller may see: people alone, in the roles that need them. A call without a caller sees
// none.
func scopeOf(ctx context.Context) entry.VisibilityScope {
	c, ok := identity.From(ctx)
	switch {
	case !ok || c.Kind() != accessv1.Kind_KIND_PERSON:
		return entry.VisibilityScope{}
	case c.Node() == identity.Centre && slices.Contains(c.Regions, identity.AllRegions) && c.Has(accessv1.Role_ROLE_EDITOR, accessv1.Role_ROLE_PUBLISHER):
		return entry.VisibilityScope{All: true}
	case c.Has(accessv1.Role_ROLE_CASE_WORKER, accessv1.Role_ROLE_COORDINATOR, accessv1.Role_ROLE_EDITOR):
		return entry.VisibilityScope{Node: c.Node()}
	}
	return entry.VisibilityScope{}
}
