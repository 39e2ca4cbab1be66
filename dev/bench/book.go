package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

const (
	offices   = 4000
	perOffice = 10  // services
	atOnce    = 500 // offices in one proposal
	findCalls = 8   // clients
	atOneDesk = 10  // offices of one answer, as a desk shows them
	changes   = 60  // of one round
)

// book is the directory of a network, filled with offices over all of Italy.
type book struct {
	centre  directoryv1.DirectoryServiceClient // as a system reads it
	editor  directoryv1.DirectoryServiceClient
	decider directoryv1.DirectoryServiceClient
	nodes   []directoryv1.DirectoryServiceClient
	towns   []string
	labels  map[int]string // of the last change of each office
	conns   []*grpc.ClientConn
}

// openBook connects to every directory of the network, and fills it on first use.
func openBook(ctx context.Context, w *world) (*book, error) {
	if w.book != nil {
		return w.book, nil
	}
	b := &book{labels: map[int]string{}}
	w.book = b
	dial := func(service, console, persona string) (directoryv1.DirectoryServiceClient, error) {
		a, token := w.net.Access(), ""
		if persona != "" {
			var err error
			if token, _, err = a.SignIn(ctx, persona); err != nil {
				return nil, err
			}
		}
		conn, err := a.Conn(service, console, token)
		if err != nil {
			return nil, err
		}
		b.conns = append(b.conns, conn)
		return directoryv1.NewDirectoryServiceClient(conn), nil
	}
	var err error
	for _, c := range []struct {
		to      *directoryv1.DirectoryServiceClient
		persona string
	}{{&b.centre, ""}, {&b.editor, "editor"}, {&b.decider, "publisher"}} {
		if *c.to, err = dial("directory", "console.centre", c.persona); err != nil {
			return nil, err
		}
	}
	for _, n := range w.net.Nodes {
		client, err := dial("directory."+n.Name, "console."+n.Name, "")
		if err != nil {
			return nil, err
		}
		b.nodes = append(b.nodes, client)
	}
	if b.towns, err = towns(ctx, b.centre); err != nil {
		return nil, err
	}
	return b, b.fill(ctx)
}

func (b *book) close() {
	for _, conn := range b.conns {
		_ = conn.Close()
	}
}

// towns are the municipalities of today.
func towns(ctx context.Context, directory directoryv1.DirectoryServiceClient) (codes []string, err error) {
	req := &directoryv1.ListTerritoriesRequest{Kind: directoryv1.TerritoryKind_TERRITORY_KIND_MUNICIPALITY, PageSize: 500}
	for {
		page, err := directory.ListTerritories(ctx, req)
		if err != nil {
			return nil, fmt.Errorf("towns: %w", err)
		}
		for _, t := range page.GetTerritories() {
			codes = append(codes, t.GetCode())
		}
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			return codes, nil
		}
	}
}

var given = []string{
	"RECEPTION", "ORIENTATION", "COUNSELLING", "REPORT_COLLECTION", "CASE_MANAGEMENT", "INTERVIEW", "LEGAL_ADVICE", "PSYCHOLOGICAL", "MEDIATION", "TRAINING",
}

// office is the i-th of many.
func (b *book) office(i int) *directoryv1.Office {
	town := b.towns[i*len(b.towns)/offices]
	nodes := []string{"cremona", "cuneo", "milano"}
	o := &directoryv1.Office{
		OfficeId: fmt.Sprintf("bench-%d", i), Name: fmt.Sprintf("Sportello %d", i), Kind: "INFO_POINT", State: "ACTIVE", Region: "lombardia", Node: nodes[i%len(nodes)],
		Source: "bench", VerifiedOn: "2026-11-01", Territories: []string{town, town[:3]}, AccessRule: "DROP_IN", Fee: "FREE",
		Addresses: []*directoryv1.Address{{Purpose: directoryv1.AddressPurpose_ADDRESS_PURPOSE_ENTRANCE, Street: fmt.Sprintf("Via Roma %d", i), Municipality: town}},
		Phones: []*directoryv1.Phone{{Number: fmt.Sprintf("0372 %06d", i), Hours: []*directoryv1.Hours{
			{Weekday: 1, Opens: "08:30", Closes: "12:30"}, {Weekday: 1, Opens: "13:30", Closes: "15:30"}, {Weekday: 4, Opens: "09:00", Closes: "12:00"},
		}}},
		Emails: []*directoryv1.Email{{Address: fmt.Sprintf("sportello%d@example.it", i)}},
		Hours: []*directoryv1.Hours{
			{Weekday: 2, Opens: "09:00", Closes: "13:00"}, {Weekday: 3, Opens: "09:00", Closes: "17:00"}, {Weekday: 4, Opens: "09:00", Closes: "13:00"},
		},
	}
	for _, s := range given[:perOffice] {
		o.Services = append(o.Services, &directoryv1.Service{Type: s, AccessModes: []string{"DESK", "PHONE"}})
	}
	return o
}

