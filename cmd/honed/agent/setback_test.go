package agent

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// stillWatcher has no news.
type stillWatcher struct{ fakeWatcher }

func (stillWatcher) Next(ctx context.Context) (*introspect.Snapshot, slowpath.Epochs, error) {
	<-ctx.Done()
	return nil, slowpath.Epochs{}, fmt.Errorf("watch: %w", context.Cause(ctx))
}

// once waits for one configuration and deals with it.
func (b *bed) once() []string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if s, e, err := b.next(ctx); err == nil {
		b.step(s, e)
	}
	return b.host.take()
}

func TestFailureIsTriedAgain(t *testing.T) {
	b := newBed(t)
	b.watch = stillWatcher{}
	b.host.attach = errors.New("cannot allocate memory")
	b.expect(b.announce(), "tables", "write")
	b.again() // another configuration meanwhile changes nothing
	if b.setback.pause != firstPause {
		t.Errorf("the first pause is %v", b.setback.pause)
	}
	b.expect(b.once()) // not yet
	b.setback.due = time.Now()
	b.expect(b.once()) // in vain
	if b.setback.pause != 2*firstPause {
		t.Errorf("the second pause is %v", b.setback.pause)
	}
	b.host.attach = nil
	b.setback.due = time.Now()
	b.expect(b.once(), "attach 2", "vouch 2 for 1", "attach 3", "vouch 3 for 1")
	if b.setback.pause != 0 {
		t.Errorf("it goes on to try: %v", b.setback.pause)
	}
}

func TestTablesAreTriedAgain(t *testing.T) {
	b := newBed(t)
	b.watch = stillWatcher{}
	b.host.full = errors.New("cannot allocate memory")
	b.announce()
	b.host.full = nil
	b.setback.due = time.Now()
	b.expect(b.once(), "tables", "write", "attach 2", "vouch 2 for 1", "attach 3", "vouch 3 for 1")
}

func TestFailureForGoodIsNotTriedAgain(t *testing.T) {
	b := newBed(t)
	b.host.attach = fmt.Errorf("attach: %w", fastpath.ErrUnsupported)
	b.announce()
	if b.setback.pause != 0 {
		t.Errorf("it is tried again after %v", b.setback.pause)
	}
}

// TestFailureOfEnableIsTriedAgain has the program refused of an interface that is switched on while nothing changes.
func TestFailureOfEnableIsTriedAgain(t *testing.T) {
	b := newBed(t)
	b.socket, b.watch = filepath.Join(t.TempDir(), "h.sock"), stillWatcher{}
	b.options.Switched = control.Switched{}.Disable("")
	b.announce()
	b.host.attach = errors.New("cannot allocate memory")
	if _, err := b.Switch(func(s control.Switched) control.Switched { return s.Enable("") }); err != nil {
		t.Fatal(err)
	}
	b.host.attach = nil
	if _, _, any, troubled := b.forgive(); !any || !troubled {
		t.Errorf("forgiven: %v, in trouble: %v", any, troubled)
	}
}

// doubtful notes what is to be read again.
type doubtful struct {
	stillWatcher
	kinds *introspect.Kind
}

func (d doubtful) Doubt(k introspect.Kind) { *d.kinds |= k }

func TestForeignProgramIsLookedAfter(t *testing.T) {
	b, kinds := newBed(t), introspect.Kind(0)
	b.watch = doubtful{kinds: &kinds}
	b.announce()
	b.expect(b.once())
	b.faces[2].reason = slowpath.ForeignXDP
	b.setback.note(b.troubled(), time.Now().Add(-firstPause))
	b.expect(b.once())
	if kinds != introspect.Links || b.setback.pause != 2*firstPause {
		t.Errorf("%v is read again, and next after %v", kinds, b.setback.pause)
	}
}
