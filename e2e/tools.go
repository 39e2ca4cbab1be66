//go:build tools

package e2e

// The cluster of the tests builds this program, so the module must require it.
import _ "github.com/nats-io/nats-server/v2"
