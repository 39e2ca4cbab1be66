// Package outbox takes events into the transaction that causes them, and sends them until the centre has them.
//
//	service: lock aggregate, take its next number, change rows, Append ── commit ─► Wake
//	relay:   number (node_seq, previous hash, signature) ── commit ─► publish in order ─► hub's ack ─► mark sent
//	centre:  applies in order ─► watermark ─► confirmed; what it does not cover is sent again
//
// It promises: an event whose transaction committed reaches the centre, whatever stops in between, as long as the
// database is there. Events of a line (region, node, service) carry node_seq 1, 2, 3 … without a gap, each with the hash
// of the one before, signed with the key of the node; events of an aggregate keep their order. It does not promise that
// an event is sent once, nor an order across aggregates: node_seq is the order in which the relay found them.
//
// What must hold for that: whoever appends holds the lock on the aggregate's row and drew aggregate_seq under it, and
// Append is the last thing before commit. Nothing here reads a cursor over ids: a row is pending until it is marked, so
// a transaction that commits late is only found later.
//
// No moment is stored, only the day a row was sent: the time of a row would be the time of a report.
package outbox
