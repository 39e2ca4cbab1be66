package rpc_test

import (
	"context"
	"crypto/tls"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/retepari/pari/dev/testkit/rpctest"
	"github.com/retepari/pari/pkg/fault"
	"github.com/retepari/pari/pkg/identity"
	accessv1 "github.com/retepari/pari/proto/gen/pari/access/v1"
	directoryv1 "github.com/retepari/pari/proto/gen/pari/directory/v1"
)

// Ensure a caller that is not authenticated gets the reason and does not reach the handler.
func TestServer_RefusesUnauthenticatedCallers(t *testing.T) {
	t.Parallel()
	s := start(t, config(), unreachable(t))
	other := rpctest.NewEnv(t)
	now := time.Now()
	ago := func(hours int) time.Time { return now.Add(-time.Duration(hours) * time.Hour) }
	withDates := func(from, to time.Time) grpc.ClientConnInterface {
		return s.With(t, s.Env.SourceFor(t, portal, from, to), "")
	}
	withClaims := func(claims map[string]any) grpc.ClientConnInterface {
		return s.As(t, portal, s.Env.Sign(t, claims))
	}
	foreign, intake := portal, rpctest.ID("lombardia", "cremona", "service", "intake")
	foreign.TrustDomain = "elsewhere.test"
	const grant, otherGrant = "lombardia/cremona/operator", "piemonte/cuneo/operator"
	for name, c := range map[string]struct {
		conn grpc.ClientConnInterface
		want fault.Reason
	}{
		"no certificate":         {s.WithTLS(t, &tls.Config{InsecureSkipVerify: true}), fault.NoCertificate},
		"expired":                {withDates(ago(2), ago(1)), fault.BadCertificate},
		"not yet valid":          {withDates(ago(-1), ago(-2)), fault.BadCertificate},
		"another authority":      {unverified(t, s, other.Source(t, portal)), fault.BadCertificate},
		"another trust domain":   {unverified(t, s, s.Env.Source(t, foreign)), fault.BadCertificate},
		"a broker":               {s.As(t, rpctest.ID("lombardia", "cremona", "leaf", "leaf"), ""), fault.NotAllowed},
		"not a token":            {s.As(t, portal, "abc"), fault.BadToken},
		"expired token":          {withClaims(map[string]any{"sub": "anna", "exp": ago(1).Unix()}), fault.ExpiredToken},
		"token of an audience":   {withClaims(map[string]any{"sub": "anna", "aud": "mail"}), fault.BadToken},
		"token of an issuer":     {s.As(t, portal, other.Token(t, "anna", grant)), fault.BadToken},
		"token of another node":  {s.As(t, portal, s.Env.Token(t, "ugo", otherGrant)), fault.WrongNode},
		"token through services": {s.As(t, intake, s.Env.Token(t, "anna", grant)), fault.BadToken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := reasonOf(findAny(c.conn)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// unverified connects with a certificate of source, and does not verify the server.
func unverified(t *testing.T, s *rpctest.Server, source *identity.Source) grpc.ClientConnInterface {
	t.Helper()
	c := source.ClientTLS(func(identity.ID) bool { return true })
	c.VerifyConnection = nil
	return s.WithTLS(t, c)
}

// Ensure the handler gets a person with the roles at the program's node, and a system with its granted roles.
func TestServer_IdentifiesTheCaller(t *testing.T) {
	t.Parallel()
	var got identity.Principal
	c := config()
	c.Grants = rpctest.Grants(t, map[identity.ID]string{portal: "submitter"})
	s := start(t, c, server{find: func(ctx context.Context) error {
		got, _ = identity.From(ctx)
		return nil
	}})
	token := s.Env.Token(t, "anna", "lombardia/cremona/operator", "piemonte/cuneo/coordinator", "nonsense")
	const operator, submitter = accessv1.Role_ROLE_OPERATOR, accessv1.Role_ROLE_SUBMITTER
	for name, c := range map[string]struct {
		token, person string
		has, lacks    accessv1.Role
	}{
		"person": {token, rpctest.Person("anna"), operator, submitter},
		"system": {"", "", submitter, operator},
	} {
		if err := findAny(s.As(t, portal, c.token)); err != nil {
			t.Fatal(err)
		}
		if got.Program != portal || got.Person != c.person || !got.Has(c.has) || got.Has(c.lacks) ||
			got.Has(accessv1.Role_ROLE_COORDINATOR) {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// Ensure the access rule of the contract applies to a call.
func TestServer_AppliesTheAccessRule(t *testing.T) {
	t.Parallel()
	s := start(t, config(), server{})
	centre := rpctest.ID("all", "centre", "system", "console")
	valid := &directoryv1.DecideProposalRequest{}
	for name, c := range map[string]struct {
		token string
		want  fault.Reason
	}{
		"no person":     {"", fault.NoToken},
		"another role":  {s.Env.Token(t, "anna", "lombardia/centre/editor"), fault.NotAllowed},
		"required role": {s.Env.Token(t, "anna", "lombardia/centre/publisher"), fault.InvalidRequest},
	} {
		client := directoryv1.NewDirectoryServiceClient(s.As(t, centre, c.token))
		_, err := client.DecideProposal(t.Context(), valid)
		if got := reasonOf(fault.FromStatus(err)); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
