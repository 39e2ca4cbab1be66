// Package replica keeps a copy of the centre's directory at every node, over the same cable that the nodes' events travel on.
//
//	centre                                hub ═══ leaf                                  node
//	Centre ── announcement, "the public part is at revision 7, its digest is …" ─────────► Node
//	       ◄── question, "I have revision 5, its digest is …, my nonce is …" ─────────┘
//	       ─── answer, signed: parts of a document with what came after 5, the digest at 7 ──► one transaction
//
// It promises that a copy is always one that the centre had: a document takes effect whole, and only when the database of the
// node then has the digest that the centre signed. A transfer that is cut goes on where it was; a copy that differs for
// whatever reason is asked for anew and mended. What the cable loses is asked for again: Postgres is the truth on both sides.
//
// A copy knows its age: how long ago the centre said that nothing was missing. An answer counts only with the nonce of the
// question, so that an old one cannot make a copy look young.
package replica
