package entry

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/tenant"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Index holds entries for lookup. It is immutable: With returns a new index.
type Index struct {
	all       []*directoryv1.Entry // in the order of Compare
	refs      map[Ref][]Ref        // the references in each entry
	byRef     map[Ref]int          // the position of each entry
	referrers map[Ref][]int        // the positions of the entries that refer to an entry
}

// NewIndex indexes entries.
func NewIndex(entries []*directoryv1.Entry) *Index { return (&Index{}).With(entries) }

// With returns an index that also holds more entries.
func (x *Index) With(more []*directoryv1.Entry) *Index {
	all := slices.SortedFunc(slices.Values(slices.Concat(x.all, more)), Compare)
	out := &Index{
		all: all, refs: make(map[Ref][]Ref, len(all)), byRef: make(map[Ref]int, len(all)), referrers: map[Ref][]int{},
	}
	for i, e := range all {
		ref := RefOf(e)
		targets, found := x.refs[ref]
		if !found {
			targets = Refs(e)
		}
		out.refs[ref], out.byRef[ref] = targets, i
		for _, target := range targets {
			out.referrers[target] = append(out.referrers[target], i)
		}
	}
	return out
}

// Get returns an entry. The caller must not modify it.
func (x *Index) Get(ref Ref) (*directoryv1.Entry, bool) {
	i, ok := x.byRef[ref]
	if !ok {
		return nil, false
	}
	return x.all[i], true
}

// All yields all entries, in order.
func (x *Index) All() iter.Seq[*directoryv1.Entry] { return slices.Values(x.all) }

// OfKind yields the entries of a kind, in order.
func (x *Index) OfKind(kind string) iter.Seq[*directoryv1.Entry] {
	return func(yield func(*directoryv1.Entry) bool) {
		for _, e := range x.all {
			if e.GetKind() == kind && !yield(e) {
				return
			}
		}
	}
}

// Without returns all entries except those with the references of excluded.
func (x *Index) Without(excluded []*directoryv1.Entry) []*directoryv1.Entry {
	refs := make(map[Ref]bool, len(excluded))
	for _, e := range excluded {
		refs[RefOf(e)] = true
	}
	return slices.DeleteFunc(slices.Clone(x.all), func(e *directoryv1.Entry) bool { return refs[RefOf(e)] })
}

// Filter selects entries. An empty field matches all of them.
type Filter struct {
	Kinds       []string
	Node        string
	ReferringTo Ref
	// VerifiedBefore is a day: only entries last verified before it, or never, match.
	VerifiedBefore string
}

// String returns a canonical form: equal filters, and only those, have the same one.
func (f Filter) String() string {
	kinds := strings.Join(slices.Sorted(slices.Values(f.Kinds)), ",")
	return fmt.Sprintf("entries %s %s %s %s", kinds, f.Node, f.ReferringTo, f.VerifiedBefore)
}

// Page returns up to limit entries that match the filter and follow the entry after ("" for the first page), and
// whether more follow.
func (x *Index) Page(f Filter, after Ref, limit int) (page []*directoryv1.Entry, more bool) {
	for i := range x.candidates(f) {
		e := x.all[i]
		onEarlierPage := Compare(e, &directoryv1.Entry{Kind: after.Kind(), Id: after.ID()}) <= 0
		if onEarlierPage || !f.matches(e) {
			continue
		}
		if len(page) == limit {
			return page, true
		}
		page = append(page, e)
	}
	return page, false
}

// candidates yields the positions of the entries that may match the filter, in order.
func (x *Index) candidates(f Filter) iter.Seq[int] {
	if f.ReferringTo != "" {
		return slices.Values(x.referrers[f.ReferringTo])
	}
	return func(yield func(int) bool) {
		for i := range x.all {
			if !yield(i) {
				return
			}
		}
	}
}

func (f Filter) matches(e *directoryv1.Entry) bool {
	return (len(f.Kinds) == 0 || slices.Contains(f.Kinds, e.GetKind())) &&
		(f.Node == "" || NodeOf(e) == f.Node) &&
		(f.VerifiedBefore == "" || VerifiedOn(e) < f.VerifiedBefore)
}

// OwnedBy reports whether an entry belongs to a node. Nothing belongs to the zero tenant.
func OwnedBy(e *directoryv1.Entry, t tenant.ID) bool { return slices.Contains(Owners(e), t) }

// Owners returns the nodes that an entry belongs to; none for an entry without a node or a region. The identifier of a
// node in the directory is its name, or <name>-<region> where a node of another region has that name already, so an
// identifier with such an ending stands for two names.
func Owners(e *directoryv1.Entry) (owners []tenant.ID) {
	region, id := Region(e), NodeOf(e)
	if region == "" || id == "" {
		return nil
	}
	owners = append(owners, tenant.ID{Region: region, Node: id})
	if name, ok := strings.CutSuffix(id, "-"+region); ok && name != "" {
		owners = append(owners, tenant.ID{Region: region, Node: name})
	}
	return owners
}

// SameOwner reports whether two entries belong to the same node of the same region.
func SameOwner(a, b *directoryv1.Entry) bool { return Region(a) == Region(b) && NodeOf(a) == NodeOf(b) }

// NodeOf returns the node that owns an entry, or "" if none does, as for an entry of a region.
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
