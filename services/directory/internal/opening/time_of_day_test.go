package opening_test

import (
	"testing"

	"github.com/retepari/pari/services/directory/internal/opening"
)

// Ensure every text that UnmarshalText accepts is the canonical form of a valid time.
func FuzzTimeOfDay_UnmarshalText(f *testing.F) {
	for _, seed := range []string{"09:00", "24:00", "24:01", "23:60", "9:00", "+1:+2", "aa:bb", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var parsed opening.TimeOfDay
		if err := parsed.UnmarshalText([]byte(text)); err != nil {
			return
		}
		if parsed < 0 || parsed > 24*60 || parsed.String() != text {
			t.Errorf("%q parses as %d, which formats as %q", text, int(parsed), parsed)
		}
	})
}

func TestTimeOfDay_UnmarshalText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]opening.TimeOfDay{"00:00": 0, "09:05": 9*60 + 5, "24:00": 24 * 60} {
		var got opening.TimeOfDay
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q parses as %d, %v, want %d", text, int(got), err, int(want))
		}
	}
	for _, text := range []string{"", "9:00", "09:000", "09.00", "aa:00", "09:aa", "09:60", "24:01", "25:00", "-1:00",
		"+1:00"} {
		var got opening.TimeOfDay
		if err := got.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q parses as %s", text, got)
		}
	}
}
