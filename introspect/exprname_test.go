package introspect

import "testing"

// TestExprNames: the type of an expression tells its name.
func TestExprNames(t *testing.T) {
	for word, k := range exprKindOf {
		if _, opaque := k.blank.(Opaque); opaque {
			continue
		}
		if got := ExprName(k.blank); got != k.kernel || got == "" {
			t.Errorf("%s is named %q, want %q", word, got, k.kernel)
		}
	}
}
