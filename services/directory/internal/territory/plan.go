package territory

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"time"
)

// Plan is what a new list of ISTAT's changes, as of one day.
type Plan struct {
	Day string
	// Changes are rows for changes.csv: what is new, gone, moved to another code and renamed, in this order of need that a
	// successor is there before what went into it.
	Changes []Change
	// Provinces are those that the list has and we do not; EndedProvinces are the codes of those of which it has nothing left.
	Provinces      []Place
	EndedProvinces []string
}

// Empty tells whether the list says what we know already.
func (p Plan) Empty() bool {
	return len(p.Changes) == 0 && len(p.Provinces) == 0 && len(p.EndedProvinces) == 0
}

// NewPlan compares a list of ISTAT's with the places as they are on the day, and plans what makes them the same. A place that
// is gone got another code when its cadastral code is on a new one; else it has ended, and where it went is for a person to
// say. Names are compared in full; a new name that names.csv has already is a renaming all the same. Regions do not change.
func NewPlan(istat io.Reader, places []Place, day time.Time, source string) (Plan, error) {
	listed, err := ParseISTAT(istat)
	if err != nil {
		return Plan{}, err
	}
	c := planBuilder{plan: Plan{Day: day.Format(time.DateOnly)}, source: source, byCode: map[string]*Place{}, codeByCadastral: map[string]string{}}
	for i := range places {
		c.byCode[places[i].Code] = &places[i]
	}
	there := map[string]bool{}
	for _, l := range listed {
		if c.byCode[l.RegionCode] == nil {
			return Plan{}, fmt.Errorf("region %s (%s) of %s is unknown", l.RegionCode, l.RegionName, l.Code)
		}
		there[l.Code], there[l.ProvinceCode()] = true, true
		if err := c.compare(l); err != nil {
			return Plan{}, err
		}
	}
	for i := range places {
		if p := &places[i]; p.Kind != Region && p.existsOn(c.plan.Day) && !there[p.Code] {
			c.addEnded(p)
		}
	}
	rank := map[ChangeKind]int{Renamed: 1, ProvinceChanged: 2, Merged: 2, Ended: 3}
	slices.SortStableFunc(c.plan.Changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(rank[a.Kind], rank[b.Kind]), cmp.Compare(a.Code, b.Code))
	})
	return c.plan, nil
}

type planBuilder struct {
	plan   Plan
	source string
	byCode  map[string]*Place
	codeByCadastral  map[string]string // new codes by cadastral code
}

func (c *planBuilder) compare(l ISTATRow) error {
	if c.byCode[l.ProvinceCode()] == nil {
		p := Place{Code: l.ProvinceCode(), Kind: Province, Name: l.ProvinceName, Region: l.RegionCode, Sign: l.Sign, NUTS: l.NUTS3, ValidFrom: c.plan.Day}
		c.byCode[p.Code] = &p
		c.plan.Provinces = append(c.plan.Provinces, p)
	}
	switch p := c.byCode[l.Code]; {
	case p == nil:
		c.codeByCadastral[l.CadastralCode] = l.Code
		c.addChange(Change{Kind: Established, Code: l.Code, Name: l.Name, CadastralCode: l.CadastralCode})
	case !p.existsOn(c.plan.Day):
		return fmt.Errorf("municipality %s is on the list, but existed from %q to %q", p.Code, p.ValidFrom, p.ValidTo)
	case !equalNames(p.Name, l.Name):
		c.addChange(Change{Kind: Renamed, Code: p.Code, Name: l.Name})
	}
	return nil
}

func (c *planBuilder) addEnded(p *Place) {
	if p.Kind == Province {
		c.plan.EndedProvinces = append(c.plan.EndedProvinces, p.Code)
		return
	}
	change := Change{Kind: Ended, Code: p.Code, Name: p.Name}
	if heir := c.codeByCadastral[p.CadastralCode]; heir != "" && p.CadastralCode != "" {
		change.Kind, change.Successor = Merged, heir
		if heir[:3] != p.Province {
			change.Kind = ProvinceChanged
		}
	}
	c.addChange(change)
}

func (c *planBuilder) addChange(change Change) {
	change.Date, change.Source = c.plan.Day, c.source
	c.plan.Changes = append(c.plan.Changes, change)
}

// Apply returns the plan put into the texts of changes.csv and provinces.csv, which it leaves alone but for what it adds and
// the last days of provinces that ended.
func (p Plan) Apply(changes, provinces []byte) (newChanges, newProvinces []byte, err error) {
	end, err := time.Parse(time.DateOnly, p.Day)
	if err != nil {
		return nil, nil, err
	}
	newChanges, err = rewriteCSV(changes, changeColumns, func(rows [][]string) [][]string {
		for _, c := range p.Changes {
			rows = append(rows, c.record())
		}
		return rows
	})
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", changesFile, err)
	}
	columns := []string{"istat_code", "name", "sign", "region_code", "nuts", "valid_from", "valid_to"}
	newProvinces, err = rewriteCSV(provinces, columns, func(rows [][]string) [][]string {
		for _, row := range rows {
			if slices.Contains(p.EndedProvinces, row[0]) {
				row[len(row)-1] = end.AddDate(0, 0, -1).Format(time.DateOnly)
			}
		}
		for _, n := range p.Provinces {
			rows = append(rows, []string{n.Code, n.Name, n.Sign, n.Region, n.NUTS, n.ValidFrom, n.ValidTo})
		}
		return rows
	})
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", provincesFile, err)
	}
	return newChanges, newProvinces, nil
}

// rewriteCSV edits the rows of a CSV file that has just these columns.
func rewriteCSV(raw []byte, columns []string, edit func(rows [][]string) [][]string) ([]byte, error) {
	records, err := csv.NewReader(bytes.NewReader(raw)).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(records) == 0 || !slices.Equal(records[0], columns) {
		return nil, fmt.Errorf("the columns are not %v", columns)
	}
	var out bytes.Buffer
	err = csv.NewWriter(&out).WriteAll(append(records[:1:1], edit(records[1:])...))
	return out.Bytes(), err
}
