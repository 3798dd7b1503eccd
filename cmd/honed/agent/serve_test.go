package agent

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hone-net/hone/control"
)

// served gives a client of a bed's agent.
func served(t *testing.T, b *bed) *control.Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "h.sock")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, l, b.Handler()) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return control.NewClient(path)
}

func TestServe(t *testing.T) {
	b, ctx := newBed(t), context.Background()
	c := served(t, b)
	if _, err := c.Text(ctx, "/v1/dump", url.Values{"kind": {"snapshot"}}); err == nil {
		t.Error("a dump before the first configuration")
	}
	b.announce()
	var s control.Status
	if err := c.Get(ctx, "/v1/status", nil, &s); err != nil || s.Interfaces[0].Counters.Fast != 7 || s.Interfaces[0].Counters.Punts["ttl"] != 2 {
		t.Errorf("%+v %v", s, err)
	}
	var p control.Plan
	if err := c.Get(ctx, "/v1/plan", nil, &p); err != nil || len(p.Interfaces) != 2 || !p.Interfaces[0].Accelerate {
		t.Errorf("%+v %v", p, err)
	}
	var d control.Doctor
	if err := c.Get(ctx, "/v1/doctor", nil, &d); err != nil || len(d.Checks) < 5 || d.Silent[0].Change != "ipset" {
		t.Errorf("%+v %v", d, err)
	}
	for kind, want := range map[string]string{"snapshot": "10.2.0.0/16", "epochs": "any 1\n", "ir": "lookup", "asm": "exit"} {
		if text, err := c.Text(ctx, "/v1/dump", url.Values{"kind": {kind}, "interface": {"r0"}}); err != nil || !strings.Contains(strings.ToLower(text), want) {
			t.Errorf("dump %s: %v\n%s", kind, err, text)
		}
	}
	for _, query := range []url.Values{{"kind": {"nonsense"}}, {"kind": {"ir"}, "interface": {"r9"}}} {
		if text, err := c.Text(ctx, "/v1/dump", query); err == nil {
			t.Errorf("dump %v: %s", query, text)
		}
	}
	text, err := c.Text(ctx, "/metrics", nil)
	for _, want := range []string{`hone_packets_total{interface="r0",path="fast",reason=""} 7`, "hone_coherent 1", "hone_disabled 0"} {
		if err != nil || !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("metrics: %v, no %s in\n%s", err, want, text)
		}
	}
	var off control.Switched
	if err := c.Post(ctx, "/v1/disable", url.Values{"interface": {"r9"}}, &off); err == nil {
		t.Error("an interface that is not there is disabled")
	}
	if err := c.Post(ctx, "/v1/disable", url.Values{"interface": {"r1"}}, &off); err != nil || !off.Off("r1") {
		t.Errorf("%+v %v", off, err)
	}
}

// TestSwitchByAnyName switches an interface off and on by names that are not the one that the kernel shows; and one that
// was switched off by such a name before it was there.
func TestSwitchByAnyName(t *testing.T) {
	b, ctx := newBed(t), context.Background()
	c := served(t, b)
	b.edit("name=r1", "name=r1 altname=uplink")
	b.options.Switched = control.Switched{Interfaces: []string{"uplink"}}
	b.announce()
	state := func() string {
		var s control.Status
		if err := c.Get(ctx, "/v1/status", nil, &s); err != nil {
			t.Fatal(err)
		}
		return s.Interfaces[1].State
	}
	if got := state(); got != control.StateKernel {
		t.Errorf("%s where its other name is switched off", got)
	}
	for _, step := range [][3]string{{"enable", "r1", control.StateFast}, {"disable", "uplink", control.StateKernel},
		{"enable", "uplink", control.StateFast}, {"disable", "r1", control.StateKernel}} {
		var s control.Switched
		if err := c.Post(ctx, "/v1/"+step[0], url.Values{"interface": {step[1]}}, &s); err != nil {
			t.Error(err)
		}
		if got := state(); got != step[2] || step[0] == "disable" && s.Interfaces[0] != "r1" {
			t.Errorf("%s after %s %s: %v", got, step[0], step[1], s)
		}
	}
}

