// Package feed consumes the events of all nodes from the stream, and acknowledges them to the nodes with watermarks.
// The centre is one of the nodes: its directory sends events on a partition of its own in each region.
//
//	stream PARI_EVENTS ─► parse, verify ─► store.Apply, one transaction per region ─► ack ─► watermark ─► node's relay
//	heartbeats ─────────► verify ────────► store.StoreHeartbeats, once per tick
//	every tick: a watermark for every partition, with the missing ranges; the position in the stream is compared and
//	            stored; dead-lettered and blocked events are reprocessed when code lists have changed
//
// It promises that every event is applied once and in the order of its partition, whatever the broker duplicates,
// delays or reorders, and wherever this process stops: a message is acknowledged only after the commit, and a watermark
// covers only committed events. An event that cannot be applied is dead-lettered, logged with its error, and
// blocks its own report or case. A message that is not a valid event of the node that it names is rejected and counted.
// While the database is away, everything is retried.
//
// It does not store what it rejects: the node sends again what the watermark does not cover.
//
// A database that was restored from a backup is behind the consumer at the hub. The stream is then read again from the
// position of the database on. What the hub has no longer the nodes send again, because the watermarks have gone back.
//
// Several replicas may run. They share one durable consumer, and the store orders their events. Run starts one
// goroutine, for the ticks; NATS calls onHeartbeat.
package feed
