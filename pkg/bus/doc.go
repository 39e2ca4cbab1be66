// Package bus carries the feed between the nodes and the centre: how an event is encoded on NATS, how it is signed,
// which subjects it travels on, and how to connect to the broker.
//
//	outbox relay ── Event.Msg ──► leaf ══ one TLS link ══► hub ── stream PARI_EVENTS ──► Parse, Verify ── reporting
//	outbox relay ── heartbeat ──►                              ──►                                        reporting
//	outbox relay ◄── watermark                                                                       ◄── reporting
//
// It promises that an event which Parse and Verify accept was signed by the node that it names, over every field that
// has a meaning, and came on a subject that agrees with it. It does not promise that an event arrives, or arrives once:
// the outbox sends again until a watermark covers the event, and the consumer applies each sequence number once.
//
// Connect starts one goroutine per connection, which ends when the connection is closed. The NATS client has some of
// its own, and calls the handlers of subscriptions in them.
//
// The package knows no report and no case: an event is a type, a pseudonym, two sequence numbers and bytes.
package bus
