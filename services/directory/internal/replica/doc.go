// Package replica keeps a copy of the centre's directory at every node. It uses the same NATS connections as the events
// of the nodes.
//
//	centre                                hub ═══ leaf                                  node
//	Centre ── announcement: checkpoint of the public directory ─────────────────────────► Node
//	       ◄── request: checkpoint of the copy, nonce ───────────────────────────────────┘
//	       ─── answer, signed: parts of a document with the changes, new checkpoint ──────► one transaction
//
// It promises that a copy always equals a state of the centre: a node applies a document in one transaction, which
// commits only if the digest of the database then equals the one that the centre signed. An interrupted transfer
// continues where it stopped. A node that detects a difference requests the whole directory. NATS may lose any message:
// both sides compare their databases and the node asks again.
//
// A copy has an age: the time since the centre confirmed that the copy is complete. The node accepts an answer only
// with the nonce of its request, so a replayed answer cannot make a copy look newer than it is.
//
// The package starts no goroutines. Centre.Run and Node.Run block; NATS calls their handlers on its own goroutines.
package replica
