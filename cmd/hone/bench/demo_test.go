package bench

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/slowpath/lab"
)

// TestDemo runs the demo to its end, in which no packet may take an old route, and once more with an interruption.
func TestDemo(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes network namespaces")
	}
	if testing.Short() {
		t.Skip("short")
	}
	if k, err := fastpath.Probe(); err != nil || k.VethTag == nil {
		t.Skipf("nothing is fast between veth pairs on this kernel (%v)", err)
	}
	honed := filepath.Join(t.TempDir(), "honed")
	if out, err := exec.Command("go", "build", "-o", honed, "../../honed").CombinedOutput(); err != nil {
		t.Fatalf("build honed: %v\n%s", err, out)
	}
	t.Setenv("HONE_HONED", honed)
	var out bytes.Buffer
	if err := Demo(context.Background(), &out); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	found := regexp.MustCompile(`(\d+) changes under traffic \([1-9]\d+ packets\): 0 packets took the old route`).FindSubmatch(out.Bytes())
	if found == nil || !regexp.MustCompile(`r0: [1-9]\d{5,} fast`).Match(out.Bytes()) {
		t.Fatalf("%s", &out)
	}
	if n, _ := strconv.Atoi(string(found[1])); n < reroutes/2 {
		t.Errorf("only %d changes counted", n)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	begin := time.Now()
	if err := Demo(ctx, &out); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("interrupted after %v: %v", time.Since(begin), err)
	}
	ctx, cancel = context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	begin = time.Now()
	err := Run(ctx, Options{Runs: 1, Time: time.Hour, Out: &out, Log: &out}, []string{"idle"})
	if took := time.Since(begin); !errors.Is(err, context.DeadlineExceeded) || took > lab.Patience(20*time.Second) {
		t.Errorf("interrupted after %v: %v", took, err)
	}
}
