//go:build tools

package e2e

// The tests build this program and run it as operators do.
import _ "github.com/nats-io/nats-server/v2"
