package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// session is the sign-in of a person. It is stored in the network's folder as sessions/<persona>.json, and as
// sessions/last.json.
type session struct {
	Persona string    `json:"persona"`
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

// lastSession names the session of the latest sign-in.
const lastSession = "last"

func (c *cli) sessionsDir() string { return filepath.Join(c.dir, "sessions") }

func (c *cli) loginCmd() *cobra.Command {
	return &cobra.Command{
		Use: "login --as NAME", Short: "Sign in as somebody invented", Args: cobra.NoArgs,
		Long: "Signs in at the network's own OpenID provider. " +
			"There are operator-, worker- and coordinator-<node>, analyst and auditor.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if c.as == "" {
				return errors.New("as whom? Say --as operator-cremona, worker-cremona, coordinator-cremona " +
					"(or another node), analyst, auditor")
			}
			network, err := c.loadNetwork()
			if err != nil {
				return err
			}
			s := session{Persona: c.as}
			if s.Token, s.Expires, err = network.SignIn(cmd.Context(), c.as); err != nil {
				return err
			}
			if err := c.saveSession(s); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.out, "signed in as %s until %s\n", s.Persona, s.Expires.Local().Format("15:04"))
			return err
		},
	}
}

func (c *cli) logoutCmd() *cobra.Command {
	return &cobra.Command{
		Use: "logout", Short: "Forget who has signed in", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return os.RemoveAll(c.sessionsDir()) },
	}
}

func (c *cli) saveSession(s session) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	if err := os.MkdirAll(c.sessionsDir(), 0o700); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	for _, name := range []string{s.Persona, lastSession} {
		if err := os.WriteFile(filepath.Join(c.sessionsDir(), name+".json"), raw, 0o600); err != nil {
			return fmt.Errorf("session: %w", err)
		}
	}
	return nil
}

// loadToken returns the access token of the caller: --as, or the latest sign-in. When --node is not given, it sets the
// node from the session's name.
func (c *cli) loadToken() (string, error) {
	name := c.as
	if name == "" {
		name = lastSession
	}
	raw, err := os.ReadFile(filepath.Join(c.sessionsDir(), filepath.Base(name)+".json"))
	if errors.Is(err, os.ErrNotExist) {
		if c.as != "" {
			return "", fmt.Errorf("%w as %s", errNotSignedIn, c.as)
		}
		return "", errNotSignedIn
	}
	if err != nil {
		return "", fmt.Errorf("session: %w", err)
	}
	var s session
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", fmt.Errorf("session: %w", err)
	}
	if time.Now().After(s.Expires) {
		return "", fmt.Errorf("%w: the session of %s has ended", errNotSignedIn, s.Persona)
	}
	if _, node, ok := strings.Cut(s.Persona, "-"); ok && c.node == "" {
		c.node = node
	}
	return s.Token, nil
}
