package slowpath

import "testing"

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
