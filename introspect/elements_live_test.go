package introspect

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/hone-net/hone/slowpath/lab"
)

// TestElementsWhileTheTableGrows makes large sets, whose tables the kernel goes on to rearrange after the commit: the parts of
// a dump then show some elements twice, and others not at all. What is read between two equal generations has all of them.
func TestElementsWhileTheTableGrows(t *testing.T) {
	const elements, rounds = 60000, 4
	var all []string
	for i := range elements {
		all = append(all, fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255))
	}
	text := "add table ip t\nadd set ip t s { type ipv4_addr; }\nadd element ip t s { " + strings.Join(all, ", ") + " }"
	inNamespace(t, func(run func(string)) {
		k, err := openSensors()
		if err != nil {
			t.Error(err)
			return
		}
		defer k.close()
		whole := 0
		for range rounds {
			filled := stormOf(t, 1, func(int) string { return text })
			for start, seen := time.Now(), whole; whole < seen+3 && time.Since(start) < lab.Patience(20*time.Second); {
				whole += readsWhole(t, &k.ruleset, elements)
			}
			<-filled
			loadRuleset("delete table ip t")
		}
		if whole == 0 {
			t.Error("the set was never read")
		}
	})
}

// readsWhole reads the elements of a set as a picture does, and tells whether it was there and stood still.
func readsWhole(t *testing.T, r *ruleset, want int) (whole int) {
	t.Helper()
	before, err := r.currentGeneration()
	v := Set{Key: SetKey{familyIPv4, "t", "s"}}
	torn := r.dumpElements(&v)
	after, failed := r.currentGeneration()
	if err := errors.Join(err, failed); err != nil {
		t.Error(err)
	}
	switch n := v.Elements.Len(); {
	case before != after || torn != nil || n == 0:
		return 0
	case n != want:
		t.Errorf("%d of %d elements", n, want)
	}
	return 1
}
