// Package bus is the cable between the nodes and the centre: how an event is written on NATS, how it is signed, which
// subjects it travels on, and how to reach the broker.
//
//	outbox ── Event.Msg ──► leaf ══ one TLS link ══► hub ── stream PARI_EVENTS ──► Parse, Verify ── reporting
//	relay  ── Heartbeat ──►                              ──►                                        reporting
//	relay  ◄── Watermark                                                                       ◄── reporting
//
// It promises that what Parse and Verify accept was signed by the node that the event names, over every field that has a
// meaning, and that the subject it came on agrees with it. It does not promise that an event arrives, or arrives once:
// the outbox sends until the watermark covers it, and the consumer applies a number once.
//
// The package knows no report and no case: an event is a type, a pseudonym, two sequence numbers and bytes.
package bus
