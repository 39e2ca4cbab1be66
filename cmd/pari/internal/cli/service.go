package cli

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"

	"github.com/retepari/pari/cmd/pari/client"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

type (
	intakeClient    = intakev1.IntakeServiceClient
	casesClient     = casemanagementv1.CaseManagementServiceClient
	directoryClient = directoryv1.DirectoryServiceClient
	reportingClient = reportingv1.ReportingServiceClient
)

// connectTimeout bounds how long a service is tried that does not answer.
const connectTimeout = 1500 * time.Millisecond

// callTimeout bounds all calls of one command, with the retries of the connection.
const callTimeout = 15 * time.Second

func (c *cli) withIntake(ctx context.Context, call func(context.Context, intakeClient) error) error {
	return c.withService(ctx, "intake", func(ctx context.Context, conn *grpc.ClientConn) error {
		return call(ctx, intakev1.NewIntakeServiceClient(conn))
	})
}

func (c *cli) withCases(ctx context.Context, call func(context.Context, casesClient) error) error {
	return c.withService(ctx, "casemanagement", func(ctx context.Context, conn *grpc.ClientConn) error {
		return call(ctx, casemanagementv1.NewCaseManagementServiceClient(conn))
	})
}

func (c *cli) withDirectory(ctx context.Context, call func(context.Context, directoryClient) error) error {
	return c.withService(ctx, "directory", func(ctx context.Context, conn *grpc.ClientConn) error {
		return call(ctx, directoryv1.NewDirectoryServiceClient(conn))
	})
}

// withDirectoryAsUser is withDirectory for calls that need a named caller: without --as it is the latest to sign in, if
// anybody has.
func (c *cli) withDirectoryAsUser(ctx context.Context, call func(context.Context, directoryClient) error) error {
	c.namesUser = c.hasSession()
	return c.withDirectory(ctx, call)
}

func (c *cli) withReporting(ctx context.Context, call func(context.Context, reportingClient) error) error {
	return c.withService(ctx, "reporting", func(ctx context.Context, conn *grpc.ClientConn) error {
		return call(ctx, reportingv1.NewReportingServiceClient(conn))
	})
}

// withService connects to a service with the caller's identity, and passes the connection to call.
func (c *cli) withService(
	ctx context.Context, service string, call func(ctx context.Context, conn *grpc.ClientConn) error,
) error {
	network, err := c.loadNetwork() // nobody signs in where there is no network
	if err != nil {
		return err
	}
	token, console := "", ""
	// Reading the directory needs no token; changing it needs a named caller.
	if service != "directory" || c.as != "" || c.namesUser {
		if token, err = c.loadToken(); err != nil {
			return err
		}
	}
	if service == "directory" && c.node != "" && token != "" {
		console = "console." + c.node
	}
	if service == "intake" || service == "casemanagement" {
		if c.node == "" {
			return errorf("quale nodo? Indica --node, per esempio --node cremona",
				"which node? Say --node, for instance --node cremona")
		}
		if err := checkNode(network, c.node); err != nil {
			return err
		}
		service += "." + c.node
	}
	if service == "directory" && c.replica != "" {
		if err := checkNode(network, c.replica); err != nil {
			return err
		}
		service, console = service+"."+c.replica, ""
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return c.withConn(ctx, service, console, token, call)
}

// checkNode returns an error when the network has no such node.
func checkNode(network client.Network, node string) error {
	if slices.Contains(network.Nodes, node) {
		return nil
	}
	all := strings.Join(network.Nodes, ", ")
	return errorf("la rete non ha il nodo %s; ci sono %s", "the network has no node %s; there are %s", node, all)
}

// withConn connects to a service and passes the connection to call once the service is reached. The system is the
// console of the service's node where it is not given.
func (c *cli) withConn(
	ctx context.Context, service, system, token string, call func(ctx context.Context, conn *grpc.ClientConn) error,
) error {
	network, err := c.loadNetwork()
	if err != nil {
		return err
	}
	conn, err := c.dial(network, service, cmp.Or(system, client.Console(service)), token)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if !waitReady(ctx, conn) {
		return errUnreachable
	}
	return call(ctx, conn)
}

// waitReady connects, and reports whether the service was reached within connectTimeout.
func waitReady(ctx context.Context, conn *grpc.ClientConn) bool {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn.Connect()
	for state := conn.GetState(); state != connectivity.Ready; state = conn.GetState() {
		if !conn.WaitForStateChange(ctx, state) {
			return false
		}
	}
	return true
}

// loadNetwork reads the description of the network in --dir.
func (c *cli) loadNetwork() (client.Network, error) { return client.Load(c.dir) }
