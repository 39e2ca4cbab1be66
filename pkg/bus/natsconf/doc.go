// Package natsserver writes the configuration of the two brokers of the network, and runs them in process.
//
//	node's services ──mTLS──► leaf (no JetStream) ══mTLS, one outbound link══► hub (JetStream) ◄──mTLS── reporting
//
// The text it writes is what production gives to the nats-server binary and what `pari-dev up` and the tests run, so that
// permissions are tested where they are decided.
//
// At the hub every node has an account of its own, walled off from the others: it imports the subjects under its own
// prefix and the watermarks meant for it, and nothing else, so whatever a node publishes, subscribes to or names as a
// reply stays within its account. The stream lives in the centre's account. A certificate is a user: its SPIFFE id is
// looked up among the users, and one that is not listed cannot connect. Each user may moreover connect in one way only
// (a leaf's certificate is no client's) and use only the subjects of its own service.
package natsconf
