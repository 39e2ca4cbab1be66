package store

import (
	"cmp"
	"slices"

	"github.com/retepari/pari/pkg/bus"
)

// maxBuffered bounds the events of a partition that are buffered behind a gap. Later ones are rejected: the node sends
// again what the watermark does not cover.
const maxBuffered = 10_000

// offset is the offset of a partition: what is acknowledged, and what is known beyond.
type offset struct {
	acknowledged int64
	hash         bus.Hash // of the event with the acknowledged number
	buffered     int64    // events stored behind a gap
	last         int64    // highest number received or announced
}

// sequence is the outcome of advance: what to do with each event of one partition.
type sequence struct {
	next       []Event // to be applied: consecutive from the offset, in order
	buffered   []Event // to be stored: they are behind a gap
	released   []int64 // numbers of buffered events that leave the buffer
	duplicates []Event // their number was used before
	broken     []Event // next by number, but their previous hash does not match
	overflow   []Event // the buffer is full
}

// advance moves the offset over the received and the buffered events, ordered by number. Where a buffered and a
// received event have the same number, the buffered one goes first.
func (o *offset) advance(received, buffered []Event) sequence {
	type candidate struct {
		Event
		buffered bool
	}
	var all []candidate
	for _, e := range buffered {
		all = append(all, candidate{e, true})
	}
	for _, e := range received {
		all = append(all, candidate{e, false})
		o.last = max(o.last, e.NodeSeq)
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.NodeSeq, b.NodeSeq) })
	var s sequence
	behindGap := map[int64]bool{}
	for _, e := range all {
		switch {
		case e.NodeSeq <= o.acknowledged && !e.buffered, behindGap[e.NodeSeq]:
			s.duplicates = append(s.duplicates, e.Event)
		case e.NodeSeq <= o.acknowledged:
			s.released = append(s.released, e.NodeSeq)
		case e.NodeSeq == o.acknowledged+1 && e.PrevHash == o.hash:
			s.next = append(s.next, e.Event)
			o.acknowledged, o.hash = e.NodeSeq, e.Hash
			if e.buffered {
				s.released = append(s.released, e.NodeSeq)
			}
		case e.NodeSeq == o.acknowledged+1:
			s.broken = append(s.broken, e.Event)
			if e.buffered {
				s.released = append(s.released, e.NodeSeq)
			}
		case e.buffered:
			behindGap[e.NodeSeq] = true
		case o.buffered+int64(len(s.buffered)) >= maxBuffered:
			s.overflow = append(s.overflow, e.Event)
		default:
			behindGap[e.NodeSeq] = true
			s.buffered = append(s.buffered, e.Event)
		}
	}
	o.buffered += int64(len(s.buffered) - len(s.released))
	return s
}
