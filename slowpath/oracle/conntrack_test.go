package oracle

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hone-net/hone/slowpath/lab"
	"github.com/hone-net/hone/synth/emit"
)

// excludedFile names the facts of a conntrack entry that are not compared, and why.
var excludedFile = filepath.Join("testdata", "conntrack-excluded.txt")

// entries are conntrack's entries without what is not compared, and the seconds that each has left.
type entries map[string]int

// readEntries reads conntrack, with what programs have counted added to what it has counted itself.
func readEntries(ns *lab.Namespace, accounts func() ([]emit.Account, error)) (entries, error) {
	excluded, err := excludedFields()
	if err != nil {
		return nil, err
	}
	var text []byte
	err = ns.Do(func() (err error) { text, err = os.ReadFile("/proc/thread-self/net/nf_conntrack"); return err })
	if err != nil {
		return nil, fmt.Errorf("oracle: read conntrack: %w", err)
	}
	all := entries{}
	for line := range strings.Lines(string(text)) {
		// ipv4 2 tcp 6 431999 ESTABLISHED src=... [ASSURED] mark=0 zone=0 use=2
		words := strings.Fields(line)
		if len(words) < 6 {
			return nil, fmt.Errorf("oracle: read conntrack: %q", line)
		}
		left, err := strconv.Atoi(words[4])
		if err != nil {
			return nil, fmt.Errorf("oracle: read conntrack: %q: %w", line, err)
		}
		words = slices.DeleteFunc(slices.Delete(words, 4, 5), func(w string) bool {
			name, _, _ := strings.Cut(w, "=")
			return excluded[name]
		})
		all[strings.Join(words, " ")] = left
	}
	tracked, err := readTracked(ns)
	for _, c := range tracked {
		all[fmt.Sprintf("status %#x of %x", c.status, c.tuple)] = 0
	}
	if err != nil {
		return nil, err
	}
	return all, all.count(ns, accounts)
}

// excludedFields reads the names of what is not compared.
func excludedFields() (map[string]bool, error) {
	text, err := os.ReadFile(excludedFile)
	if err != nil {
		return nil, err
	}
	all := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if name, _, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, "#") {
			all[name] = true
		}
	}
	return all, nil
}

// drift is by how many seconds the time-outs of two runs may differ: the fast path refreshes them once a second, and one
// run may be slower than the other.
const drift = 4

// differences tells where two runs of the same packets have left different entries. One of them may have come later by so
// many seconds.
func (e entries) differences(fast entries, late int) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(e)) {
		left, ok := fast[k]
		if !ok {
			out = append(out, "  only the kernel: "+k)
		} else if d := e[k] - left; d > drift+late || d < -drift-late {
			out = append(out, fmt.Sprintf("  time-out: kernel %d s, fast path %d s: %s", e[k], left, k))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(fast)) {
		if _, ok := e[k]; !ok {
			out = append(out, "  only the fast path: "+k)
		}
	}
	return strings.Join(out[:min(len(out), 6)], "\n")
}
