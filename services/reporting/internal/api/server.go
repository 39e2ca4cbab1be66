// Package api implements reporting's gRPC service: the catalogue of tables, one protected table at a time, and the
// status of the feed. The contract says who may call; this package checks which regions a caller sees. Counts leave
// through package disclosure only, except the totals of a node in the feed's status, which nodes compare with their
// own.
package api

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/tz"
	"github.com/retepari/pari/pkg/vocabulary"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
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
func (s *Server) ListTables(
	context.Context, *reportingv1.ListTablesRequest,
) (*reportingv1.ListTablesResponse, error) {
	resp := &reportingv1.ListTablesResponse{}
	for _, t := range table.All() {
		resp.Tables = append(resp.Tables, infoToProto(t))
	}
	return resp, nil
}

// GetTable implements ReportingService.
func (s *Server) GetTable(
	ctx context.Context, req *reportingv1.GetTableRequest,
) (*reportingv1.GetTableResponse, error) {
	t, ok := table.Find(req.GetTable())
	if !ok {
		return nil, fieldFault("table", reason.UnknownTable, "")
	}
	nodes, err := s.listNodes(ctx, req.GetRegion())
	if err != nil {
		return nil, err
	}
	year, currentYear := int(req.GetYear()), s.Now().In(tz.Rome).Year()
	if year > currentYear {
		return nil, fieldFault("year", reason.OutOfPeriod, "2000-"+strconv.Itoa(currentYear))
	}
	counts, changed, err := s.Store.GetCells(ctx, req.GetRegion(), t.Code, year)
	if err != nil {
		return nil, err
	}
	source := table.CategorySource{Year: year, Groups: categoriesOf(s.Codes()), Counts: counts}
	for _, n := range nodes {
		if n.Node != tenant.CentreNode { // the centre has a directory, and takes no reports
			source.Nodes = append(source.Nodes, n.Node)
		}
	}
	categories := t.Categories(source)
	cells := t.Protect(year, categories, counts)
	return &reportingv1.GetTableResponse{Table: tableToProto(t, req, categories, cells, changed)}, nil
}

// GetFeedStatus implements ReportingService.
func (s *Server) GetFeedStatus(
	ctx context.Context, req *reportingv1.GetFeedStatusRequest,
) (*reportingv1.GetFeedStatusResponse, error) {
	nodes, err := s.listNodes(ctx, req.GetRegion())
	if err != nil {
		return nil, err
	}
	resp, now := &reportingv1.GetFeedStatusResponse{}, s.Now()
	var (
		region     string
		partitions map[string][]store.PartitionStatus
	)
	for _, n := range nodes { // ordered by region
		if n.Region != region {
			region = n.Region
			if partitions, err = s.Store.ListPartitions(ctx, region); err != nil {
				return nil, err
			}
		}
		resp.Nodes = append(resp.Nodes, nodeToProto(n, partitions[n.Node], now))
	}
	return resp, nil
}

// listNodes lists the nodes of a region, by region and name; without a region, those of every region that the caller
// sees. A region that does not exist and one that the caller does not see give the same error.
func (s *Server) listNodes(ctx context.Context, region string) ([]tenant.ID, error) {
	caller, _ := identity.From(ctx)
	if region != "" && !seesRegion(caller, region) {
		return nil, fieldFault("region", reason.WrongRegion, "")
	}
	all, err := s.Store.ListNodes(ctx)
	if err != nil {
		return nil, err
	}
	nodes := slices.DeleteFunc(all, func(n tenant.ID) bool {
		return (region != "" && n.Region != region) || !seesRegion(caller, n.Region)
	})
	if region != "" && len(nodes) == 0 {
		return nil, fieldFault("region", reason.WrongRegion, "")
	}
	return nodes, nil
}

// seesRegion reports whether one grant of the caller covers a region. The interceptors have left only grants with a
// role that the method asks for. Programs of operations have no grants: they see the regions of their own centre.
func seesRegion(p identity.Principal, region string) bool {
	if p.Kind() == accessv1.Kind_KIND_OPS {
		return p.Tenant().OverRegion(region)
	}
	return p.HasOverRegion(region)
}

// fieldFault returns a fault caused by one field of the request.
func fieldFault(path string, r fault.Reason, limit string) error {
	f := fault.New(r)
	f.Fields = []fault.Field{{Path: path, Reason: r, Limit: limit}}
	return f
}
