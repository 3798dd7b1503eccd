package slowpath

import (
	"os"
	"strings"
	"testing"
)

// TestReasonsAreInTheManual looks for each Reason, with its text, in hone(1).
func TestReasonsAreInTheManual(t *testing.T) {
	page, err := os.ReadFile("../packaging/man/hone.1")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(page), `\-`, "-")
	for _, r := range Reasons() {
		if !strings.Contains(text, ".B "+r.String()+"\n"+r.Doc()+"\n") {
			t.Errorf("%s: %q is not in hone(1)", r, r.Doc())
		}
	}
}

func TestReasonsHaveUniqueNamesAndDocs(t *testing.T) {
	names := map[string]Reason{}
	for _, r := range Reasons() {
		if r.Doc() == "" {
			t.Errorf("reason %d has no text", r)
		}
		if old, ok := names[r.String()]; ok {
			t.Errorf("%v and %v share the name %q", old, r, r)
		}
		names[r.String()] = r
		if back, err := ParseReason(r.String()); err != nil || back != r {
			t.Errorf("ParseReason(%q) = %v, %v", r, back, err)
		}
	}
	if len(names) < 60 || int(lastReason) > MaxReasons {
		t.Errorf("%d reasons, last %d", len(names), lastReason)
	}
	if _, err := ParseReason("nonsense"); err == nil {
		t.Error("ParseReason accepts nonsense")
	}
}
