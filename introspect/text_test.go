package introspect

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// fill sets every field below v to something drawn, so that a field that the text forgets is noticed.
func fill(t *rapid.T, v reflect.Value) {
	switch v.Interface().(type) {
	case netip.Addr:
		v.Set(reflect.ValueOf(drawAddr(t)))
		return
	case netip.Prefix:
		if a := drawAddr(t); a.IsValid() {
			v.Set(reflect.ValueOf(netip.PrefixFrom(a.WithZone(""), rapid.IntRange(0, a.BitLen()).Draw(t, "bits"))))
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(0, 3).Draw(t, "length"), 3))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.String:
		v.SetString(rapid.OneOf(rapid.Just("plain"), rapid.Just("with space"), rapid.Just(`"q=,:`), rapid.String()).Draw(t, "string"))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "bool"))
	case reflect.Int, reflect.Int32:
		v.SetInt(int64(rapid.Int32().Draw(t, "int")))
	default:
		v.SetUint(rapid.Uint64().Draw(t, "uint") & (1<<v.Type().Bits() - 1))
	}
}

func drawAddr(t *rapid.T) netip.Addr {
	return rapid.SampledFrom([]netip.Addr{{}, netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("fe80::1"),
		netip.MustParseAddr("::ffff:1.2.3.4")}).Draw(t, "addr")
}

func drawInto[K Key[K], V Object[V]](t *rapid.T, m *Map[K, V], key func(V) K) {
	for range rapid.IntRange(0, 3).Draw(t, "objects") {
		var v V
		fill(t, reflect.ValueOf(&v).Elem())
		*m = m.With(key(v), v)
	}
}

func drawSnapshot(t *rapid.T) *Snapshot {
	s := &Snapshot{}
	drawInto(t, &s.Links, func(v Link) Index { return v.Index })
	drawInto(t, &s.Addrs, func(v Addr) AddrKey { return v.Key })
	drawInto(t, &s.Routes4, func(v Route) RouteKey { return v.Key })
	drawInto(t, &s.Routes6, func(v Route) RouteKey { return v.Key })
	drawInto(t, &s.Rules6, func(v Rule) RuleKey { return v.Key })
	drawInto(t, &s.Netconf6, func(v Netconf) Index { return v.Index })
	drawInto(t, &s.Rules4, func(v Rule) RuleKey { return v.Key })
	drawInto(t, &s.Nexthops, func(v Nexthop) Index { return Index(v.ID) })
	drawInto(t, &s.Neighs, func(v Neigh) NeighKey { return v.Key })
	drawInto(t, &s.FDB, func(v FDBEntry) FDBKey { return v.Key })
	drawInto(t, &s.VLANs, func(v VLAN) VLANKey { return v.Key })
	drawInto(t, &s.Netconf, func(v Netconf) Index { return v.Index })
	drawInto(t, &s.Qdiscs, func(v Qdisc) QdiscKey { return v.Key })
	drawInto(t, &s.Filters, func(v Filter) FilterKey { return v.Key })
	drawInto(t, &s.Taps, func(v Tap) TapKey { return v.Key })
	drawInto(t, &s.Learned6, func(v Exception) Address { return Address(v.Dst) })
	drawInto(t, &s.Bound, func(v Exception) Address { return Address(v.Dst) })
	drawInto(t, &s.Sysctls, func(v Sysctl) Name { return Name(v.Path) })
	drawInto(t, &s.Hooks, func(v Hook) Name { return Name(v.Name) })
	drawRuleset(t, s)
	return s
}

func TestTextRoundTrips(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawSnapshot(t), drawSnapshot(t)
		text := a.String()
		back, err := ParseSnapshot([]byte(text))
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if !back.Equal(a) {
			t.Fatalf("came back as\n%s%s", text, Diff(a, back))
		}
		if Diff(a, back) != "" || (Diff(a, b) == "") != a.Equal(b) {
			t.Fatalf("Diff says\n%s", Diff(a, b))
		}
	})
}

func TestParseErrorsNameTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"# a comment\n\nlynx index=1":                    `line 3: no kind of object "lynx"`,
		"link index=1 color=red":                         `line 1: link has no field "color"`,
		"link index=x":                                   "line 1: index:",
		"link index=99999999999999999999":                "line 1: index:",
		"link mtu=-1":                                    "line 1: mtu:",
		"link carrier=yes":                               "line 1: carrier:",
		"link mac=1:2":                                   "line 1: mac:",
		"link name=\"x":                                  "line 1: name:",
		"link name=\"x\"y":                               "line 1: name:",
		"route dst=10.0.0.0/33":                          "line 1: dst:",
		"route dst=10.0.0.0/8 hop=dev:1,via:x":           "line 1: hop: via:",
		"nexthop id=1 member=1":                          "line 1: member:",
		"link index=1\nlink index=1 name=again":          "line 2: a second link",
		"neigh dev=1 addr=10.0.0.1\nneigh dev=1 addr=10": "line 2: addr:",
	} {
		_, err := ParseSnapshot([]byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func TestDiff(t *testing.T) {
	a, errA := ParseSnapshot([]byte("link index=1 name=a\nlink index=2 name=b"))
	b, errB := ParseSnapshot([]byte("link index=2 name=c\nhook name=x"))
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	if got, want := Diff(a, b), "- link index=1 name=a\n- link index=2 name=b\n+ link index=2 name=c\n+ hook name=x\n"; got != want {
		t.Errorf("Diff says\n%swant\n%s", got, want)
	}
}

func FuzzParseSnapshot(f *testing.F) {
	f.Add([]byte("link index=3 name=r0 mtu=1500 mac=02:00:00:00:00:01 carrier\nroute dst=0.0.0.0/0 hop=dev:3,via:10.0.0.1"))
	f.Add([]byte(fmt.Sprintf("link index=1 alias=%q altname=x altname=y peer-ns=0", "a b\n")))
	f.Add([]byte("nexthop id=1 member=1*2 member=3*4 unknown=x\nneigh dev=1 addr=fe80::1 proxy state=0x2\nrule pref=1 from=0.0.0.0/0"))
	f.Add([]byte("tap inode=1 protocol=0x3\nsysctl path=x value=\"1 2\"\nfilter dev=1 parent=0xffff kind=u32\nqdisc handle=1"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := ParseSnapshot(text)
		if err != nil {
			return
		}
		back, err := ParseSnapshot([]byte(s.String()))
		if err != nil || !back.Equal(s) {
			t.Fatalf("%v: %q came back as %q", err, s, back)
		}
	})
}
