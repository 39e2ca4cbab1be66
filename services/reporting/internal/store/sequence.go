package store

import (
	"cmp"
	"slices"

	"github.com/retepari/pari/pkg/bus"
)

// maxWaiting bounds the events of a line that are kept behind a gap. Beyond it they are let go: what the watermark does not
// cover is sent again.
const maxWaiting = 10_000

// lineKey names a line within a region.
type lineKey struct{ node, source string }

func keyOf(l bus.Partition) lineKey { return lineKey{l.Node, l.Source} }

// position is how far a line has come.
type position struct {
	applied int64
	hash    bus.Hash
	waiting int64
	last    int64
}

// sequence is what becomes of the events of one line.
type sequence struct {
	next   []Event // follow each other and the position, in order
	gap    []Event // wait behind a gap
	freed  []int64 // numbers of parked events that wait no longer
	again  []Event // under a number that was seen before
	broken []Event // next by number, but not by hash
	room   []Event // no room to wait
}

// walk advances the position over what has arrived and what was parked behind a gap. Events are taken by number; where a
// parked and an arrived one have the same, the parked one goes first.
func (p *position) walk(arrived, parked []Event) sequence {
	type candidate struct {
		Event
		parked bool
	}
	var all []candidate
	for _, e := range parked {
		all = append(all, candidate{e, true})
	}
	for _, e := range arrived {
		all = append(all, candidate{e, false})
		p.last = max(p.last, e.NodeSeq)
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.NodeSeq, b.NodeSeq) })
	var s sequence
	waits := map[int64]bool{}
	for _, e := range all {
		switch {
		case e.NodeSeq <= p.applied && !e.parked, waits[e.NodeSeq]:
			s.again = append(s.again, e.Event)
		case e.NodeSeq <= p.applied:
			s.freed = append(s.freed, e.NodeSeq)
		case e.NodeSeq == p.applied+1 && e.PrevHash == p.hash:
			s.next = append(s.next, e.Event)
			p.applied, p.hash = e.NodeSeq, e.Hash
			if e.parked {
				s.freed = append(s.freed, e.NodeSeq)
			}
		case e.NodeSeq == p.applied+1:
			s.broken = append(s.broken, e.Event)
			if e.parked {
				s.freed = append(s.freed, e.NodeSeq)
			}
		case e.parked:
			waits[e.NodeSeq] = true
		case p.waiting+int64(len(s.gap)) >= maxWaiting:
			s.room = append(s.room, e.Event)
		default:
			waits[e.NodeSeq] = true
			s.gap = append(s.gap, e.Event)
		}
	}
	p.waiting += int64(len(s.gap) - len(s.freed))
	return s
}
