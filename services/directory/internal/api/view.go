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

// views is the directory as each may see it. What a view holds its readers may see, so what answers from a view need not think
// of hidden entries. Calls get theirs from viewFor and nowhere else.
type views struct {
	// public has no hidden entry.
	public *view
	// nodes have those of one node besides; a node without any is not there.
	nodes map[string]*view
	// all has all of them; the public view when there is none.
	all *view
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

// Show replaces everything that the server answers with. An office whose hours cannot be read is an error, and what was shown
// before stays.
func (s *Server) Show(c store.Contents) error {
	messages := make([]*vocabularyv1.Vocabulary, 0, len(c.Lists))
	places := office.Places{}
	for _, l := range c.Lists {
		messages = append(messages, vocabularyToProto(l))
		if l.Name == vocabulary.Territory {
			for _, t := range l.Terms {
				places[t.Code] = t.Group
			}
		}
	}
	empty := &view{revision: c.ListRevision, index: office.NewIndex(nil, places), entries: entry.NewIndex(nil), set: codes.NewSet(messages...)}
	public, few := entry.Split(c.Entries)
	v := &views{nodes: map[string]*view{}}
	var err error
	if v.public, err = empty.with(public); err != nil {
		return err
	}
	if v.all, err = v.public.with(few); err != nil {
		return err
	}
	byNode := map[string][]*directoryv1.Entry{}
	for _, e := range few {
		byNode[entry.NodeOf(e)] = append(byNode[entry.NodeOf(e)], e)
	}
	for node, own := range byNode {
		if v.nodes[node], err = v.public.with(own); err != nil {
			return err
		}
	}
	s.shown.Store(v)
	s.read.Store(&c)
	return nil
}

// with returns a view that holds more entries besides; the same one for none.
func (v *view) with(more []*directoryv1.Entry) (*view, error) {
	if len(more) == 0 {
		return v, nil
	}
	out := &view{revision: v.revision, offices: make(map[string]*directoryv1.Office, len(v.offices)+len(more)), entries: v.entries.With(more), set: v.set}
	maps.Copy(out.offices, v.offices)
	var offices []office.Office
	for _, e := range more {
		out.revision = max(out.revision, e.GetRevision())
		if e.GetOffice() == nil {
			continue
		}
		o, err := entry.Office(e.GetOffice())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", entry.RefOf(e), err)
		}
		offices = append(offices, o)
		out.offices[o.ID] = e.GetOffice()
	}
	out.index = v.index.With(offices)
	return out, nil
}

// Vocabulary returns the lists that are shown, for the check of requests.
func (s *Server) Vocabulary() *codes.Set { return s.public().set }

// public is what everybody may see, for what goes to everybody whoever asks.
func (s *Server) public() *view { return s.shown.Load().public }

// viewFor is what the caller may see.
func (s *Server) viewFor(ctx context.Context) *view {
	v, sight := s.shown.Load(), sightOf(ctx)
	if sight.All {
		return v.all
	}
	if own, some := v.nodes[sight.Node]; some && sight.Node != "" {
		return own
	}
	return v.public
}

// sightOf is which hidden entries the caller may see: people alone, in the roles that need them. A call without a caller sees
// none.
func sightOf(ctx context.Context) entry.Sight {
	c, ok := identity.From(ctx)
	switch {
	case !ok || c.Kind() != accessv1.Kind_KIND_PERSON:
		return entry.Sight{}
	case c.Node() == identity.Centre && slices.Contains(c.Regions, identity.AllRegions) && c.Has(accessv1.Role_ROLE_EDITOR, accessv1.Role_ROLE_PUBLISHER):
		return entry.Sight{All: true}
	case c.Has(accessv1.Role_ROLE_CASE_WORKER, accessv1.Role_ROLE_COORDINATOR, accessv1.Role_ROLE_EDITOR):
		return entry.Sight{Node: c.Node()}
	}
	return entry.Sight{}
}
