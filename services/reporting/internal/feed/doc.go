// Package feed takes in what the nodes tell, and tells them how far it has come. The centre is one of them: its directory tells
// what its entries count, on a line of its own in each region.
//
//	stream PARI_EVENTS ─► open: parse, verify ─► store.Apply, one transaction per region ─► ack ─► watermark ─► node's relay
//	heartbeats ─────────► verify ─────────────► store.Hear, once per tick
//	every tick: watermark of every line, gaps asked for, refused cases tried again when code lists have changed
//
// It promises that an event takes effect once, in the order of its line, whatever the broker delivers twice, late or in
// another order, and wherever this process stops: a message is acknowledged after the commit and never before, and a
// watermark says only what is committed. An event that cannot take effect is parked and holds up its own case; a message
// that is no event of the node it names is refused and counted. When the database is away everything waits.
//
// It does not keep what it refuses: what the watermark does not cover, the node sends again.
//
// Several copies may run; they share one durable consumer, and the store puts their events in order.
package feed
