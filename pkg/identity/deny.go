package identity

import (
	"crypto/x509"
	"fmt"
	"math/big"
	"os"
	"strings"
)

// denyList is a list of identities and certificates that are refused. The file has two lists:
//
//	identities: ["spiffe://pari.example/region/lombardia/node/cremona/system/protocollo"]
//	serials: ["3f:a0:11"] # of one certificate, in hexadecimal; the identity may use another
//
// Serial numbers are unique per authority. A network with two authorities, while it changes from one to the other, may
// so deny one certificate too many.
type denyList struct{ identities, serials map[string]bool }

func parseDenyList(raw []byte, _ func(string) ([]byte, error)) (denyList, error) {
	var file struct {
		Identities []string `yaml:"identities"`
		Serials    []string `yaml:"serials"`
	}
	if err := decodeYAML(raw, &file); err != nil {
		return denyList{}, err
	}
	d := denyList{map[string]bool{}, map[string]bool{}}
	for _, s := range file.Identities {
		id, err := ParseID(s)
		if err != nil {
			return denyList{}, fmt.Errorf("%q is not an identity", s)
		}
		d.identities[id.String()] = true
	}
	for _, s := range file.Serials {
		serial, ok := new(big.Int).SetString(strings.ReplaceAll(s, ":", ""), 16)
		if !ok {
			return denyList{}, fmt.Errorf("%q is not a serial number in hexadecimal", s)
		}
		d.serials[serial.String()] = true
	}
	return d, nil
}

// LoadDeniedIDs reads a deny list once and returns whether it denies an identity, for what can refuse identities alone:
// a broker. An empty path denies none.
func LoadDeniedIDs(path string) (denied func(ID) bool, err error) {
	var raw []byte
	if path != "" {
		if raw, err = os.ReadFile(path); err != nil {
			return nil, fmt.Errorf("deny list: %w", err)
		}
	}
	list, err := parseDenyList(raw, nil)
	if err != nil {
		return nil, fmt.Errorf("deny list: %w", err)
	}
	return func(id ID) bool { return list.identities[id.String()] }, nil
}

func (d denyList) has(cert *x509.Certificate, id ID) bool {
	return len(d.identities) > 0 && d.identities[id.String()] ||
		len(d.serials) > 0 && cert.SerialNumber != nil && d.serials[cert.SerialNumber.String()]
}
