// Package reconcile compares what the nodes of a network hold with what its centre counts, through the public API.
package reconcile

import (
	"context"
	"time"

	"google.golang.org/grpc"

	"github.com/retepari/pari/cmd/pari/client"
	casemanagementv1 "github.com/retepari/pari/proto/gen/pari/casemanagement/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
)

const (
	// pollInterval is how often the centre is asked while it has not counted everything.
	pollInterval = 250 * time.Millisecond
	// settleTimeout is how long Wait lets events travel.
	settleTimeout = 20 * time.Second
)

// Node compares one node with the centre.
type Node struct {
	Node    string `json:"node"`
	Reports int64  `json:"reports"`
	Cases   int64  `json:"cases"`
	Sent    int64  `json:"events_sent"`
	Applied int64  `json:"events_applied"`
	// Lost is what the node holds or has sent and the centre has not counted.
	Lost int64 `json:"lost"`
	// Duplicated is what the centre counts beyond what the node holds.
	Duplicated int64 `json:"duplicated"`
}

// Result compares all nodes.
type Result []Node

// Agrees reports whether the centre counts exactly what the nodes hold. It is false for a network without nodes.
func (r Result) Agrees() bool {
	for _, n := range r {
		if n.Lost != 0 || n.Duplicated != 0 {
			return false
		}
	}
	return len(r) > 0
}

// Wait compares nodes and centre until they agree, for at most 20 seconds, and returns the last comparison.
func Wait(ctx context.Context, net client.Network) (Result, error) {
	conn, err := Analyst(ctx, net)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	held, err := holdings(ctx, net)
	if err != nil {
		return nil, err
	}
	deadline := time.After(settleTimeout)
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		feed, err := reportingv1.NewReportingServiceClient(conn).GetFeedStatus(ctx, &reportingv1.GetFeedStatusRequest{})
		if err != nil {
			return nil, err
		}
		result := Compare(held, feed)
		if result.Agrees() {
			return result, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-deadline:
			return result, nil
		case <-tick.C:
		}
	}
}

// Compare adds the counts of the centre to those of the nodes, and computes the differences.
func Compare(held Result, feed *reportingv1.GetFeedStatusResponse) Result {
	var out Result
	for _, h := range held {
		for _, n := range feed.GetNodes() {
			if n.GetNode() != h.Node {
				continue
			}
			for _, l := range n.GetLines() {
				h.Sent += l.GetLastNodeSeq()
				h.Applied += l.GetAppliedNodeSeq()
			}
			h.Lost = max(0, h.Reports-n.GetReports()) + max(0, h.Cases-n.GetCases()) + max(0, h.Sent-h.Applied)
			h.Duplicated = max(0, n.GetReports()-h.Reports) + max(0, n.GetCases()-h.Cases)
		}
		if h.Applied == 0 {
			h.Lost = h.Reports + h.Cases
		}
		out = append(out, h)
	}
	return out
}

// Analyst connects to reporting as the analyst of the centre.
func Analyst(ctx context.Context, net client.Network) (*grpc.ClientConn, error) {
	token, _, err := net.SignIn(ctx, "analyst")
	if err != nil {
		return nil, err
	}
	return net.Conn("reporting", "console.centre", token)
}

// holdings counts the reports and cases of each node, page by page, as its operator sees them.
func holdings(ctx context.Context, net client.Network) (Result, error) {
	var all Result
	for _, node := range net.Nodes {
		n := Node{Node: node}
		token, _, err := net.SignIn(ctx, "operator-"+node)
		if err != nil {
			return nil, err
		}
		err = pages(net, "intake."+node, token, func(conn *grpc.ClientConn, page string) (string, error) {
			req := &intakev1.ListReportsRequest{PageSize: 200, PageToken: page}
			resp, err := intakev1.NewIntakeServiceClient(conn).ListReports(ctx, req)
			n.Reports += int64(len(resp.GetReports()))
			return resp.GetNextPageToken(), err
		})
		if err != nil {
			return nil, err
		}
		err = pages(net, "casemanagement."+node, token, func(conn *grpc.ClientConn, page string) (string, error) {
			req := &casemanagementv1.ListCasesRequest{PageSize: 200, PageToken: page}
			resp, err := casemanagementv1.NewCaseManagementServiceClient(conn).ListCases(ctx, req)
			n.Cases += int64(len(resp.GetCases()))
			return resp.GetNextPageToken(), err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

// pages calls list with each page token until there is none.
func pages(
	net client.Network, service, token string, list func(conn *grpc.ClientConn, page string) (next string, err error),
) error {
	conn, err := net.Conn(service, client.Console(service), token)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	for page := ""; ; {
		if page, err = list(conn, page); err != nil || page == "" {
			return err
		}
	}
}
