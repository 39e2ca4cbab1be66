package app_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// page is the content of the web page of an office. The pages below were written independently of the data, so that an
// error in either of them shows.
type page struct {
	kind, node, region, body  string
	phones                    []string
	hours                     []string
	emails                    []string
	addresses                 []string
	access, fee               string
	recipients, accessibility []string
	services                  []string
	known                     bool
}

// workdays returns openings for Monday to Friday, each after a prefix.
func workdays(prefix string, openings ...string) []string {
	var out []string
	for day := 1; day <= 5; day++ {
		for _, opening := range openings {
			out = append(out, fmt.Sprintf("%s%d %s", prefix, day, opening))
		}
	}
	return out
}

var project = []string{
	"MAFIA_VICTIMS (La voce che rompe il silenzio)",
	"TRAINING (Azione a: percorso formativo su reati spia e strumenti di tutela)",
	"MATERIAL_HELP (Azione b: assistenza materiale e accesso ai servizi sociali e territoriali)",
	"PSYCHOLOGICAL (Azione c: assistenza psicologica, cura e aiuto delle vittime)",
	"AWARENESS (Azione d: campagne di sensibilizzazione e comunicazione)",
	"AWARENESS (Azione e: eventi informativi e iniziative culturali)",
}

var pages = map[string]page{
	"cremona-sportello": {
		kind: "ANTENNA", node: "cremona", region: "lombardia", body: "Comune di Cremona",
		phones: []string{"0372 407364"},
		hours:  []string{"2 09:00-13:00", "3 09:00-17:00", "4 09:00-13:00"},
		// The page leaves the e-mail blank.
		emails:    nil,
		addresses: []string{"POST  26100 019036"},
		access:    "APPOINTMENT_ADVISED", fee: "FREE",
		recipients: []string{"ALL_CITIZENS", "BODY_OPERATORS"},
		services: []string{
			"RECEPTION () DIRECT_FREE DESK PHONE",
			"ORIENTATION (Orientamento ai servizi e agli strumenti di tutela) DIRECT_FREE DESK PHONE",
			"COUNSELLING () DIRECT_FREE DESK PHONE",
			"REPORT_COLLECTION (Raccolta di segnalazioni anche anonime) DIRECT_FREE DESK PHONE",
			"INTERVIEW (Colloquio di approfondimento riservato) DIRECT_FREE DESK PHONE",
			"ADVICE_TO_BODIES (Consulenza a enti e associazioni del territorio)",
			"NETWORK_COORDINATION (Rete Antidiscriminazioni di Cremona)",
			"AWARENESS ()", "TRAINING (Formazione per dipendenti e operatori)",
		},
		known: true,
	},
	"cremona-ufficio-anticorruzione": {
		kind: "ANTICORRUPTION_OFFICE", node: "cremona", region: "lombardia", body: "Comune di Cremona",
		phones:     []string{"0372 407066"},
		emails:     []string{"ufficio.anticorruzione@comune.cremona.it"},
		addresses:  []string{"POST Piazza del Comune, 8  019036", "ENTRANCE Piazza Stradivari, 7  019036"},
		recipients: []string{"CRIME_VICTIMS"}, services: project,
	},
	"cremona-centro-locale-parita": {
		kind: "EQUALITY_CENTRE", node: "cremona", region: "lombardia", body: "Comune di Cremona",
		phones:     []string{"0372 407006", "0372 407222"},
		emails:     []string{"pariopportunita@comune.cremona.it"},
		addresses:  []string{"POST Corso Vittorio Emanuele II, 42  019036"},
		recipients: []string{"CRIME_VICTIMS"}, services: project,
	},
	// The page gives neither address nor telephone nor hours.
	"cuneo-nodo": {
		kind: "NODE", node: "cuneo", region: "piemonte", body: "Città di Cuneo",
		recipients: []string{"ALL_CITIZENS", "WOMEN", "CHILDREN_SCHOOLS"},
		services: []string{
			"RECEPTION ()", "ORIENTATION ()",
			"CASE_MANAGEMENT (Presa in carico delle persone segnalanti e gestione dei casi)",
			"NETWORK_COORDINATION (Rete territoriale contro le discriminazioni)",
			"AWARENESS (Informazione, comunicazione e sensibilizzazione antidiscriminatoria)",
			"MONITORING (Monitoraggio del fenomeno e raccolta dei dati territoriali)",
			"GENDER_VIOLENCE (Servizi e interventi per le donne che subiscono violenza)",
			"NETWORK_COORDINATION (Rete antiviolenza Cuneo)",
			"AWARENESS (Sensibilizzazione sul tema della violenza)", "AWARENESS (Rassegna 8 marzo è tutto l'anno)",
			"SCHOOL_ACTIONS (Azioni su stereotipi e violenza di genere)",
			"COURSE (Corsi per le donne, anche di autodifesa)",
			"NETWORK_COORDINATION (Laboratorio Donna)", "POSITIVE_ACTIONS (Piano di Azioni Positive)",
		},
	},
	// There is no page of this office. Only the hours of its telephone are known.
	"cuneo-sportello-meet": {
		kind: "DESK", node: "cuneo", region: "piemonte", body: "Città di Cuneo",
		phones:    []string{"", "  3 09:00-12:00", "  4 09:00-12:00"},
		addresses: []string{"ENTRANCE via Leutrum, 7  004078"},
		services:  []string{"RECEPTION () DESK", "REPORT_COLLECTION () DESK"},
	},
	"milano-casa-dei-diritti": {
		kind: "RIGHTS_HOUSE", node: "milano", region: "lombardia", body: "Comune di Milano",
		phones: slices.Concat(
			[]string{"02 884 41641"}, workdays("  ", "08:30-12:30", "13:30-15:30"), []string{"3667541034 WhatsApp"},
		),
		emails: []string{
			"pss.casadeidiritti@comune.milano.it", "rainbow.desk@cooplotta.org",
			"antidiscriminazioni@comune.milano.it",
		},
		addresses: []string{
			"ENTRANCE via De Amicis, 10  015146", "ACCESSIBLE_ENTRANCE via Dei Fabbri, 9  015146",
		},
		accessibility: []string{"SEPARATE_ACCESSIBLE_ENTRANCE"},
		services: []string{
			"ORIENTATION (Sportelli informativi e di orientamento)",
			"GENDER_VIOLENCE (Contrasto alla violenza di genere) MAIL DESK PHONE",
			"TRAFFICKING (Protezione vittime della tratta) MAIL DESK PHONE",
			"DISCUSSION_GROUP (Gruppi di confronto per giovani LGBTQIA+ dai 18 ai 35 anni, gratuiti) MAIL WHATSAPP",
			"ROOM_LOAN (Sala conferenze F. Bomprezzi per eventi sui diritti, la convivenza e il contrasto " +
				"delle discriminazioni)",
			"AWARENESS (Mostre, convegni, incontri e iniziative di prevenzione)",
		},
	},
}

