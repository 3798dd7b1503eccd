package introspect

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// TestLinkConf: what IFLA_INET_CONF sets is noticed, of which nothing but the link tells.
func TestLinkConf(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		run("ip link add v0 type veth peer name v1\nip link set v0 up\nip link set v1 up\nip addr add 10.1.0.1/24 dev v0\nsysctl -qw net.ipv4.conf.v0.forwarding=1")
		c, err := dialRoute()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		same(t, w)
		var index Index
		for i, l := range w.s.Links.All() {
			if l.Name == "v0" {
				index = i
			}
		}
		conf := append(attribute32(1, 0), append(attribute32(8, 1), attribute32(23, 1)...)...) // FORWARDING, RP_FILTER, ACCEPT_LOCAL
		body := header(sizeofIfInfomsg, unix.AF_UNSPEC)
		native.PutUint32(body[4:], uint32(index))
		body = append(body, attribute(nil, unix.IFLA_AF_SPEC, attribute(nil, unix.AF_INET, attribute(nil, iflaInetConf, conf)))...)
		if _, err := c.Execute(netlink.Message{Header: netlink.Header{Type: unix.RTM_SETLINK, Flags: netlink.Request | netlink.Acknowledge}, Data: body}); err != nil {
			t.Error(err)
			return
		}
		settle(t, w)
		n, _ := w.s.Netconf.Get(index)
		v, _ := readSysctl("ipv4/conf/v0/forwarding")
		t.Logf("the kernel has forwarding=%s, the Snapshot that is vouched for %v, rp_filter %v", v, n.Forwarding, n.RPFilter)
		same(t, w)
	})
}

// TestQdiscsWhileLinksGo: where links go while the disciplines are read, none of another link is lost for long.
func TestQdiscsWhileLinksGo(t *testing.T) {
	inNamespace(t, func(run func(string)) {
		const all = 300
		var links, qdiscs strings.Builder
		for i := range all {
			fmt.Fprintf(&links, "link add q%d type veth peer name p%d\n", i, i)
			fmt.Fprintf(&qdiscs, "qdisc add dev q%d clsact\n", i)
		}
		batchBy(t, "ip", links.String())
		batchBy(t, "tc", qdiscs.String())
		c, err := dialRoute()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		c2, err := dialRoute()
		if err != nil {
			t.Error(err)
			return
		}
		defer c2.Close()
		w := watchHere(t)
		defer w.Close()
		settle(t, w)
		for i := range 6 {
			done := make(chan bool)
			go func() { // by a socket of the namespace: the goroutine is not in it
				defer close(done)
				if _, err := c.Execute(netlink.Message{Header: netlink.Header{Type: unix.RTM_DELLINK, Flags: netlink.Request | netlink.Acknowledge}, Data: nameRequest(fmt.Sprintf("q%d", i))}); err != nil {
					t.Error(err)
				}
			}()
			for { // until it is gone
				w.stale.dump |= Qdiscs // as when any link goes up
				if err := w.refreshRest(); err != nil {
					t.Error(err)
				}
				if _, err := c2.Execute(netlink.Message{Header: netlink.Header{Type: unix.RTM_GETLINK, Flags: netlink.Request}, Data: nameRequest(fmt.Sprintf("q%d", i))}); err != nil {
					break
				}
			}
			<-done
			settle(t, w)
			there := map[Index]bool{}
			for k, q := range w.s.Qdiscs.All() {
				there[k.Index] = there[k.Index] || q.Kind == "clsact"
			}
			for j, l := range w.s.Links.All() {
				if strings.HasPrefix(l.Name, "q") && !there[j] {
					t.Errorf("after q%d went: %s has no clsact in the Snapshot that is vouched for", i, l.Name)
				}
			}
			if t.Failed() {
				return
			}
		}
	})
}

// batchBy runs lines by one process of a tool.
func batchBy(t *testing.T, tool, lines string) {
	c := exec.Command(tool, "-batch", "-")
	c.Stdin = strings.NewReader(lines)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%s: %v: %s", tool, err, out)
	}
}

// nameRequest is about the link of a name.
func nameRequest(link string) []byte {
	return attribute(header(sizeofIfInfomsg, unix.AF_UNSPEC), unix.IFLA_IFNAME, append([]byte(link), 0))
}