// fill makes all offices current, through the calls that people use.
func (b *book) fill(ctx context.Context) error {
	for from := 0; from < offices; from += atOnce {
		var entries []*directoryv1.Entry
		for i := from; i < min(from+atOnce, offices); i++ {
			o := b.office(i)
			entries = append(entries, &directoryv1.Entry{Kind: "office", Id: o.GetOfficeId(), Content: &directoryv1.Entry_Office{Office: o}})
		}
		if err := b.change(ctx, entries); err != nil {
			return fmt.Errorf("fill the directory: %w", err)
		}
	}
	return nil
}

// change proposes entries and approves them.
func (b *book) change(ctx context.Context, entries []*directoryv1.Entry) error {
	proposed, err := b.editor.ProposeChanges(ctx, &directoryv1.ProposeChangesRequest{RequestId: uuid.NewString(), Reason: "bench", Entries: entries})
	if err != nil {
		return err
	}
	p := proposed.GetProposal()
	_, err = b.decider.DecideProposal(ctx, &directoryv1.DecideProposalRequest{
		RequestId: uuid.NewString(), ProposalId: p.GetProposalId(), Version: p.GetVersion(), Decision: directoryv1.Decision_DECISION_APPROVE,
	})
	return err
}

// settled waits until a directory says what the centre says.
func (b *book) settled(ctx context.Context, of []directoryv1.DirectoryServiceClient) error {
	want, err := b.centre.GetDirectoryStatus(ctx, &directoryv1.GetDirectoryStatusRequest{})
	if err != nil {
		return err
	}
	for _, node := range of {
		if err := until(ctx, 1, func(ctx context.Context) (int64, error) {
			got, err := node.GetDirectoryStatus(ctx, &directoryv1.GetDirectoryStatusRequest{})
			if err == nil && got.GetDigest() == want.GetDigest() && got.GetFreshness().GetRevision() >= want.GetFreshness().GetRevision() {
				return 1, nil
			}
			return 0, err
		}); err != nil {
			return err
		}
	}
	return nil
}

// forget empties the copy of a node, as if it had just been made.
func (w *world) forget(ctx context.Context, node string) error {
	conn, err := pgx.Connect(ctx, w.net.Env("directory." + node)["PARI_DATABASE_OWNER_URL"])
	if err != nil {
		return fmt.Errorf("forget a copy: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, `truncate entry, vocabulary, directory_state; notify directory_changed, 'reload'`); err != nil {
		return fmt.Errorf("forget a copy: %w", err)
	}
	return nil
}

// copyRows reads all current entries at the centre and inserts them elsewhere.
func (w *world) copyRows(ctx context.Context) (time.Duration, error) {
	if _, err := w.floors.Exec(ctx, `drop table if exists bench_copy; create table bench_copy (kind text, id text, content jsonb, primary key (kind, id))`); err != nil {
		return 0, fmt.Errorf("floor: %w", err)
	}
	conn, err := pgx.Connect(ctx, w.net.Env("directory")["PARI_DATABASE_URL"])
	if err != nil {
		return 0, fmt.Errorf("floor: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	from := time.Now()
	rows, err := conn.Query(ctx, `select kind, id, content::text from entry where current`)
	if err != nil {
		return 0, fmt.Errorf("floor: %w", err)
	}
	var kinds, ids, contents []string
	var kind, id, content string
	if _, err := pgx.ForEachRow(rows, []any{&kind, &id, &content}, func() error {
		kinds, ids, contents = append(kinds, kind), append(ids, id), append(contents, content)
		return nil
	}); err != nil {
		return 0, fmt.Errorf("floor: %w", err)
	}
	if _, err := w.floors.Exec(ctx, `insert into bench_copy select * from unnest($1::text[], $2::text[], $3::jsonb[])`, kinds, ids, contents); err != nil {
		return 0, fmt.Errorf("floor: %w", err)
	}
	return time.Since(from), nil
}

// touch changes the telephone of an office.
func (b *book) touch(ctx context.Context, i int) error {
	now, err := b.centre.GetEntry(ctx, &directoryv1.GetEntryRequest{Kind: "office", Id: b.office(i).GetOfficeId()})
	if err != nil {
		return err
	}
	o := b.office(i)
	o.Phones[0].Label = uuid.NewString()
	b.labels[i] = o.Phones[0].Label
	return b.change(ctx, []*directoryv1.Entry{{Kind: "office", Id: o.GetOfficeId(), Revision: now.GetEntry().GetRevision(), Content: &directoryv1.Entry_Office{Office: o}}})
}

// seen waits until every node shows the last change of an office.
func (b *book) seen(ctx context.Context, i int) error {
	for _, node := range b.nodes {
		if err := until(ctx, 1, func(ctx context.Context) (int64, error) {
			got, err := node.GetOffice(ctx, &directoryv1.GetOfficeRequest{OfficeId: b.office(i).GetOfficeId()})
			if err == nil && slices.ContainsFunc(got.GetOffice().GetPhones(), func(p *directoryv1.Phone) bool { return p.GetLabel() == b.labels[i] }) {
				return 1, nil
			}
			return 0, err
		}); err != nil {
			return err
		}
	}
	return nil
}
