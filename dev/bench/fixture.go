package bench

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	"github.com/retepari/pari/dev/network"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

const (
	officeCount        = 4000
	servicesPerOffice  = 10
	officesPerProposal = 500
)

var serviceTypes = []string{
	"RECEPTION", "ORIENTATION", "COUNSELLING", "REPORT_COLLECTION", "CASE_MANAGEMENT", "INTERVIEW", "LEGAL_ADVICE",
	"PSYCHOLOGICAL", "MEDIATION", "TRAINING",
}

// directoryFixture is a directory with offices in every province, and clients of the centre and of all replicas.
type directoryFixture struct {
	centre    directoryv1.DirectoryServiceClient
	editor    directoryv1.DirectoryServiceClient
	publisher directoryv1.DirectoryServiceClient
	replicas  []directoryv1.DirectoryServiceClient

	municipalities []string
	labels         map[int]string // phone label of each changed office
	conns          []*grpc.ClientConn
}

// directoryFixture returns the fixture of the env. The first call fills the directory.
func (e *env) directoryFixture(ctx context.Context) (*directoryFixture, error) {
	if e.directory != nil {
		return e.directory, nil
	}
	d := &directoryFixture{labels: map[int]string{}}
	e.directory = d
	if err := d.connect(ctx, e.net); err != nil {
		return nil, err
	}
	var err error
	if d.municipalities, err = listMunicipalities(ctx, d.centre); err != nil {
		return nil, err
	}
	return d, d.fill(ctx)
}

func (d *directoryFixture) connect(ctx context.Context, n *network.Network) (err error) {
	net := n.Client()
	dial := func(service, console, user string) (directoryv1.DirectoryServiceClient, error) {
		token := ""
		if user != "" {
			if token, _, err = net.SignIn(ctx, user); err != nil {
				return nil, err
			}
		}
		conn, err := net.Conn(service, console, token)
		if err != nil {
			return nil, err
		}
		d.conns = append(d.conns, conn)
		return directoryv1.NewDirectoryServiceClient(conn), nil
	}
	if d.centre, err = dial("directory", "console.centre", ""); err != nil {
		return err
	}
	if d.editor, err = dial("directory", "console.centre", "editor"); err != nil {
		return err
	}
	if d.publisher, err = dial("directory", "console.centre", "publisher"); err != nil {
		return err
	}
	for _, node := range n.Nodes {
		replica, err := dial("directory."+node.Name, "console."+node.Name, "")
		if err != nil {
			return err
		}
		d.replicas = append(d.replicas, replica)
	}
	return nil
}

func (d *directoryFixture) close() {
	for _, conn := range d.conns {
		_ = conn.Close()
	}
}

// listMunicipalities returns the ISTAT codes of all present municipalities.
func listMunicipalities(ctx context.Context, directory directoryv1.DirectoryServiceClient) (codes []string, err error) {
	req := &directoryv1.ListTerritoriesRequest{
		Kind: directoryv1.TerritoryKind_TERRITORY_KIND_MUNICIPALITY, PageSize: 500,
	}
	for {
		page, err := directory.ListTerritories(ctx, req)
		if err != nil {
			return nil, fmt.Errorf("list municipalities: %w", err)
		}
		for _, t := range page.GetTerritories() {
			codes = append(codes, t.GetCode())
		}
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			return codes, nil
		}
	}
}

// office returns the i-th generated office. Offices are spread evenly over the municipalities.
func (d *directoryFixture) office(i int) *directoryv1.Office {
	municipality := d.municipalities[i*len(d.municipalities)/officeCount]
	nodes := []string{"cremona", "cuneo", "milano"}
	o := &directoryv1.Office{
		OfficeId: officeID(i), Name: fmt.Sprintf("Sportello %d", i), Kind: "INFO_POINT",
		State: "ACTIVE", Region: "lombardia", Node: nodes[i%len(nodes)], Source: "bench", VerifiedOn: "2026-11-01",
		Territories: []string{municipality, municipality[:3]}, AccessRule: "DROP_IN", Fee: "FREE",
		Addresses: []*directoryv1.Address{{
			Purpose: directoryv1.AddressPurpose_ADDRESS_PURPOSE_ENTRANCE,
			Street:  fmt.Sprintf("Via Roma %d", i), Municipality: municipality,
		}},
		Phones: []*directoryv1.Phone{{Number: fmt.Sprintf("0372 %06d", i), Hours: []*directoryv1.Hours{
			{Weekday: 1, Opens: "08:30", Closes: "12:30"}, {Weekday: 1, Opens: "13:30", Closes: "15:30"},
			{Weekday: 4, Opens: "09:00", Closes: "12:00"},
		}}},
		Emails: []*directoryv1.Email{{Address: fmt.Sprintf("sportello%d@example.it", i)}},
		Hours: []*directoryv1.Hours{
			{Weekday: 2, Opens: "09:00", Closes: "13:00"}, {Weekday: 3, Opens: "09:00", Closes: "17:00"},
			{Weekday: 4, Opens: "09:00", Closes: "13:00"},
		},
	}
	for _, s := range serviceTypes[:servicesPerOffice] {
		o.Services = append(o.Services, &directoryv1.Service{Type: s, AccessModes: []string{"DESK", "PHONE"}})
	}
	return o
}

