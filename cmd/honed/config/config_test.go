package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	got, err := Parse([]byte("hook = \"xdp\"\nmetrics = \"127.0.0.1:9101\"\n[interface]\neth0 = \"off\"\n\"eth1.7\" = \"xdp-generic\"\n"))
	want := Config{Hook: "xdp", Conntrack: "established", LogLevel: "info", Counters: "delta", Metrics: "127.0.0.1:9101",
		Interfaces: map[string]string{"eth0": "off", "eth1.7": "xdp-generic"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if got.HookOf("eth0") != "off" || got.HookOf("eth9") != "xdp" {
		t.Errorf("hooks: %s %s", got.HookOf("eth0"), got.HookOf("eth9"))
	}
	if err := got.Interface("eth9"); err != nil || got.HookOf("eth9") != "xdp" {
		t.Error(err)
	}
	if err := got.Interface("eth9=tc"); err == nil {
		t.Error("hook tc is accepted")
	}
}

func TestErrorsNameThePlace(t *testing.T) {
	for text, want := range map[string]string{
		"hook = \"auto\"\nhok = 1\n":       `line 2: unknown key "hok"`,
		"\n[interfaces]\neth0 = \"xdp\"\n": `line 2: unknown key "interfaces`,
		"hook = \"tc\"":                    `hook: "tc" is not one of auto`,
		"conntrack = \"off\"":              `conntrack: "off" is not one of established, exact`,
		"hook = 3":                         "line 1:",
		"log-level = \"loud\"":             `log-level: "loud"`,
		"a =":                              "line 1:",
		"[interface]\neth0 = \"fast\"":     `interface eth0: "fast"`,
		"[interface]\n\"a/b\" = \"xdp\"":   `"a/b" is not an interface name`,
		"metrics = \"9101\"":               "metrics:",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("Parse(%q): %v, want %s", text, err, want)
		}
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "honed.toml")
	if _, err := Load(path); err == nil {
		t.Error("a named file that is not there is accepted")
	}
	os.WriteFile(path, []byte("hok = 1"), 0o600)
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("%v does not name the file", err)
	}
}

// TestPlace sees that a mistake elsewhere in the file does not keep hone from finding honed, and that no place is guessed
// where the file cannot be understood.
func TestPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "honed.toml")
	if _, _, err := Place(path); err == nil {
		t.Error("a named file that is not there is accepted")
	}
	os.WriteFile(path, []byte("hok = 1\nhook = 3\nnetns = \"blue\"\nsocket = \"/b.sock\"\n[interface]\neth0 = \"fast\"\n"), 0o600)
	if netns, socket, err := Place(path); netns != "blue" || socket != "/b.sock" || err != nil {
		t.Errorf("%q %q %v", netns, socket, err)
	}
	os.WriteFile(path, []byte("netns = \"blue\"\nsocket ="), 0o600)
	if netns, socket, err := Place(path); netns != "" || socket != "" || err == nil || !strings.Contains(err.Error(), path+": line 2:") {
		t.Errorf("%q %q %v", netns, socket, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("hook = \"xdp\"\n[interface]\neth0 = \"off\""))
	f.Add([]byte("hook = [1, {a = 2}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse(text)
		if err == nil && c.Check() != nil {
			t.Errorf("%q parses to what Check refuses", text)
		}
	})
}
