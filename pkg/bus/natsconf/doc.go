// Package natsconf generates the configuration of the network's two kinds of NATS server, the hub and the leaves.
//
//	node's services ──mTLS──► leaf (no JetStream) ══mTLS, one outbound link══► hub (JetStream) ◄──mTLS── reporting
//
// Production gives this text to the nats-server binary; development and tests run the same text in process, so the
// permissions that are tested are those that are deployed.
//
// At the hub every node has an account of its own. It imports the subjects under the node's prefix, the watermarks for
// the node and the notices of directory changes, and nothing else: whatever else a node publishes, subscribes to or
// names as a reply stays within its account. The stream belongs to the centre's account. A certificate is a user: a
// SPIFFE id that is not among the users cannot connect. Each user may connect in one way only (a leaf's certificate is
// not a client's) and use only the subjects of its service.
//
// A denied identity is not among the users. nats-server closes the connection of a client that it no longer knows when
// it reloads its configuration, but not the link of a leaf: the hub must then be restarted. It knows no serial numbers
// and no largest validity, and does not close a connection whose certificate expires.
package natsconf