func officeID(i int) string { return fmt.Sprintf("bench-%d", i) }

func officeEntry(o *directoryv1.Office, revision int64) *directoryv1.Entry {
	content := &directoryv1.Entry_Office{Office: o}
	return &directoryv1.Entry{Kind: "office", Id: o.GetOfficeId(), Revision: revision, Content: content}
}

// fill publishes all offices through the public API.
func (d *directoryFixture) fill(ctx context.Context) error {
	for from := 0; from < officeCount; from += officesPerProposal {
		var entries []*directoryv1.Entry
		for i := from; i < min(from+officesPerProposal, officeCount); i++ {
			entries = append(entries, officeEntry(d.office(i), 0))
		}
		if err := d.publish(ctx, entries); err != nil {
			return fmt.Errorf("fill the directory: %w", err)
		}
	}
	return nil
}

// publish proposes entries and approves them.
func (d *directoryFixture) publish(ctx context.Context, entries []*directoryv1.Entry) error {
	proposed, err := d.editor.ProposeChanges(ctx, &directoryv1.ProposeChangesRequest{
		RequestId: uuid.NewString(), Reason: "bench", Entries: entries,
	})
	if err != nil {
		return err
	}
	p := proposed.GetProposal()
	_, err = d.publisher.DecideProposal(ctx, &directoryv1.DecideProposalRequest{
		RequestId: uuid.NewString(), ProposalId: p.GetProposalId(), Version: p.GetVersion(),
		Decision: directoryv1.Decision_DECISION_APPROVE,
	})
	return err
}

// changePhone publishes a new phone label for the i-th office.
func (d *directoryFixture) changePhone(ctx context.Context, i int) error {
	current, err := d.centre.GetEntry(ctx, &directoryv1.GetEntryRequest{Kind: "office", Id: officeID(i)})
	if err != nil {
		return err
	}
	o := d.office(i)
	o.Phones[0].Label = uuid.NewString()
	d.labels[i] = o.Phones[0].Label
	return d.publish(ctx, []*directoryv1.Entry{officeEntry(o, current.GetEntry().GetRevision())})
}

// waitSynced waits until the replicas have the digest and the revision of the centre.
func (d *directoryFixture) waitSynced(ctx context.Context, replicas []directoryv1.DirectoryServiceClient) error {
	req := &directoryv1.GetDirectoryStatusRequest{}
	want, err := d.centre.GetDirectoryStatus(ctx, req)
	if err != nil {
		return err
	}
	for _, replica := range replicas {
		err := waitUntil(ctx, func(ctx context.Context) (bool, error) {
			got, err := replica.GetDirectoryStatus(ctx, req)
			return err == nil && got.GetDigest() == want.GetDigest() &&
				got.GetFreshness().GetRevision() >= want.GetFreshness().GetRevision(), err
		})
		if err != nil {
			return fmt.Errorf("wait for replica: %w", err)
		}
	}
	return nil
}

// waitPhone waits until every replica shows the last phone label of the i-th office.
func (d *directoryFixture) waitPhone(ctx context.Context, i int) error {
	req := &directoryv1.GetOfficeRequest{OfficeId: officeID(i)}
	isLast := func(p *directoryv1.Phone) bool { return p.GetLabel() == d.labels[i] }
	for _, replica := range d.replicas {
		err := waitUntil(ctx, func(ctx context.Context) (bool, error) {
			got, err := replica.GetOffice(ctx, req)
			return err == nil && slices.ContainsFunc(got.GetOffice().GetPhones(), isLast), err
		})
		if err != nil {
			return fmt.Errorf("wait for change: %w", err)
		}
	}
	return nil
}
