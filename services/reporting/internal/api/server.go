// Package api is reporting's gRPC face: the catalogue of tables, one protected table at a time, and the state of the feed.
// Who may call stands in the contract; which regions a caller sees is asked here. No count leaves but through package
// disclosure, except the totals of a node in the state of the feed, which the nodes compare with their own.
package api

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tz"
	"github.com/retepari/pari/pkg/vocabulary"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
	"github.com/retepari/pari/services/reporting/internal/reason"
	"github.com/retepari/pari/services/reporting/internal/store"
	"github.com/retepari/pari/services/reporting/internal/table"
)

// Server implements ReportingService.
type Server struct {
	reportingv1.UnsafeReportingServiceServer

	Store *store.Store
	Codes func() *vocabulary.Set
	Now   func() time.Time
}

var _ reportingv1.ReportingServiceServer = (*Server)(nil)

// ListTables implements ReportingService.
func (s *Server) ListTables(context.Context, *reportingv1.ListTablesRequest) (*reportingv1.ListTablesResponse, error) {
	answer := &reportingv1.ListTablesResponse{}
	for _, t := range table.All() {
		answer.Tables = append(answer.Tables, infoToProto(t))
	}
	return answer, nil
}

// GetTable implements ReportingService.
func (s *Server) GetTable(ctx context.Context, req *reportingv1.GetTableRequest) (*reportingv1.GetTableResponse, error) {
	t, ok := table.Find(req.GetTable())
	if !ok {
		return nil, at("table", reason.UnknownTable, "")
	}
	nodes, err := s.nodes(ctx, req.GetRegion())
	if err != nil {
		return nil, err
	}
	year, present := int(req.GetYear()), s.Now().In(tz.Rome).Year()
	if year > present {
		return nil, at("year", reason.OutOfPeriod, strconv.Itoa(present))
	}
	counts, changed, err := s.Store.Cells(ctx, req.GetRegion(), t.Code, year)
	if err != nil {
		return nil, err
	}
	frame := table.Frame{Year: year, Groups: categories(s.Codes()), Counts: counts}
	for _, n := range nodes {
		if n.Name != identity.Centre { // it sends what the directory counts, and takes no reports
			frame.Nodes = append(frame.Nodes, n.Name)
		}
	}
	found := t.Categories(frame)
	return &reportingv1.GetTableResponse{Table: tableToProto(t, req, found, t.Protect(year, found, counts), changed)}, nil
}

// GetFeedStatus implements ReportingService.
func (s *Server) GetFeedStatus(ctx context.Context, req *reportingv1.GetFeedStatusRequest) (*reportingv1.GetFeedStatusResponse, error) {
	nodes, err := s.nodes(ctx, req.GetRegion())
	if err != nil {
		return nil, err
	}
	answer, now := &reportingv1.GetFeedStatusResponse{}, s.Now()
	var (
		region string
		lines  map[string][]store.Line
	)
	for _, n := range nodes { // by region
		if n.Region != region {
			region = n.Region
			if lines, err = s.Store.Lines(ctx, region); err != nil {
				return nil, err
			}
		}
		answer.Nodes = append(answer.Nodes, nodeToProto(n, lines[n.Name], now))
	}
	return answer, nil
}

// nodes lists the nodes of a region, by region and name; without a region, those of every region that the caller sees. A
// region that nobody has a part in is as good as one that the caller has none in.
func (s *Server) nodes(ctx context.Context, region string) ([]store.Node, error) {
	caller, _ := identity.From(ctx)
	if region != "" && !caller.SeesRegion(region) {
		return nil, at("region", reason.WrongRegion, "")
	}
	all, err := s.Store.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	nodes := slices.DeleteFunc(all, func(n store.Node) bool {
		return (region != "" && n.Region != region) || !caller.SeesRegion(n.Region)
	})
	if region != "" && len(nodes) == 0 {
		return nil, at("region", reason.WrongRegion, "")
	}
	return nodes, nil
}

// at is a fault that lies in one field.
func at(path string, reason fault.Reason, limit string) error {
	f := fault.New(reason)
	f.Fields = []fault.Field{{Path: path, Reason: reason, Limit: limit}}
	return f
}
