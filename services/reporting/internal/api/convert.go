package api

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/tenant"
	"github.com/retepari/pari/pkg/vocabulary"
	reportingv1 "github.com/retepari/pari/proto/gen/pari/reporting/v1"
	"github.com/retepari/pari/services/reporting/internal/store"
	"github.com/retepari/pari/services/reporting/internal/table"
)

// categoriesOf returns a function that lists the terms of a code list, with expired ones: their counts remain.
func categoriesOf(codes *vocabulary.Set) func(list string) []table.Category {
	return func(list string) []table.Category {
		var found []table.Category
		for _, l := range codes.Lists(list) {
			for _, t := range l.GetTerms() {
				code := t.GetCode()
				found = append(found, table.Category{
					Code: code, LabelIt: codes.Label(list, code, "it"), LabelEn: codes.Label(list, code, "en"),
				})
			}
		}
		return found
	}
}

func infoToProto(t table.Table) *reportingv1.TableInfo {
	info := &reportingv1.TableInfo{Code: t.Code, TitleIt: t.TitleIt, TitleEn: t.TitleEn, Unit: unitToProto(t.Unit)}
	for _, d := range t.Dimensions {
		info.Dimensions = append(info.Dimensions, d.Code)
	}
	return info
}

func unitToProto(u table.Unit) reportingv1.Unit {
	switch u {
	case table.Reports:
		return reportingv1.Unit_UNIT_REPORT
	case table.Cases:
		return reportingv1.Unit_UNIT_CASE
	case table.Mixed:
		return reportingv1.Unit_UNIT_MIXED
	}
	return reportingv1.Unit_UNIT_UNSPECIFIED
}

// tableToProto converts a protected table. No table is a release yet, so all are provisional.
func tableToProto(
	t table.Table, req *reportingv1.GetTableRequest, categories [][]table.Category, cells []table.Cell,
	changed time.Time,
) *reportingv1.Table {
	out := &reportingv1.Table{
		Info: infoToProto(t), Region: req.GetRegion(), Year: req.GetYear(), Provisional: true,
		Protection: &reportingv1.Protection{Threshold: int32(t.Rule.Threshold), Base: int32(t.Rule.Base)},
	}
	for i, d := range t.Dimensions {
		dimension := &reportingv1.Dimension{Code: d.Code, LabelIt: d.LabelIt, LabelEn: d.LabelEn}
		for _, c := range categories[i] {
			dimension.Categories = append(dimension.Categories, &reportingv1.Category{
				Code: c.Code, LabelIt: c.LabelIt, LabelEn: c.LabelEn,
			})
		}
		out.Dimensions = append(out.Dimensions, dimension)
	}
	for _, c := range cells {
		out.Cells = append(out.Cells, &reportingv1.Cell{Keys: c.Keys, Value: c.Value, Hidden: c.Hidden})
	}
	if !changed.IsZero() {
		out.AsOf = timestamppb.New(changed)
	}
	return out
}

// nodeToProto converts the status of a node. The contract calls a partition a line, and an unapplied event parked.
func nodeToProto(n tenant.ID, partitions []store.PartitionStatus, now time.Time) *reportingv1.NodeFeed {
	out := &reportingv1.NodeFeed{Region: n.Region, Node: n.Node}
	for _, p := range partitions {
		out.Reports += p.Reports
		out.Cases += p.Cases
		line := &reportingv1.LineFeed{
			Source: p.Source, LastNodeSeq: p.LastSeq, AppliedNodeSeq: p.Acknowledged, Gaps: p.Gaps(),
			Parked: p.Buffered + p.DeadLettered + p.Blocked, Duplicates: p.Duplicates, Pending: p.Pending,
		}
		if !p.LastSeen.IsZero() {
			line.HeardAt = timestamppb.New(p.LastSeen)
			line.AgeSeconds = max(0, int64(now.Sub(p.LastSeen).Seconds()))
		}
		out.Lines = append(out.Lines, line)
	}
	return out
}
