package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
	intakev1 "github.com/retepari/pari/proto/gen/pari/intake/v1"
)

// row is one row of the mission table: what the five source documents say that the network is or does. Facts are looked up
// in the directory of a running network; do goes further, by calling what gives the capability.
type row struct {
	number int
	what   string
	facts  []fact
	do     func(t *testing.T, w *mission)
	// pending is the RPC that the rest of the row waits for. The row fails when that RPC is there and it still waits.
	pending string
	// outside says why the row is not the network's.
	outside string
}

// fact is that an entry holds a value at a path: "phones.number" is the number of any of its telephones.
type fact struct{ entry, path, value string }

// mission is the network as the rows see it.
type mission struct {
	*net
	directory directoryv1.DirectoryServiceClient
}

// TestMissionRows asks a running network for every row of the mission table.
func TestMissionRows(t *testing.T) {
	t.Parallel()
	n := everyones(t)
	w := &mission{n, directoryv1.NewDirectoryServiceClient(n.conn(t, "directory", "cremona", system("protocollo")))}
	var waiting []string
	seen := 0
	for _, r := range missionRows() {
		seen++
		if r.number != seen {
			t.Fatalf("row %d stands where row %d should", r.number, seen)
		}
		if r.pending != "" {
			waiting = append(waiting, fmt.Sprintf("row_%02d %s: waits for %s", r.number, r.what, r.pending))
		}
		t.Run(fmt.Sprintf("row_%02d", r.number), func(t *testing.T) {
			t.Parallel()
			r.check(t, w)
		})
	}
	if seen != 75 {
		t.Errorf("%d rows, want 75", seen)
	}
	t.Logf("%d rows have a part that is pending:\n%s", len(waiting), strings.Join(waiting, "\n"))
}

func (r row) check(t *testing.T, w *mission) {
	t.Helper()
	if r.outside != "" {
		t.Logf("%s: out of scope, %s", r.what, r.outside)
		return
	}
	if len(r.facts) == 0 && r.do == nil && r.pending == "" {
		t.Fatalf("%s: nothing is asked", r.what)
	}
	for _, f := range r.facts {
		w.says(t, f)
	}
	if r.do != nil {
		r.do(t, w)
	}
	if r.pending != "" {
		if _, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(r.pending)); err == nil {
			t.Errorf("%s: %s is there now, ask it", r.what, r.pending)
		}
	}
}

// says checks one fact through the public API.
func (w *mission) says(t *testing.T, f fact) {
	t.Helper()
	kind, id, _ := strings.Cut(f.entry, "/")
	got, err := w.directory.GetEntry(soon(t), &directoryv1.GetEntryRequest{Kind: kind, Id: id})
	if err != nil {
		t.Errorf("%s: %v", f.entry, err)
		return
	}
	values := valuesAt(got.GetEntry().ProtoReflect(), append([]string{kind}, strings.Split(f.path, ".")...))
	for _, v := range values {
		if v == f.value || len(f.value) > 12 && strings.Contains(v, f.value) {
			return
		}
	}
	t.Errorf("%s: %s is %q, want %q", f.entry, f.path, values, f.value)
}

// valuesAt are the values of all fields at a path, whatever lists it leads through.
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

// hours checks all hours of a counter, or of a telephone, as "2 09:00-13:00".
func hours(office, number string, want ...string) func(*testing.T, *mission) {
	return func(t *testing.T, w *mission) {
		t.Helper()
		got, err := w.directory.GetOffice(soon(t), &directoryv1.GetOfficeRequest{OfficeId: office})
		if err != nil {
			t.Fatal(err)
		}
		all := got.GetOffice().GetHours()
		for _, p := range got.GetOffice().GetPhones() {
			if number != "" && p.GetNumber() == number {
				all = p.GetHours()
			}
		}
		var have []string
		for _, h := range all {
			have = append(have, fmt.Sprintf("%d %s-%s", h.GetWeekday(), h.GetOpens(), h.GetCloses()))
		}
		if strings.Join(have, ", ") != strings.Join(want, ", ") {
			t.Errorf("hours of %s %s are %q, want %q", office, number, have, want)
		}
	}
}

// finds checks that who asks for help this way is sent to an office.
func finds(office string, req *directoryv1.FindOfficesRequest) func(*testing.T, *mission) {
	return func(t *testing.T, w *mission) {
		t.Helper()
		got, err := w.directory.FindOffices(soon(t), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got.GetMatches() {
			if m.GetOffice().GetOfficeId() == office {
				return
			}
		}
		t.Errorf("%v does not find %s", req, office)
	}
}

// takes checks that intake would take a report of this kind; nothing is stored.
func takes(node string, spoil func(*intakev1.ReportContent)) func(*testing.T, *mission) {
	return func(t *testing.T, w *mission) {
		t.Helper()
		req := report()
		req.RequestId, req.ValidateOnly = uuid.NewString(), true
		spoil(req.GetContent())
		if _, err := w.Intake(t, node, system("protocollo")).SubmitReport(soon(t), req); err != nil {
			t.Error(err)
		}
	}
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// hasMethod checks that the contract offers a call; what it does is told by tests of its own.
func hasMethod(name string) func(*testing.T, *mission) {
	return func(t *testing.T, _ *mission) {
		t.Helper()
		if _, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(name)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