func hoursOf(prefix string, hours []*directoryv1.Hours) []string {
	var out []string
	for _, h := range hours {
		out = append(out, fmt.Sprintf("%s%d %s-%s", prefix, h.GetWeekday(), h.GetOpens(), h.GetCloses()))
	}
	return out
}

// pageOf converts an office to its page.
func pageOf(got *directoryv1.GetOfficeResponse) page {
	o := got.GetOffice()
	p := page{
		kind: o.GetKind(), node: o.GetNode(), region: o.GetRegion(), body: o.GetBody(),
		hours:  hoursOf("", o.GetHours()),
		access: o.GetAccessRule(), fee: o.GetFee(), recipients: o.GetRecipients(), accessibility: o.GetAccessibility(),
		known: got.GetOpenState().GetKnown(),
	}
	for _, phone := range o.GetPhones() {
		line := phone.GetNumber()
		if phone.GetWhatsapp() {
			line += " WhatsApp"
		}
		p.phones = append(append(p.phones, line), hoursOf("  ", phone.GetHours())...)
	}
	for _, e := range o.GetEmails() {
		p.emails = append(p.emails, e.GetAddress())
	}
	for _, a := range o.GetAddresses() {
		purpose := a.GetPurpose().String()[len("ADDRESS_PURPOSE_"):]
		line := fmt.Sprintf("%s %s %s %s", purpose, a.GetStreet(), a.GetPostcode(), a.GetMunicipality())
		p.addresses = append(p.addresses, line)
	}
	for _, s := range o.GetServices() {
		line := s.GetType() + " (" + s.GetName() + ")"
		for _, mode := range s.GetAccessModes() {
			line += " " + mode
		}
		p.services = append(p.services, line)
	}
	return p
}

