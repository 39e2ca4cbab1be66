package format_test

import (
	"fmt"

	"pgregory.net/rapid"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// anyText generates arbitrary texts of a source, including brackets, quotes and control characters.
var anyText = rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
	"", "", "<script>alert(1)</script>", `"quoted" & 'quoted'`, "=1+1", "a\nb", "Sportello è aperto", "\u202e",
}))

var anyHours = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *directoryv1.Hours {
	opens := rapid.IntRange(0, 24*60-1).Draw(t, "opens")
	closes := rapid.IntRange(opens+1, 24*60).Draw(t, "closes")
	weekday := rapid.Int32Range(1, 7).Draw(t, "weekday")
	return &directoryv1.Hours{Weekday: weekday, Opens: clockOf(opens), Closes: clockOf(closes)}
}), 0, 4)

func clockOf(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

// anyOffice generates arbitrary offices of the contract, with valid hours.
var anyOffice = rapid.Custom(func(t *rapid.T) *directoryv1.Office {
	text := func(name string) string { return anyText.Draw(t, name) }
	codes := func(list string, codes ...string) []string {
		return rapid.SliceOfN(rapid.SampledFrom(append(codes, "NO_SUCH_CODE")), 0, 4).Draw(t, list)
	}
	optionalCode := func(list string, codes ...string) string {
		return rapid.SampledFrom(append(codes, "")).Draw(t, list)
	}
	upToThree := rapid.IntRange(0, 3)
	o := &directoryv1.Office{
		OfficeId: rapid.StringMatching(`[a-z0-9][a-z0-9-]{0,20}`).Draw(t, "id"),
		Name:     text("name"), Kind: optionalCode("kind", "NODE", "DESK"),
		State:  optionalCode("state", "ACTIVE", "SUSPENDED", "CLOSED", "ODD"),
		Region: text("region"), Node: text("node"), Body: text("body"), IpaCode: text("ipa"),
		Description: text("description"),
		Hours:       anyHours.Draw(t, "hours"),
		AccessRule:  optionalCode("rule", "DROP_IN"), Fee: optionalCode("fee", "FREE"),
		Recipients: codes("recipients", "WOMEN", "TCN"), Grounds: codes("grounds", "SEX", "WEALTH"),
		Accessibility: codes("accessibility", "LIFT", "STEP_FREE"), Languages: codes("languages", "AR", "LIS"),
		Territories:  codes("territories", "019036", "019", "ONLINE"),
		NetworkRoles: rapid.SliceOfN(anyText, 0, 2).Draw(t, "roles"),
		ValidFrom:    text("from"), ValidTo: text("to"), Source: text("source"), VerifiedOn: text("verified"),
	}
	for range upToThree.Draw(t, "addresses") {
		o.Addresses = append(o.Addresses, &directoryv1.Address{
			Purpose: directoryv1.AddressPurpose(rapid.IntRange(0, 3).Draw(t, "purpose")),
			Street:  text("street"), Postcode: text("postcode"),
			Municipality: optionalCode("municipality", "019036", "999999"), Note: text("note"),
		})
	}
	for range upToThree.Draw(t, "phones") {
		o.Phones = append(o.Phones, &directoryv1.Phone{
			Number: text("number"), Label: text("label"),
			Whatsapp: rapid.Bool().Draw(t, "whatsapp"), Hours: anyHours.Draw(t, "phone hours"),
		})
	}
	for range upToThree.Draw(t, "emails") {
		o.Emails = append(o.Emails, &directoryv1.Email{Address: text("email"), Purpose: text("email purpose")})
	}
	for range upToThree.Draw(t, "services") {
		o.Services = append(o.Services, &directoryv1.Service{
			Type: optionalCode("type", "RECEPTION"), Name: text("service"),
			AccessModes: codes("modes", "DESK", "PHONE"), Url: text("url"),
		})
	}
	for range upToThree.Draw(t, "exceptions") {
		o.Exceptions = append(o.Exceptions, &directoryv1.OpeningException{
			From: text("first"), Rrule: text("rrule"), Closed: rapid.Bool().Draw(t, "closed"), Reason: text("why"),
			Hours: []*directoryv1.OpeningTimes{{Opens: "09:00", Closes: "10:00"}},
		})
	}
	o.SourceUrl, o.LogoUrl = text("source page"), text("logo")
	o.PublishedOn, o.ChangedOn = text("published"), text("changed")
	o.Holidays = directoryv1.HolidayRule(rapid.IntRange(0, 3).Draw(t, "holidays"))
	o.Visibility = directoryv1.Visibility(rapid.IntRange(0, 1).Draw(t, "visibility"))
	for _, h := range o.GetHours() {
		h.ValidFrom = optionalCode("season", "2026-06-01")
	}
	for range upToThree.Draw(t, "links") {
		o.Links = append(o.Links, &directoryv1.Link{Title: text("title"), Url: text("link")})
	}
	return o
})
