package agent

import "testing"

// TestRejectedAlone has the kernel refuse one program where there are no rules to leave out: the other interfaces are
// to have theirs all the same.
func TestRejectedAlone(t *testing.T) {
	b := newBed(t)
	b.host.excess = 1
	t.Logf("did %q", b.announce())
	for i, f := range b.faces {
		t.Logf("%d %s port=%v reason=%v failed=%v due=%v", i, f.link.Name, f.port != nil, f.reason, f.failed != "", f.due)
	}
	t.Logf("the same again, as after a pause: did %q", func() []string { b.host.excess = 1; b.forgive(); return b.again() }())
	failed := 0
	for i, f := range b.faces {
		if f.failed != "" {
			failed++
		}
		if f.reason == 0 && f.program != nil && f.port == nil && f.failed == "" {
			t.Errorf("%d %s has no program and nobody failed", i, f.link.Name)
		}
	}
	if failed != 1 {
		t.Errorf("%d programs were rejected, want 1", failed)
	}
}
