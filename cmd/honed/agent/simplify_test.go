package agent

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/cmd/honed/config"
	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/fastpath"
	"github.com/hone-net/hone/synth/emit"
)

// countingRules is a ruleset of so many rules that look at one byte of the header, and count.
func countingRules(n, at int) string {
	var text strings.Builder
	text.WriteString("hook kind=nft name=\"inet t f\" family=inet\n" +
		"nft-table family=inet name=t handle=1\nnft-chain family=inet table=t name=f handle=1 flags=0x1 base hook=2 policy=1 type=filter\n")
	for i := range n {
		fmt.Fprintf(&text, "nft-rule family=inet table=t chain=f handle=%d expr=payload,base:1,offset:%d,len:1 expr=cmp,data:%02x expr=counter\n", i+2, at, i%256)
	}
	return text.String()
}

// TestSimplify: a program that is too much for the kernel becomes simpler until it is not, or the ruleset is the kernel's;
// a smaller ruleset is another try.
func TestSimplify(t *testing.T) {
	b := newBed(t)
	text := b.text
	b.text += countingRules(300, 8)
	b.host.excess = 2
	b.announce()
	if got := b.Status(); got.Interfaces[0].State != control.StateFast || got.Agent.Failures != 0 || b.options.Steps <= 0 {
		t.Errorf("%d steps, %+v", b.options.Steps, got.Interfaces)
	}
	b.host.excess = 10
	b.text = text + countingRules(310, 9)
	b.announce()
	if got := b.Status(); got.Interfaces[0].Reason != "ruleset-large" || got.Agent.Failures != 0 || b.options.Steps >= 0 {
		t.Errorf("%d steps, %+v", b.options.Steps, got.Interfaces[0])
	}
	b.host.excess = 0
	b.text = text + countingRules(200, 9)
	b.announce()
	if got := b.Status(); got.Interfaces[0].State != control.StateFast || b.options.Steps != 0 {
		t.Errorf("%d steps, %+v", b.options.Steps, got.Interfaces[0])
	}
}

// TestNoAccounts: where the end of connections cannot be noticed, families whose connections are counted are the kernel's; the
// ruleset is not too much for that.
func TestNoAccounts(t *testing.T) {
	b := newBed(t)
	b.options.Config.Conntrack, b.options.Kernel.Conntrack = config.Established, &emit.Conntrack{HZ: 250, Accounts: true}
	b.text += `hook kind=conntrack name="conntrack ip" family=ip
sysctl path=netfilter/nf_conntrack_acct value=1
` + countingRules(3, 8)
	b.host.attach = fmt.Errorf("%w: %w", fastpath.ErrNoAccounts, unix.E2BIG)
	b.announce()
	if b.options.Steps != 0 || b.options.Kernel.Conntrack.Accounts || b.Status().Agent.Simple != "" {
		t.Errorf("%d steps, %+v", b.options.Steps, b.Status().Interfaces)
	}
}
