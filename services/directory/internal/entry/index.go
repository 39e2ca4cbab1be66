package entry

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Index is entries, ready to be read. It never changes: what is stored later makes another one.
type Index struct {
	all   []*directoryv1.Entry // in the order of Compare
	refs  map[Ref][]Ref        // what each names
	byRef map[Ref]int
	// referrers are the positions of the entries that name an entry.
	referrers map[Ref][]int
}

// NewIndex indexes entries.
func NewIndex(entries []*directoryv1.Entry) *Index { return (&Index{}).With(entries) }

// With returns an index that holds more entries besides.
func (x *Index) With(more []*directoryv1.Entry) *Index {
	all := slices.SortedFunc(slices.Values(slices.Concat(x.all, more)), Compare)
	out := &Index{all: all, refs: make(map[Ref][]Ref, len(all)), byRef: make(map[Ref]int, len(all)), referrers: map[Ref][]int{}}
	for i, e := range all {
		name := RefOf(e)
		refs, known := x.refs[name]
		if !known {
			refs = Refs(e)
		}
		out.refs[name], out.byRef[name] = refs, i
		for _, ref := range refs {
			out.referrers[ref] = append(out.referrers[ref], i)
		}
	}
	return out
}

// Get returns an entry. Do not change it.
func (x *Index) Get(ref Ref) (*directoryv1.Entry, bool) {
	i, ok := x.byRef[ref]
	if !ok {
		return nil, false
	}
	return x.all[i], true
}

// All visits all entries, in order.
func (x *Index) All() iter.Seq[*directoryv1.Entry] { return slices.Values(x.all) }

// OfKind visits the entries of a kind, in order.
func (x *Index) OfKind(kind string) iter.Seq[*directoryv1.Entry] {
	return func(yield func(*directoryv1.Entry) bool) {
		for _, e := range x.all {
			if e.GetKind() == kind && !yield(e) {
				return
			}
		}
	}
}

// Without returns all entries but those that are named as these are.
func (x *Index) Without(these []*directoryv1.Entry) []*directoryv1.Entry {
	named := make(map[Ref]bool, len(these))
	for _, e := range these {
		named[RefOf(e)] = true
	}
	return slices.DeleteFunc(slices.Clone(x.all), func(e *directoryv1.Entry) bool { return named[RefOf(e)] })
}

// Filter says which entries to list; what is empty does not restrict.
type Filter struct {
	Kinds       []string
	Node        string
	ReferringTo Ref
	// VerifiedBefore is a day: only what was last checked before it, or never.
	VerifiedBefore string
}

// String is the same for the same filter, and for no other.
func (f Filter) String() string {
	return fmt.Sprintf("entries %s %s %s %s", strings.Join(slices.Sorted(slices.Values(f.Kinds)), ","), f.Node, f.ReferringTo, f.VerifiedBefore)
}

// Page returns up to limit entries that pass the filter, from the one after an entry on ("" for the beginning), and whether
// there are more.
func (x *Index) Page(f Filter, after Ref, limit int) (page []*directoryv1.Entry, more bool) {
	for i := range x.candidates(f) {
		e := x.all[i]
		if after != "" && Compare(e, &directoryv1.Entry{Kind: after.Kind(), Id: after.ID()}) <= 0 || !f.matches(e) {
			continue
		}
		if len(page) == limit {
			return page, true
		}
		page = append(page, e)
	}
	return page, false
}

// candidates are those that may pass the filter.
func (x *Index) candidates(f Filter) func(func(int) bool) {
	if f.ReferringTo == "" {
		return func(yield func(int) bool) {
			for i := range x.all {
				if !yield(i) {
					return
				}
			}
		}
	}
	return func(yield func(int) bool) {
		for _, i := range x.referrers[f.ReferringTo] {
			if !yield(i) {
				return
			}
		}
	}
}

func (f Filter) matches(e *directoryv1.Entry) bool {
	return (len(f.Kinds) == 0 || slices.Contains(f.Kinds, e.GetKind())) && (f.Node == "" || NodeOf(e) == f.Node) &&
		(f.VerifiedBefore == "" || VerifiedOn(e) < f.VerifiedBefore)
}

// NodeOf is the node that an entry belongs to; "" for one of a region, or of nobody.
func NodeOf(e *directoryv1.Entry) string {
	if n := e.GetNode(); n != nil {
		return n.GetNodeId()
	}
	content, ok := Content(e).(interface {
		proto.Message
		GetNode() string
	})
	if !ok {
		return ""
	}
	return content.GetNode()
}
