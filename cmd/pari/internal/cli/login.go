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

	"github.com/retepari/pari/cmd/pari/render"
	"github.com/retepari/pari/pkg/tz"
)

// session is the sign-in of a user. It is stored in the network's folder as sessions/<user>.json, and as
// sessions/last.json.
type session struct {
	User    string    `json:"user"`
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

// lastSession names the session of the latest sign-in.
const lastSession = "last"

// users lists the users of the development provider.
var users = text{
	"operator-, worker-, coordinator- ed editor-<nodo> (per esempio operator-cremona), " +
		"e analyst, auditor, editor e publisher del centro",
	"operator-, worker-, coordinator- and editor-<node> (for instance operator-cremona), " +
		"and analyst, auditor, editor and publisher of the centre",
}

func (c *cli) sessionsDir() string { return filepath.Join(c.dir, "sessions") }

func (c *cli) loginCmd() *cobra.Command {
	return &cobra.Command{
		Use: "login --as USER", Short: "Sign in as a user of the development provider", Args: cobra.NoArgs,
		Long: "Signs in at the OpenID provider of a development network. Its users are " + users.en + ".",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if c.as == "" {
				return missingUser()
			}
			network, err := c.loadNetwork()
			if err != nil {
				return err
			}
			s := session{User: c.as}
			if s.Token, s.Expires, err = network.SignIn(cmd.Context(), c.as); err != nil {
				return signInRefused(c.as, err)
			}
			if err := c.saveSession(s); err != nil {
				return err
			}
			format := c.label("accesso di %s fino alle %s\n", "signed in as %s until %s\n")
			return render.Printf(c.out, format, s.User, s.Expires.In(tz.Rome).Format("15:04"))
		},
	}
}

// signInRefused says which users there are, unless the provider was not reached.
func signInRefused(user string, err error) error {
	if isNetworkDown(err) {
		return err
	}
	return &textError{cause: err, text: text{
		fmt.Sprintf("accesso di %s non riuscito (%v): gli utenti sono %s", user, err, users.it),
		fmt.Sprintf("%s could not sign in (%v): the users are %s", user, err, users.en),
	}}
}

func missingUser() error {
	return &textError{text: text{
		"manca --as: gli utenti sono " + users.it, "--as is missing: the users are " + users.en,
	}}
}

func (c *cli) logoutCmd() *cobra.Command {
	return &cobra.Command{
		Use: "logout", Short: "Delete the sessions of all users", Args: cobra.NoArgs,
		Long: "Deletes the sessions of all users. The ids of requests without an answer stay, " +
			"so that they can be sent again.",
		RunE: func(*cobra.Command, []string) error { return c.deleteSessions() },
	}
}

func (c *cli) deleteSessions() error {
	sessions, err := filepath.Glob(filepath.Join(c.sessionsDir(), "*.json"))
	for _, file := range sessions {
		if removeErr := os.Remove(file); removeErr != nil {
			err = errors.Join(err, folderError(file, removeErr))
		}
	}
	return err
}

// signInError says that there is no session, and how to get one.
func (c *cli) signInError(it, en string, args ...any) error {
	err := errorf(it, en, args...)
	err.cause = errNotSignedIn
	return err.withHint(c.loginCommand())
}

func (c *cli) saveSession(s session) error {
	raw, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("session: %w", err)
	}
	for _, name := range []string{s.User, lastSession} {
		file := filepath.Join(c.sessionsDir(), name+".json")
		if err := os.MkdirAll(c.sessionsDir(), 0o700); err != nil {
			return folderError(file, err)
		}
		if err := os.WriteFile(file, raw, 0o600); err != nil {
			return folderError(file, err)
		}
	}
	return nil
}

// hasSession reports whether somebody has signed in and not out again.
func (c *cli) hasSession() bool {
	_, err := os.Stat(filepath.Join(c.sessionsDir(), lastSession+".json"))
	return err == nil
}

// loadToken returns the access token of the caller: --as, or the latest sign-in. When --node is not given, it sets the
// node from the session's name.
func (c *cli) loadToken() (string, error) {
	name := c.as
	if name == "" {
		name = lastSession
	}
	file := filepath.Join(c.sessionsDir(), filepath.Base(name)+".json")
	raw, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		if c.as != "" {
			return "", c.signInError("%s non ha effettuato l'accesso", "%s is not signed in", c.as)
		}
		return "", c.signInError("accesso non effettuato", "not signed in")
	}
	if err != nil {
		return "", unreadable(file, err)
	}
	var s session
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", fmt.Errorf("session: %w", err)
	}
	if time.Now().After(s.Expires) {
		c.user = s.User
		return "", c.signInError("la sessione di %s è scaduta", "the session of %s has ended", s.User)
	}
	c.user = s.User
	if _, node, ok := strings.Cut(s.User, "-"); ok && c.node == "" {
		c.node = node
	}
	return s.Token, nil
}
