package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/retepari/pari/pkg/tz"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	recordv1 "github.com/retepari/pari/proto/gen/pari/record/v1"
)

// labelTimeout bounds the look-up of labels: without them a view shows codes.
const labelTimeout = 2 * time.Second

// codeLists are the code lists of reports and cases.
var codeLists = []string{
	"channel", "reporter_role", "ground", "wish", "consent", "consent_status", "assessment", "type", "type_flag",
	"field", "author_kind", "sensitivity", "action", "action_result", "referral_target", "outcome",
}

// places is the list of labels of places, by ISTAT code.
const places = "territory"

// loadLabels reads the labels of all codes and of the given places from the directory of the node. Where it does not
// answer, the labels stay unknown.
func (c *cli) loadLabels(ctx context.Context, codes ...string) {
	if c.format == "json" || c.node == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, labelTimeout)
	defer cancel()
	_ = c.withConn(ctx, "directory."+c.node, "", "", func(ctx context.Context, conn *grpc.ClientConn) error {
		directory := directoryv1.NewDirectoryServiceClient(conn)
		resp, err := directory.ListVocabularies(ctx, &directoryv1.ListVocabulariesRequest{Names: codeLists})
		if err != nil {
			return err
		}
		c.labels = map[string]map[string]string{places: {}}
		for _, v := range resp.GetVocabularies() {
			c.labels[v.GetName()] = map[string]string{}
			for _, t := range v.GetTerms() {
				c.labels[v.GetName()][t.GetCode()] = c.label(t.GetLabelIt(), t.GetLabelEn())
			}
		}
		for _, code := range codes {
			if strings.Trim(code, "0123456789") != "" || code == "" {
				continue
			}
			resp, err := directory.GetTerritory(ctx, &directoryv1.GetTerritoryRequest{Code: code})
			if err == nil {
				c.labels[places][code] = resp.GetTerritory().GetName()
			}
		}
		return nil
	})
}

// code returns the label of a code with the code in brackets, or the code alone where the label is not known.
func (c *cli) code(list, code string) string {
	if label := c.labels[list][code]; label != "" && label != code {
		return label + " (" + code + ")"
	}
	return code
}

// codes is code for several.
func (c *cli) codes(list string, codes []string) string {
	texts := make([]string, len(codes))
	for i, code := range codes {
		texts[i] = c.code(list, code)
	}
	return strings.Join(texts, ", ")
}

// formatTime formats a time in Italy.
func formatTime(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().In(tz.Rome).Format(dateTime)
}

// momentIt formats a time in Italy for an Italian sentence, after il or al.
func momentIt(t *timestamppb.Timestamp) string {
	return t.AsTime().In(tz.Rome).Format("2006-01-02 alle 15:04")
}

// formatDay formats the day of a time in Italy.
func formatDay(t *timestamppb.Timestamp) string {
	if t == nil {
		return ""
	}
	return t.AsTime().In(tz.Rome).Format(time.DateOnly)
}

// partialDate formats a date as precisely as it is known.
func partialDate(d *recordv1.PartialDate) string {
	switch {
	case d.GetMonth() == 0:
		return fmt.Sprintf("%d", d.GetYear())
	case d.GetDay() == 0:
		return fmt.Sprintf("%d-%02d", d.GetYear(), d.GetMonth())
	}
	return fmt.Sprintf("%d-%02d-%02d", d.GetYear(), d.GetMonth(), d.GetDay())
}

// yesNo returns yes or no.
func (c *cli) yesNo(yes bool) string {
	if yes {
		return c.label("sì", "yes")
	}
	return "no"
}
