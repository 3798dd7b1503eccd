package script

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/slowpath/lab"
)

// foreignKey finds the link of the program that foreign attached.
type foreignKey struct{}

// foreign INTERFACE attaches an XDP program that is not honed's to an interface of $R; with !, it takes it off again.
func foreign(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: foreign INTERFACE")
	}
	held := ts.Value(foreignKey{}).(*[]link.Link)
	if neg {
		for _, l := range *held {
			ts.Check(l.Close())
		}
		*held = nil
		return
	}
	ts.Check(inNetns(ts.Getenv("R"), func() error {
		l, err := attachPass(args[0])
		*held = append(*held, l)
		return err
	}))
}

func attachPass(name string) (link.Link, error) {
	iface, err := net.InterfaceByName(name)
	if err != nil {
		return nil, err
	}
	p, err := ebpf.NewProgram(&ebpf.ProgramSpec{Name: "foreign", Type: ebpf.XDP, License: "Apache-2.0",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()}})
	if err != nil {
		return nil, err
	}
	defer p.Close()
	return link.AttachXDP(link.XDPOptions{Program: p, Interface: iface.Index, Flags: link.XDPDriverMode})
}

// scrape prints honed's metrics.
func scrape(ts *testscript.TestScript, neg bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), lab.Patience(5*time.Second))
	defer cancel()
	text, err := control.NewClient(ts.Getenv("SOCKET")).Text(ctx, "/metrics", nil)
	ts.Check(err)
	fmt.Fprint(ts.Stdout(), text)
}
