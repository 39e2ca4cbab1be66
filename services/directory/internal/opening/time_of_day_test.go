package opening_test

import (
	"testing"

	"github.com/retepari/pari/services/directory/internal/opening"
)

func FuzzClock_UnmarshalText(f *testing.F) {
	for _, seed := range []string{"09:00", "24:00", "24:01", "23:60", "9:00", "+1:+2", "aa:bb", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var c opening.TimeOfDay
		if err := c.UnmarshalText([]byte(text)); err != nil {
			return
		}
		if c < 0 || c > 24*60 || c.String() != text {
			t.Errorf("%q became %d, which is written %q", text, int(c), c)
		}
	})
}
