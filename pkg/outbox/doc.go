// Package outbox stores events in the transaction that causes them, and sends them until the centre has applied them.
//
//	service: lock aggregate, draw its next number, change rows, Append ── commit ─► Wake
//	relay:   number (node_seq, previous hash, signature) ── commit ─► publish in order ─► hub's ack ─► published_seq
//	centre:  applies in order ─► watermark ─► acknowledged_seq; what it lacks is sent again
//
// It promises: an event whose transaction committed reaches the centre, whatever stops in between, as long as the
// database survives. Events of a partition (tenant and service) carry node_seq 1, 2, 3 … without a gap, each with
// the hash of its predecessor and a signature of the tenant, and the stream holds them in that order. Events of one
// aggregate keep their order. It does not promise that an event is sent once, nor an order across aggregates: node_seq
// is the order in which the relay found the events.
//
// A database that was restored from a backup draws no number that the centre knows: the relay draws none before a
// watermark of the centre that matches its events, and a watermark that does not match stops the partition until Repair
// has settled it. Nothing is acknowledged or pruned meanwhile.
//
// When the database of the centre was restored, its watermarks go back. The relay follows them, prunes nothing, and
// sends again what it still has. When that is not all, the partition stops until the centre has got the rest from the
// hub.
//
// It relies on its callers: Append runs last before the commit, while the caller holds the lock under which it drew
// aggregate_seq. A row stays unnumbered until the relay finds it, so a transaction that commits late is only found
// later; nothing here pages over ids. Numbers are drawn by one relay under a lock, without gaps, and positions exist
// only over these numbers.
//
// No time is stored: the time of a row would be the time of a report. Only the day on which the centre acknowledged a
// position is. Relay.Run runs in the caller's goroutine and starts no other; NATS calls it with watermarks.
package outbox
