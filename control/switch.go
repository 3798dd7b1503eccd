package control

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// SwitchPath is the file that remembers what `hone disable` switched off, for the agent that listens on a socket. It
// lies beside the socket, so it outlives the agent and not the machine.
func SwitchPath(socket string) string { return strings.TrimSuffix(socket, ".sock") + ".off" }

// LoadSwitched reads what is switched off. A file that is not there says: nothing.
func LoadSwitched(path string) (Switched, error) {
	var s Switched
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	} else if err != nil {
		return s, fmt.Errorf("control: read switches: %w", err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("control: read switches of %s: %w", path, err)
	}
	return s, nil
}

// Save writes what is switched off, whole or not at all.
func (s Switched) Save(path string) error {
	if !s.Disabled && len(s.Interfaces) == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("control: remove switches: %w", err)
		}
		return nil
	}
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("control: encode switches: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("control: write switches: %w", err)
	}
	fresh := path + ".new"
	if err := os.WriteFile(fresh, text, 0o600); err != nil {
		return fmt.Errorf("control: write switches: %w", err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return fmt.Errorf("control: write switches: %w", err)
	}
	return nil
}

// Off tells whether an interface is switched off, by one of its names.
func (s Switched) Off(names ...string) bool {
	return s.Disabled || slices.ContainsFunc(names, func(n string) bool { return slices.Contains(s.Interfaces, n) })
}

// Enable gives the switches with an interface on; with no name, everything.
func (s Switched) Enable(name string) Switched {
	if name == "" {
		return Switched{Interfaces: []string{}}
	}
	rest := slices.DeleteFunc(s.list(), func(n string) bool { return n == name })
	return Switched{s.Disabled, rest}
}

// Disable gives the switches with an interface off; with no name, everything.
func (s Switched) Disable(name string) Switched {
	if name == "" {
		return Switched{true, s.list()}
	}
	if slices.Contains(s.Interfaces, name) {
		return s
	}
	names := append(s.list(), name)
	slices.Sort(names)
	return Switched{s.Disabled, names}
}

// list is a copy of the names, which is a list in JSON also where there are none.
func (s Switched) list() []string { return append([]string{}, s.Interfaces...) }
