// Package config is the agent's configuration: what the file and the flags say.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// DefaultFile is read if it is there and no other file is named.
const DefaultFile = "/etc/hone/honed.toml"

// Hooks are the words that choose where a program runs.
var Hooks = []string{"auto", "xdp", "xdp-generic", "off"}

// Conntracks are the words that say what becomes of packets whose connections are tracked.
var Conntracks = []string{Established, Exact}

// The words of Conntracks: programs may decide packets of established connections, or the kernel decides all. Exact is of
// Countings, too.
const (
	Established = "established"
	Exact       = "exact"
)

// Levels are the log levels.
var Levels = []string{"debug", "info", "warn", "error"}

// Countings are the words that say what becomes of packets that a rule of the ruleset counts: the kernel has them, so that
// its counters are exact, or programs count the difference themselves.
var Countings = []string{Delta, Exact}

// Delta is the word of Countings for programs that count.
const Delta = "delta"

// Config is everything that can be configured. The zero value means: the defaults.
type Config struct {
	Netns      string            `toml:"netns"`     // network namespace; empty for the own one
	Socket     string            `toml:"socket"`    // control socket
	Hook       string            `toml:"hook"`      // one of Hooks, for every interface that has none of its own
	Conntrack  string            `toml:"conntrack"` // one of Conntracks
	Metrics    string            `toml:"metrics"`   // TCP address for Prometheus; empty for none
	LogLevel   string            `toml:"log-level"` // one of Levels
	Counters   string            `toml:"counters"`  // one of Countings
	Interfaces map[string]string `toml:"interface"` // hooks by interface name
}

// Load reads a file; with an empty path the default one, which need not be there.
func Load(path string) (Config, error) {
	text, path, err := read(path)
	if err != nil {
		return Config{}, err
	}
	c, err := Parse(text)
	if err != nil {
		return c, fmt.Errorf("config: %s: %w", path, err)
	}
	return c, nil
}

// Place reads of a file, as Load does, only where its agent is: the network namespace and the control socket, each empty if
// the file has none. It does not mind what else the file says: the agent may have read another text.
func Place(path string) (netns, socket string, err error) {
	text, path, err := read(path)
	if err != nil {
		return "", "", err
	}
	var place struct {
		Netns  string `toml:"netns"`
		Socket string `toml:"socket"`
	}
	if err := toml.Unmarshal(text, &place); err != nil {
		return "", "", fmt.Errorf("config: %s: %w", path, explain(err))
	}
	return place.Netns, place.Socket, nil
}

func read(path string) (text []byte, from string, err error) {
	named := path != ""
	if !named {
		path = DefaultFile
	}
	text, err = os.ReadFile(path)
	if !named && errors.Is(err, fs.ErrNotExist) {
		return nil, path, nil
	} else if err != nil {
		return nil, path, fmt.Errorf("config: read file: %w", err)
	}
	return text, path, nil
}

// Parse understands the text of a file.
func Parse(text []byte) (Config, error) {
	var c Config
	decoder := toml.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&c); err != nil {
		return Config{}, explain(err)
	}
	c = c.defaults()
	return c, c.Check()
}

func (c Config) defaults() Config {
	if c.Hook == "" {
		c.Hook = "auto"
	}
	if c.Conntrack == "" {
		c.Conntrack = Established
	}
	if c.LogLevel == "" {
		c.LogLevel = "info"
	}
	if c.Counters == "" {
		c.Counters = Delta
	}
	if c.Interfaces == nil {
		c.Interfaces = map[string]string{}
	}
	return c
}

// explain makes one line of the decoder's error, with the place in the file.
func explain(err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		line, _ := strict.Errors[0].Position()
		return fmt.Errorf("line %d: unknown key %q", line, strings.Join(strict.Errors[0].Key(), "."))
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		line, _ := decode.Position()
		return fmt.Errorf("line %d: %s", line, strings.TrimPrefix(decode.Error(), "toml: "))
	}
	return err
}

// Check tells what is wrong with a Config.
func (c Config) Check() error {
	if !slices.Contains(Hooks, c.Hook) {
		return fmt.Errorf("hook: %q is not one of %s", c.Hook, strings.Join(Hooks, ", "))
	}
	if !slices.Contains(Conntracks, c.Conntrack) {
		return fmt.Errorf("conntrack: %q is not one of %s", c.Conntrack, strings.Join(Conntracks, ", "))
	}
	if !slices.Contains(Levels, c.LogLevel) {
		return fmt.Errorf("log-level: %q is not one of %s", c.LogLevel, strings.Join(Levels, ", "))
	}
	if !slices.Contains(Countings, c.Counters) {
		return fmt.Errorf("counters: %q is not one of %s", c.Counters, strings.Join(Countings, ", "))
	}
	for name, hook := range c.Interfaces {
		if name == "" || len(name) > 15 || strings.ContainsAny(name, "/ \t\n") {
			return fmt.Errorf("interface: %q is not an interface name", name)
		}
		if !slices.Contains(Hooks, hook) {
			return fmt.Errorf("interface %s: %q is not one of %s", name, hook, strings.Join(Hooks, ", "))
		}
	}
	if c.Metrics != "" {
		if _, _, err := net.SplitHostPort(c.Metrics); err != nil {
			return fmt.Errorf("metrics: %w", err)
		}
	}
	return nil
}

// HookOf is the hook for an interface.
func (c Config) HookOf(name string) string {
	if hook, ok := c.Interfaces[name]; ok {
		return hook
	}
	return c.Hook
}

// Interface adds what an --interface flag says: NAME=HOOK, or NAME for the native hook.
func (c Config) Interface(flag string) error {
	name, hook, ok := strings.Cut(flag, "=")
	if !ok {
		hook = "xdp"
	}
	c.Interfaces[name] = hook
	return c.Check()
}
