package rpc

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/validate"
	"github.com/retepari/pari/pkg/vocabulary"
)

// Checker is a service with validation rules of its own, between fields. Its findings are reported together with all
// others. Check must cope with any request, also with one that violates the contract.
type Checker interface {
	Check(m proto.Message) []fault.Field
}

// validate reports everything that is wrong with a request: its shape by the rules of the contract, its codes by the
// lists in force today, and relations between fields by the service's own rules.
func (p *pipeline) validate(m proto.Message, checker Checker) error {
	fields, err := validate.Message(p.validator, m)
	if err != nil {
		return err
	}
	if p.config.Vocabulary != nil {
		fields = append(fields, vocabulary.Violations(p.config.Vocabulary(), m, p.config.Now())...)
	}
	if checker != nil {
		fields = append(fields, checker.Check(m)...)
	}
	return fault.Invalid(firstPerPath(fields)...)
}

// firstPerPath drops all but the first finding for each field.
func firstPerPath(fields []fault.Field) []fault.Field {
	seen := map[string]bool{}
	return slices.DeleteFunc(fields, func(f fault.Field) bool {
		again := seen[f.Path]
		seen[f.Path] = true
		return again
	})
}
