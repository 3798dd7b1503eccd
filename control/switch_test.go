package control

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// FuzzLoadSwitched loads arbitrary files: what one says outlives being saved, and names can be switched on and off.
func FuzzLoadSwitched(f *testing.F) {
	f.Add([]byte(`{"disabled":true,"interfaces":["r0","r1"]}`), "r0")
	f.Add([]byte(`{"disabled":false,"interfaces":[]}`), "")
	f.Add([]byte(`{"interfaces":["r0","r0"`), "r0")
	f.Add([]byte(`{"interfaces":["r0","r0"]}`), "r0")
	f.Add([]byte(`null`), "r0")
	path := filepath.Join(f.TempDir(), "honed.off")
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := LoadSwitched(path)
		if err != nil {
			return
		}
		if err := s.Save(path); err != nil {
			t.Fatal(err)
		}
		again, err := LoadSwitched(path)
		if err != nil || again.Disabled != s.Disabled || !reflect.DeepEqual(again.list(), s.list()) {
			t.Errorf("%+v became %+v: %v", s, again, err)
		}
		if off := s.Disable(name); !off.Off(name) || name != "" && off.Enable(name).Off(name) != s.Disabled || off.Enable("").Off(name) {
			t.Errorf("%+v without %q", s, name)
		}
	})
}
