package identity

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"

	"go.yaml.in/yaml/v3"
)

// denyList is a list of identities and certificates that are refused. The file has two lists:
//
//	identities: ["spiffe://pari.example/region/lombardia/node/cremona/system/protocollo"]
//	serials: ["3f:a0:11"] # of one certificate, in hexadecimal; the identity may use another
//
// Serial numbers are unique per authority. A network with two authorities, while it changes from one to the other, may
// so deny one certificate too many.
type denyList struct{ identities, serials map[string]bool }

func parseDenyList(raw []byte) (denyList, error) {
	var file struct {
		Identities []string `yaml:"identities"`
		Serials    []string `yaml:"serials"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(raw))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
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

func (d denyList) has(cert *x509.Certificate, id ID) bool {
	return len(d.identities) > 0 && d.identities[id.String()] ||
		len(d.serials) > 0 && cert.SerialNumber != nil && d.serials[cert.SerialNumber.String()]
}
