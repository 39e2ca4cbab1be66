package service

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// Ensure the first argument chooses the command, which gets the configuration, and that any other shows the usage.
func TestRunCommand(t *testing.T) {
	t.Setenv("PARI_TENANT", "lombardia/cremona")
	failed := errors.New("failed")
	commands := []Command[Config]{
		{Name: "serve", Run: func(_ context.Context, c Config) error { return fmt.Errorf("serves %s", c.Tenant) }},
		{Name: "migrate", Run: func(context.Context, Config) error { return failed }},
		{Name: "convert", RunFiles: func(args []string) error { return errors.New("converts " + args[0]) }},
	}
	const usage = "usage: intake serve | migrate | convert, configured by PARI_ variables (see README.md)"
	for args, want := range map[string]string{
		"serve": "serves lombardia/cremona", "migrate": "failed", "serve now": "serves lombardia/cremona",
		"": usage, "serv": usage,
	} {
		err := runCommand(t.Context(), "intake", strings.Fields(args), commands)
		if err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", args, err, want)
		}
	}
	t.Setenv("PARI_CALLS_PER_SECOND", "many") // not a number
	if err := runCommand(t.Context(), "intake", []string{"migrate"}, commands); err == nil || errors.Is(err, failed) {
		t.Errorf("with a broken setting: got %v", err)
	}
	if err := runCommand(t.Context(), "intake", []string{"convert", "a"}, commands); err.Error() != "converts a" {
		t.Errorf("a command without configuration, with a broken setting: got %v", err)
	}
}
