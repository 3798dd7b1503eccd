package agent

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hone-net/hone/control"
)

// TestMetricsAreInTheManual looks for each metric in honed(8).
func TestMetricsAreInTheManual(t *testing.T) {
	page, err := os.ReadFile("../../../packaging/man/honed.8")
	if err != nil {
		t.Fatal(err)
	}
	all := make(chan *prometheus.Desc, 100)
	collector{}.Describe(all)
	close(all)
	name := regexp.MustCompile(`fqName: "([a-z_]+)"`)
	for d := range all {
		if m := name.FindStringSubmatch(d.String()); m == nil || !strings.Contains(string(page), m[1]) {
			t.Errorf("%s is not in honed(8)", d)
		}
	}
}

// TestDoctorDoesNotGuess: what could not be asked is not said to be there.
func TestDoctorDoesNotGuess(t *testing.T) {
	d := Doctor(nil, Options{Kernel: testKernel, Unprobed: errors.New("not permitted")})
	warned := false
	for _, c := range d.Checks {
		warned = warned || c.Name == "kernel features" && c.Outcome == control.Warning && strings.Contains(c.Detail, "not permitted")
		if c.Name == "live route lookup" || c.Name == "vlan tags on veth" || c.Name == "tracked connections" {
			t.Errorf("%+v", c)
		}
	}
	if !warned {
		t.Errorf("%+v", d.Checks)
	}
}
