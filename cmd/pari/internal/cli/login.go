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

// session is who has signed in, in session-<name>.json of the network's folder.
type session struct {
	Persona string    `json:"persona"`
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

func (c *cli) sessions() string { return filepath.Join(c.dir, "sessions") }

func (c *cli) login() *cobra.Command {
	return &cobra.Command{
		Use: "login --as NAME", Short: "Sign in as somebody invented", Args: cobra.NoArgs,
		Long: "Signs in at the network's own OpenID provider. There are operator-, worker- and coordinator-<node>, analyst and auditor.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if c.as == "" {
				return errors.New("as whom? Say --as operator-cremona, worker-cremona, coordinator-cremona (or another node), analyst, auditor")
			}
			a, err := c.access()
			if err != nil {
				return err
			}
			s := session{Persona: c.as}
			if s.Token, s.Expires, err = a.SignIn(cmd.Context(), c.as); err != nil {
				return err
			}
			if err := c.keep(s); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.out, "signed in as %s until %s\n", s.Persona, s.Expires.Local().Format("15:04"))
			return err
		},
	}
}

func (c *cli) keep(s session) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	if err := os.MkdirAll(c.sessions(), 0o700); err != nil {
		return fmt.Errorf("session: %w", err)
	}
	for _, name := range []string{s.Persona, "last"} {
		if err := os.WriteFile(filepath.Join(c.sessions(), name+".json"), raw, 0o600); err != nil {
			return fmt.Errorf("session: %w", err)
		}
	}
	return nil
}

func (c *cli) logout() *cobra.Command {
	return &cobra.Command{Use: "logout", Short: "Forget who has signed in", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		return os.RemoveAll(c.sessions())
	}}
}

// token returns the access token of whoever asks, and completes node and name from it.
func (c *cli) token() (string, error) {
	name := c.as
	if name == "" {
		name = "last"
	}
	raw, err := os.ReadFile(filepath.Join(c.sessions(), filepath.Base(name)+".json"))
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
