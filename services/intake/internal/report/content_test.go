package report_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/retepari/pari/services/intake/internal/report"
)

// Ensure personal content cannot be printed or logged by mistake, neither whole nor in parts.
func TestPersonalContent_IsRedacted(t *testing.T) {
	t.Parallel()
	contact := report.Contact{Name: "canary", Phone: "canary", Email: "canary", SafeContact: "canary"}
	date := report.PartialDate{Year: 1987, Month: 6, Day: 5}
	content := report.PersonalContent{Narrative: "canary", Contact: &contact, IncidentDate: &date}
	withoutTime := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	for _, v := range []any{content, &content, contact, &contact, date, &date, []report.Contact{contact}} {
		var printed bytes.Buffer
		for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
			fmt.Fprintf(&printed, format, v)
		}
		slog.New(slog.NewJSONHandler(&printed, withoutTime)).Info("printed", slog.Any("content", v))
		slog.New(slog.NewTextHandler(&printed, withoutTime)).Info("printed", slog.Any("content", v))
		for _, personal := range []string{"canary", "1987"} {
			if strings.Contains(printed.String(), personal) {
				t.Errorf("%T prints %s", v, printed.String())
			}
		}
	}
}
