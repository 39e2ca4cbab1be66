// Package outbox takes events into the transaction that causes them, and sends them until the centre has them.
//
//	service: lock aggregate, take its next number, change rows, Append ── commit ─► Wake
//	relay:   number (node_seq, previous hash, signature) ── commit ─► publish in order ─► hub's ack ─► sent_seq
//	centre:  applies in order ─► watermark ─► confirmed_seq; what it misses is sent again
//
// It promises: an event whose transaction committed reaches the centre, whatever stops in between, as long as the
// database is there. Events of a line (region, node, service) carry node_seq 1, 2, 3 … without a gap, each with the hash
// of the one before, signed with the key of the node, and they stand in the stream in that order; events of an aggregate
// keep their order. It does not promise that an event is sent once, nor an order across aggregates: node_seq is the order
// in which the relay found them.
//
// What must hold for that: whoever appends holds the lock on the aggregate's row and drew aggregate_seq under it, and
// Append comes last before commit. A row waits until it has a number, so a transaction that commits late is only found
// later; nothing here reads a cursor over ids. Numbers are drawn by one relay under a lock, without gaps, and only over
// them does the relay keep a position.
//
// No moment is stored: the time of a row would be the time of a report. Only the day on which the centre confirmed it is.
package outbox
