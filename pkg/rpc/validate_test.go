package rpc

import (
	"errors"
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"

	"github.com/retepari/pari/pkg/fault"
)

// failingValidator cannot evaluate the rules.
type failingValidator struct{ protovalidate.Validator }

func (failingValidator) Validate(proto.Message, ...protovalidate.ValidationOption) error {
	return errors.New("rule does not compile")
}

// Ensure a request whose rules cannot be evaluated does not reach the handler.
func TestChain_ValidateWithBrokenRules(t *testing.T) {
	t.Parallel()
	c := &pipeline{validator: failingValidator{}}
	if err := c.validate(nil, nil); err == nil || fault.ReasonOf(err) != "" {
		t.Errorf("got %v", err)
	}
}
