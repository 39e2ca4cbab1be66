package cli

import "strings"

// flagNames maps fields of requests to flags and arguments. A field that commands give by different names has several;
// the first that the command has is shown.
var flagNames = map[string][]string{
	"content.channel": {"channel"}, "content.reporter_role": {"role"}, "content.anonymous": {"anonymous"},
	"content.grounds": {"ground"}, "content.wish": {"wish"}, "content.incident_place": {"place"},
	"content.narrative": {"text"}, "content.notice_version": {"notice"},
	"assessment.verdict": {"verdict"}, "assessment.grounds": {"ground"}, "assessment.main_ground": {"main"},
	"assessment.type": {"type"}, "assessment.flags": {"flag"}, "assessment.field": {"field"},
	"assessment.author_kinds": {"author"}, "assessment.incident_month": {"month"},
	"assessment.event_place": {"event-place"}, "assessment.residence": {"residence"},
	"assessment.sensitivity": {"sensitivity"},
	"code":                   {"code"}, "result": {"result"}, "referral_target": {"target"}, "minutes": {"minutes"},
	"note": {"note"}, "outcome": {"outcome"}, "secondary_outcomes": {"also"}, "person_informed": {"informed"},
	"page_size": {"page-size"}, "page_token": {"page-token"}, "version": {"version"}, "request_id": {"request-id"},
	"territory": {"territory"}, "ground": {"ground"}, "access_mode": {"access"}, "service": {"service"},
	"languages": {"language"}, "accessibility": {"accessible"}, "open_at": {"open"}, "limit": {"limit"},
	"from": {"from"}, "to": {"to"}, "date": {"date", "on"}, "node": {"of"}, "vocabulary": {"list"},
	"verified_before": {"stale", "months"}, "referring_to": {"naming"}, "region": {"region"}, "year": {"year"},
	"reason": {"reason"}, "effective_on": {"on"}, "kind": {"kind"},
}

// argumentFields are the fields that commands take as their first argument.
var argumentFields = []string{
	"report_id", "case_id", "office_id", "proposal_id", "initiative_id", "id", "name", "table", "names", "kinds",
}

// fieldName returns the flag that gives a field, the argument in capitals, or the path where there is neither. A field
// of a file keeps the path that it has there.
func (c *cli) fieldName(path string) string {
	if c.current == nil {
		return path
	}
	if file := c.current.Flags().Lookup("file"); file != nil && file.Changed && strings.HasPrefix(path, "content.") {
		return strings.TrimPrefix(path, "content.")
	}
	field, _, _ := strings.Cut(path, "[")
	for field != "" {
		for _, name := range flagNames[field] {
			if c.current.Flags().Lookup(name) != nil {
				return "--" + name
			}
		}
		for _, f := range argumentFields {
			if _, argument, ok := strings.Cut(c.current.Use, " "); ok && f == field {
				return strings.Trim(argument, "[].")
			}
		}
		i := strings.LastIndex(field, ".") // a part of a field, such as assessment.incident_month.year
		field = field[:max(i, 0)]
	}
	return path
}
