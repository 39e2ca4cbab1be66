package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// missionRow is one row of the mission table: a statement of the five source documents about the network. Its facts are
// looked up in the directory of a running network. Its check calls the RPC that provides the capability.
type missionRow struct {
	number int
	title  string
	facts  []fact
	check  func(t *testing.T, m *missionEnv)
	// pending is an RPC that the rest of the row needs. The row fails as soon as the contract has the RPC.
	pending string
	// outOfScope is the reason why the network does not provide the row.
	outOfScope string
}

// fact is the value of a field of an entry. The path crosses lists: "phones.number" is the number of any phone.
type fact struct{ entry, path, value string }

// missionEnv is what the checks use.
type missionEnv struct {
	*harness
	directory directoryv1.DirectoryServiceClient
}

// Ensure that a running network provides every row of the mission table.
func TestMissionRows(t *testing.T) {
	t.Parallel()
	h := sharedHarness(t)
	m := &missionEnv{h, h.Directory(t, "centre", caller{node: "cremona", system: "protocollo"})}
	var pending []string
	rows := missionRows()
	for i, r := range rows {
		if r.number != i+1 {
			t.Fatalf("row %d is at the place of row %d", r.number, i+1)
		}
		if r.pending != "" {
			pending = append(pending, fmt.Sprintf("row_%02d %s: waits for %s", r.number, r.title, r.pending))
		}
		t.Run(fmt.Sprintf("row_%02d", r.number), func(t *testing.T) {
			t.Parallel()
			r.run(t, m)
		})
	}
	if len(rows) != 75 {
		t.Errorf("%d rows, want 75", len(rows))
	}
	t.Logf("%d rows have a part that is pending:\n%s", len(pending), strings.Join(pending, "\n"))
}

func (r missionRow) run(t *testing.T, m *missionEnv) {
	t.Helper()
	if r.outOfScope != "" {
		t.Logf("%s: out of scope, %s", r.title, r.outOfScope)
		return
	}
	if len(r.facts) == 0 && r.check == nil && r.pending == "" {
		t.Fatalf("%s: the row checks nothing", r.title)
	}
	for _, f := range r.facts {
		m.checkFact(t, f)
	}
	if r.check != nil {
		r.check(t, m)
	}
	if r.pending != "" && hasDescriptor(r.pending) {
		t.Errorf("%s: %s exists now, check it", r.title, r.pending)
	}
}

func hasDescriptor(name string) bool {
	_, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name))
	return err == nil
}

// checkFact reads an entry through the public API. A long value may be a part of the field's text.
func (m *missionEnv) checkFact(t *testing.T, f fact) {
	t.Helper()
	kind, id, _ := strings.Cut(f.entry, "/")
	resp, err := m.directory.GetEntry(callContext(t), &directoryv1.GetEntryRequest{Kind: kind, Id: id})
	if err != nil {
		t.Errorf("%s: %v", f.entry, err)
		return
	}
	path := append([]string{kind}, strings.Split(f.path, ".")...)
	values := valuesAt(resp.GetEntry().ProtoReflect(), path)
	for _, v := range values {
		if v == f.value || len(f.value) > 12 && strings.Contains(v, f.value) {
			return
		}
	}
	t.Errorf("%s: %s is %q, want %q", f.entry, f.path, values, f.value)
}

// valuesAt returns the values of all fields at a path, across lists.
func valuesAt(m protoreflect.Message, path []string) (values []string) {
	field := m.Descriptor().Fields().ByName(protoreflect.Name(path[0]))
	if field == nil || !m.Has(field) {
		return nil
	}
	visit := func(v protoreflect.Value) {
		switch {
		case len(path) > 1:
			values = append(values, valuesAt(v.Message(), path[1:])...)
		case field.Enum() != nil:
			values = append(values, string(field.Enum().Values().ByNumber(v.Enum()).Name()))
		default:
			values = append(values, fmt.Sprint(v.Interface()))
		}
	}
	if !field.IsList() {
		visit(m.Get(field))
		return values
	}
	for i := range m.Get(field).List().Len() {
		visit(m.Get(field).List().Get(i))
	}
	return values
}
