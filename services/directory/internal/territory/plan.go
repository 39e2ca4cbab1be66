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

// Plan is the difference between a new list of ISTAT and the known places, as of one day.
type Plan struct {
	Day string
	// Changes are the rows to add to changes.csv, ordered so that a successor precedes what merged into it.
	Changes []Change
	// Provinces are the new provinces. EndedProvinces are the codes of those without a municipality on the list.
	Provinces      []Place
	EndedProvinces []string
}

// Empty reports whether the list contains no changes.
func (p Plan) Empty() bool {
	return len(p.Changes) == 0 && len(p.Provinces) == 0 && len(p.EndedProvinces) == 0
}

// NewPlan compares a list of ISTAT with the places on a day, and plans the changes that make them equal. A municipality
// that is missing from the list got another code if its cadastral code belongs to a new one. Otherwise it has ended,
// and a person must find its successor. Names are compared in full; a new name that names.csv already has is still a
// renaming. Regions never change.
func NewPlan(istat io.Reader, places []Place, day time.Time, source string) (Plan, error) {
	rows, err := ParseISTAT(istat)
	if err != nil {
		return Plan{}, err
	}
	b := planBuilder{
		plan: Plan{Day: day.Format(time.DateOnly)}, source: source,
		byCode: map[string]*Place{}, codeByCadastral: map[string]string{},
	}
	for i := range places {
		b.byCode[places[i].Code] = &places[i]
	}
	listed := map[string]bool{}
	for _, row := range rows {
		if b.byCode[row.RegionCode] == nil {
			return Plan{}, fmt.Errorf("region %s (%s) of %s is unknown", row.RegionCode, row.RegionName, row.Code)
		}
		listed[row.Code], listed[row.ProvinceCode()] = true, true
		if err := b.compare(row); err != nil {
			return Plan{}, err
		}
	}
	for i := range places {
		if p := &places[i]; p.Kind != Region && p.existsOn(b.plan.Day) && !listed[p.Code] {
			b.addEnded(p)
		}
	}
	rank := map[ChangeKind]int{Renamed: 1, ProvinceChanged: 2, Merged: 2, Ended: 3}
	slices.SortStableFunc(b.plan.Changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(rank[a.Kind], rank[b.Kind]), cmp.Compare(a.Code, b.Code))
	})
	return b.plan, nil
}

// planBuilder collects the changes of a plan.
type planBuilder struct {
	plan            Plan
	source          string
	byCode          map[string]*Place
	codeByCadastral map[string]string // the codes of new municipalities
}

// compare plans the changes of one row of the list.
func (b *planBuilder) compare(row ISTATRow) error {
	if b.byCode[row.ProvinceCode()] == nil {
		p := Place{
			Code: row.ProvinceCode(), Kind: Province, Name: row.ProvinceName, Region: row.RegionCode,
			Abbreviation: row.Abbreviation, NUTS: row.NUTS3, ValidFrom: b.plan.Day,
		}
		b.byCode[p.Code] = &p
		b.plan.Provinces = append(b.plan.Provinces, p)
	}
	switch p := b.byCode[row.Code]; {
	case p == nil:
		b.codeByCadastral[row.CadastralCode] = row.Code
		b.addChange(Change{Kind: Established, Code: row.Code, Name: row.Name, CadastralCode: row.CadastralCode})
	case !p.existsOn(b.plan.Day):
		return fmt.Errorf("listed municipality %s exists only from %q to %q", p.Code, p.ValidFrom, p.ValidTo)
	case !equalNames(p.Name, row.Name):
		b.addChange(Change{Kind: Renamed, Code: p.Code, Name: row.Name})
	}
	return nil
}

// addEnded plans the end of a place.
func (b *planBuilder) addEnded(p *Place) {
	if p.Kind == Province {
		b.plan.EndedProvinces = append(b.plan.EndedProvinces, p.Code)
		return
	}
	change := Change{Kind: Ended, Code: p.Code, Name: p.Name}
	if code := b.codeByCadastral[p.CadastralCode]; code != "" && p.CadastralCode != "" {
		change.Kind, change.Successor = Merged, code
		if code[:3] != p.Province {
			change.Kind = ProvinceChanged
		}
	}
	b.addChange(change)
}

func (b *planBuilder) addChange(change Change) {
	change.Date, change.Source = b.plan.Day, b.source
	b.plan.Changes = append(b.plan.Changes, change)
}

// Apply returns changes.csv and provinces.csv with the plan applied. It only adds rows, and the last days of provinces
// that ended.
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
			rows = append(rows, []string{n.Code, n.Name, n.Abbreviation, n.Region, n.NUTS, n.ValidFrom, n.ValidTo})
		}
		return rows
	})
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", provincesFile, err)
	}
	return newChanges, newProvinces, nil
}

// rewriteCSV edits the rows of a CSV file that has exactly the given columns.
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