// Ensure the embedded offices equal their pages.
func TestLoad_OfficesOfTheData(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	for id, want := range pages {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			got, err := client.GetOffice(withTimeout(t), &directoryv1.GetOfficeRequest{OfficeId: id})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, pageOf(got), cmp.AllowUnexported(page{})); diff != "" {
				t.Error("-page +directory:\n" + diff)
			}
			source, verifiedOn := got.GetOffice().GetSource(), got.GetOffice().GetVerifiedOn()
			if source == "" || (verifiedOn == "") != (id == "cuneo-sportello-meet") {
				t.Errorf("source %q, verified on %q", source, verifiedOn)
			}
		})
	}
	t.Run("and no others", func(t *testing.T) {
		t.Parallel()
		got, err := client.ListOffices(withTimeout(t), &directoryv1.ListOfficesRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.GetOffices()) != len(pages) {
			t.Errorf("%d offices, want %d", len(got.GetOffices()), len(pages))
		}
	})
}

// Ensure the offices open and close at exactly the minutes of their pages, in Europe/Rome.
func TestLoad_HoursOfTheData(t *testing.T) {
	t.Parallel()
	_, client := start(t)
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	type opening struct {
		weekday       time.Weekday
		opens, closes string
	}
	cremona := []opening{
		{time.Tuesday, "09:00", "13:00"}, {time.Wednesday, "09:00", "17:00"}, {time.Thursday, "09:00", "13:00"},
	}
	milano := []opening{}
	for day := time.Monday; day <= time.Friday; day++ {
		milano = append(milano, opening{day, "08:30", "12:30"}, opening{day, "13:30", "15:30"})
	}
	for _, c := range []struct {
		office, territory, mode string
		openings                []opening
	}{
		{"cremona-sportello", "019036", "DESK", cremona},
		// The telephone has no hours of its own: it follows the counter.
		{"cremona-sportello", "019036", "PHONE", cremona},
		{"milano-casa-dei-diritti", "015146", "PHONE", milano},
	} {
		// One week in summer time, one in winter time, and the two before the clocks change at the end of the week.
		for _, monday := range []string{"2026-06-15", "2026-11-23", "2026-03-23", "2026-10-19"} {
			t.Run(c.office+" "+c.mode+" "+monday, func(t *testing.T) {
				t.Parallel()
				first, err := time.ParseInLocation(time.DateOnly, monday, rome)
				if err != nil {
					t.Fatal(err)
				}
				for day := range 7 {
					date := first.AddDate(0, 0, day)
					minutes := map[string]bool{"00:00": false, "08:29": false, "18:00": false, "23:59": false}
					for _, o := range c.openings {
						if o.weekday == date.Weekday() {
							minutes[o.opens], minutes[minuteBefore(t, o.closes)] = true, true
							minutes[minuteBefore(t, o.opens)], minutes[o.closes] = false, false
						}
					}
					for minute, open := range minutes {
						clock := date.Format(time.DateOnly) + " " + minute
						at, err := time.ParseInLocation("2006-01-02 15:04", clock, rome)
						if err != nil {
							t.Fatal(err)
						}
						req := &directoryv1.FindOfficesRequest{
							Territory: c.territory, AccessMode: c.mode, Ground: "DISABILITY",
							OpenAt: timestamppb.New(at),
						}
						if got := isOpen(t, client, c.office, req); got != open {
							t.Errorf("%s: open %v, want %v", at, got, open)
						}
					}
				}
			})
		}
	}
}

// isOpen reports whether a search finds an open office.
func isOpen(
	t *testing.T, client directoryv1.DirectoryServiceClient, office string, req *directoryv1.FindOfficesRequest,
) bool {
	t.Helper()
	resp, err := client.FindOffices(withTimeout(t), req)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(resp.GetMatches(), func(m *directoryv1.OfficeMatch) bool {
		return m.GetOffice().GetOfficeId() == office && m.GetOpenState().GetOpen()
	})
}

// minuteBefore returns the minute before a time of day.
func minuteBefore(t *testing.T, clock string) string {
	t.Helper()
	at, err := time.Parse("15:04", clock)
	if err != nil {
		t.Fatal(err)
	}
	return at.Add(-time.Minute).Format("15:04")
}