// TestOddRequests are about no interface that anybody could tell: nothing is switched off by them.
func TestOddRequests(t *testing.T) {
	b := newBed(t)
	b.announce()
	for _, target := range []string{"/v1/disable", "/v1/disable?iface=r0", "/v1/disable?interface=%zz", "/v1/disable?interface=r0&interface=r1"} {
		r := httptest.NewRequest("POST", target, strings.NewReader("x"))
		r.Header.Set("Content-Type", "multipart/form-data")
		w := httptest.NewRecorder()
		b.Handler().ServeHTTP(w, r)
		if s := b.Status(); w.Code != 400 || s.Disabled || len(b.options.Switched.Interfaces) > 0 {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
}

// TestOddNames has names that are not UTF-8: the kernel takes them, Prometheus does not.
func TestOddNames(t *testing.T) {
	status := func() control.Status {
		return control.Status{Interfaces: []control.Interface{{Name: "r\xff"}, {Name: "r\xfe"}}}
	}
	tallies := func() control.Tallies {
		return control.Tallies{Counters: []control.Tally{{Family: "ip", Table: "t\xff", Packets: 1}}}
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{status, tallies})
	if families, err := registry.Gather(); err != nil || len(families) == 0 {
		t.Errorf("%d families: %v", len(families), err)
	}
}

// TestDoctorsInterfaces names those that somebody has mistyped, and one that no program can send to.
func TestDoctorsInterfaces(t *testing.T) {
	b, ctx := newBed(t), context.Background()
	c := served(t, b)
	b.edit("name=r1", "name=r1 altname=uplink")
	b.edit("xdp-features=0x67", "xdp-features=0x23")
	b.options.Config.Interfaces = map[string]string{"r0": "xdp", "r7": "xdp", "uplink": "off"}
	b.announce()
	var d control.Doctor
	if err := c.Get(ctx, "/v1/doctor", nil, &d); err != nil {
		t.Fatal(err)
	}
	warned := map[string]string{}
	for _, check := range d.Checks {
		if check.Outcome == control.Warning {
			warned[check.Name] = check.Detail
		}
	}
	if !strings.Contains(warned["interface r7"], "no such interface") || !strings.Contains(warned["interface uplink"], "r1") ||
		!strings.Contains(warned["interface r0"], "gro on") || warned["interface r1"] != "" {
		t.Errorf("%q", warned)
	}
}

func TestExplain(t *testing.T) {
	b, ctx := newBed(t), context.Background()
	c := served(t, b)
	b.announce()
	for description, want := range map[string]control.Explanation{
		"iif r0 ip 10.0.0.1 > 10.2.0.9 udp ttl 3": {Path: "fast", Out: "r1"},
		"iif r0 ip 10.0.0.1 > 10.2.0.9 udp ttl 1": {Path: "kernel", Reason: "ttl"},
		"iif r0 ip 10.0.0.1 > 10.0.0.254 udp":     {Path: "kernel", Reason: "local"},
		"iif r0 ip 10.0.0.1 > 192.0.2.1 udp":      {Path: "kernel", Reason: "no-route"},
		"iif r0 vlan 7 ip 10.0.0.1 > 10.2.0.9":    {Path: "kernel", Reason: "vlan-tag"},
		"iif r0 hex 00":                           {Path: "kernel", Reason: "short"},
		"iif lo ip 10.0.0.1 > 10.2.0.9":           {Path: "kernel", Reason: "loopback"},
	} {
		var x control.Explanation
		if err := c.Post(ctx, "/v1/explain", url.Values{"packet": {description}}, &x); err != nil {
			t.Errorf("%s: %v", description, err)
		}
		if x.Path != want.Path || x.Out != want.Out || x.Reason != want.Reason {
			t.Errorf("%s: %+v", description, x)
		}
	}
	var x control.Explanation
	for _, wrong := range []string{"", "iif r9 ip 10.0.0.1 > 10.2.0.9", "iif r0 nonsense"} {
		if err := c.Post(ctx, "/v1/explain", url.Values{"packet": {wrong}}, &x); err == nil {
			t.Errorf("%q is explained", wrong)
		}
	}
}

func TestMonitor(t *testing.T) {
	b := newBed(t)
	c := served(t, b)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			b.events.send(control.Event{Kind: "attach", Interface: "r0"})
			time.Sleep(10 * time.Millisecond)
		}
	}()
	var seen control.Event
	c.Monitor(ctx, func(e control.Event) error {
		seen = e
		cancel()
		return nil
	})
	if text, _ := json.Marshal(seen); seen.Kind != "attach" {
		t.Errorf("%s", text)
	}
}

// TestListenRemovesSocketsOnly has the path of something else for the socket.
func TestListenRemovesSocketsOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "honed.toml")
	if err := os.WriteFile(path, []byte("hook = \"off\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := Listen(path); err == nil {
		l.Close()
		t.Error("it listens in the place of a file")
	}
	if text, err := os.ReadFile(path); err != nil || len(text) == 0 {
		t.Errorf("the file is gone: %q %v", text, err)
	}
}
