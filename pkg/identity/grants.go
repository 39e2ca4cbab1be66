package identity

import (
	"fmt"
	"log/slog"
	"time"
)

// Grants are the grants of systems, by the identity in their certificate. A system that is not listed has none of its
// own; people may still call through it. The file is read again when it changes; while the new content is invalid, the
// last valid one stays in force.
type Grants struct {
	file *watchedFile[map[string][]Grant]
}

// LoadGrants reads a YAML file that maps identities to grants at their own tenant:
//
//	spiffe://pari.example/region/lombardia/node/cremona/system/protocollo: [submitter]
//	spiffe://pari.example/region/lombardia/node/cremona/system/punto-borgo:
//	  - {role: submitter, office: punto-borgo, until: 2027-06-30}
//
// A grant for an office gives nothing yet: no method decides by office. An empty path grants nothing. An
// unknown role or identity is an error, so that a misspelt grant is noticed.
func LoadGrants(path string, log *slog.Logger) (*Grants, error) {
	file, err := watchFile(path, "grants", parseGrants, log)
	if err != nil {
		return nil, err
	}
	return &Grants{file}, nil
}

// Of returns the grants of a system. A nil receiver has none.
func (g *Grants) Of(id ID, now time.Time) []Grant {
	if g == nil {
		return nil
	}
	return g.file.current(now)[id.String()]
}

func parseGrants(raw []byte, _ func(string) ([]byte, error)) (map[string][]Grant, error) {
	var lines map[string][]grantText
	if err := decodeYAML(raw, &lines); err != nil {
		return nil, err
	}
	grants := map[string][]Grant{}
	for name, texts := range lines {
		id, err := ParseID(name)
		if err != nil || id.Kind != KindSystem {
			return nil, fmt.Errorf("%q is not the identity of a system", name)
		}
		for _, text := range texts {
			grant, err := text.grant(id.Tenant)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			grants[id.String()] = append(grants[id.String()], grant)
		}
	}
	return grants, nil
}
