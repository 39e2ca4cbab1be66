package office

import (
	"errors"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/retepari/pari/services/directory/internal/opening"
)

var (
	slug     = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,79}$`)
	number   = regexp.MustCompile(`^\+?[0-9]+( [0-9]+)*$`)
	postcode = regexp.MustCompile(`^[0-9]{5}$`)
)

// Check tells everything that is wrong with an entry. Valid says whether a list holds a code.
func (o *Office) Check(valid func(list, code string) bool) error {
	c := &checker{valid: valid}
	c.need(slug.MatchString(o.ID), "office_id is not a slug")
	c.need(slug.MatchString(o.Region), "region is not a slug")
	c.need(slug.MatchString(o.Node), "node is not a slug")
	c.need(strings.TrimSpace(o.Name) != "", "name is missing")
	c.need(strings.TrimSpace(o.Source) != "", "source is missing")
	c.code("office_kind", o.Kind)
	c.code("office_state", o.State)
	c.given("access_rule", o.AccessRule)
	c.given("fee", o.Fee)
	c.codes("recipient", o.Recipients)
	c.codes("ground", o.Grounds)
	c.codes("accessibility", o.Accessibility)
	c.codes("territory", o.Territories)
	c.need(len(o.Territories) > 0, "territories are missing")
	c.opening("", opening.Schedule{Hours: o.Hours, Exceptions: o.Exceptions, Holidays: o.Holidays})
	for _, a := range o.Addresses {
		c.address(a)
	}
	for i, p := range o.Phones {
		c.need(p.Number == "" && len(p.Hours) > 0 || number.MatchString(p.Number), "a telephone number is not digits and blanks")
		c.opening(fmt.Sprintf("phones[%d].", i), opening.Schedule{Hours: p.Hours})
	}
	for _, e := range o.Emails {
		address, err := mail.ParseAddress(e.Address)
		c.need(err == nil && address.Address == e.Address, "an e-mail address cannot be read")
	}
	for _, s := range o.Services {
		c.code("service_type", s.Type)
		c.codes("access_mode", s.AccessModes)
		c.need(s.URL == "" || webAddress(s.URL), "the page of a service is not https")
	}
	for _, l := range o.Links {
		c.need(strings.TrimSpace(l.Title) != "" && webAddress(l.URL), "a link has no title or is not https")
	}
	for _, day := range []string{o.ValidFrom, o.ValidTo, o.VerifiedOn} {
		_, err := time.Parse(time.DateOnly, day)
		c.need(day == "" || err == nil, "%q is not a day", day)
	}
	c.need(o.ValidFrom == "" || o.ValidTo == "" || o.ValidFrom <= o.ValidTo, "it ends before it begins")
	if len(c.problems) == 0 {
		return nil
	}
	return fmt.Errorf("office %s: %w", o.ID, errors.Join(c.problems...))
}

type checker struct {
	valid    func(list, code string) bool
	problems []error
}

func (c *checker) need(ok bool, format string, args ...any) {
	if !ok {
		c.problems = append(c.problems, fmt.Errorf(format, args...))
	}
}

func (c *checker) code(list, code string) {
	c.need(c.valid(list, code), "%q is not in list %s", code, list)
}

func (c *checker) given(list, code string) {
	if code != "" {
		c.code(list, code)
	}
}

func (c *checker) codes(list string, codes []string) {
	for i, code := range codes {
		c.code(list, code)
		c.need(!slices.Contains(codes[:i], code), "%s is there twice", code)
	}
}

func (c *checker) address(a Address) {
	switch a.Purpose {
	case "", Post, Entrance, AccessibleEntrance:
	default:
		c.need(false, "%q is no purpose of an address", a.Purpose)
	}
	c.need(len(a.Municipality) == 6 && c.valid("territory", a.Municipality), "%q is no municipality", a.Municipality)
	c.need(a.Postcode == "" || postcode.MatchString(a.Postcode), "a postcode is not five digits")
}

// opening adds what is wrong with a schedule, whose fields stand at a path.
func (c *checker) opening(path string, s opening.Schedule) {
	for _, problem := range opening.Check(s) {
		problem.Path = path + problem.Path
		c.problems = append(c.problems, problem)
	}
}

func webAddress(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.Host != ""
}
