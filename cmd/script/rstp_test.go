package script

import (
	"cmp"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/hone-net/hone/slowpath/lab"
)

// switchAgent is the rapid spanning tree protocol (IEEE 802.1D-2004, clause 17) for one bridge, as a daemon would run it:
// it hears BPDUs, decides on roles, and tells the kernel the states of the ports by netlink. All of its links are
// point-to-point, and it is stricter than the standard in one thing: a designated port discards whenever what it has to
// offer changes, until the other end has agreed to that.
type switchAgent struct {
	mu    sync.Mutex
	id    uint64 // priority and address of the bridge
	ports []*switchPort
	quit  chan struct{}
	wait  sync.WaitGroup
}

// offer is a priority vector: the less it is, the better.
type offer struct {
	root   uint64
	cost   uint32
	bridge uint64
	port   uint16
}

func (o offer) compare(p offer) int {
	return cmp.Or(cmp.Compare(o.root, p.root), cmp.Compare(o.cost, p.cost), cmp.Compare(o.bridge, p.bridge), cmp.Compare(o.port, p.port))
}

// role is what a port is in the tree, as BPDUs say it.
type role uint8

const (
	disabled role = iota
	alternate
	root
	designated
)

func (r role) String() string { return [...]string{"disabled", "alternate", "root", "designated"}[r] }

// switchPort is one port of a bridge that leads to another one.
type switchPort struct {
	cable
	name    string
	number  uint16
	up      bool
	role    role
	forward bool
	mine    offer  // what is sent by it
	heard   *offer // from the designated port at the other end
	at      time.Time
	changes time.Time // until then the other end is told that the topology has changed
}

// Times of the protocol.
const (
	hello    = time.Second
	portCost = 20000
)

// heardBPDU takes in what came by a port.
func (a *switchAgent) heardBPDU(p *switchPort, b bpdu) error {
	switch {
	case b.role == designated:
		p.heard, p.at = &b.offer, time.Now()
	case p.heard != nil && p.heard.bridge == b.bridge:
		p.heard = nil // it is not what it was
	}
	if err := a.reconsider(); err != nil {
		return err
	}
	if b.changed {
		if err := a.topologyChanged(p); err != nil {
			return err
		}
	}
	switch {
	case b.role == designated && b.proposal && (p.role == root || p.role == alternate):
		p.send(a.bpdu(p, true))
	case b.role == designated && p.role == designated: // the other end takes itself for better, which it is not
		p.send(a.bpdu(p, false))
	case b.agreement && p.role == designated && !p.forward && b.root == p.mine.root && b.offer.compare(p.mine) > 0:
		return a.open(p)
	}
	return nil
}

// best is the way to the root: the port, if it is not this bridge, and what a designated port of this bridge has to offer.
func (a *switchAgent) best() (way *switchPort, o offer) {
	o = offer{root: a.id, bridge: a.id}
	for _, p := range a.ports {
		if !p.up || p.heard == nil || p.heard.bridge == a.id {
			continue
		}
		with := *p.heard
		if with.cost += portCost; way == nil && with.root < a.id || way != nil && with.compare(o) < 0 {
			way, o = p, with
		}
	}
	return way, offer{root: o.root, cost: o.cost, bridge: a.id}
}

// reconsider gives every port its role. What is to discard does so before anything forwards.
func (a *switchAgent) reconsider() error {
	way, o := a.best()
	for _, p := range a.ports {
		was, offered := p.role, p.mine
		p.mine = o
		p.mine.port = p.number
		switch {
		case !p.up:
			p.role, p.heard, p.forward = disabled, nil, false
			continue
		case p == way:
			p.role = root
			continue
		case p.heard != nil && p.heard.compare(p.mine) < 0:
			p.role = alternate
		default:
			p.role = designated
		}
		if was != p.role || p.mine != offered {
			if err := a.shut(p); err != nil {
				return err
			}
			if p.role == designated {
				p.send(a.bpdu(p, false))
			}
		}
	}
	if way != nil && !way.forward {
		return a.open(way)
	}
	return nil
}

// shut has a port discard.
func (a *switchAgent) shut(p *switchPort) error {
	p.forward = false
	return p.state(stateListening)
}

// open has a port forward, and tells that the topology has changed.
func (a *switchAgent) open(p *switchPort) error {
	p.forward = true
	if err := p.state(stateForwarding); err != nil {
		return err
	}
	p.changes = time.Now().Add(2 * hello)
	if err := a.topologyChanged(p); err != nil {
		return err
	}
	p.send(a.bpdu(p, false))
	return nil
}

// topologyChanged forgets who is behind the other ports, and passes on why.
func (a *switchAgent) topologyChanged(by *switchPort) error {
	for _, p := range a.ports {
		if p == by || !p.up {
			continue
		}
		if err := p.flush(); err != nil {
			return err
		}
		told := time.Now().Before(p.changes)
		if p.changes = time.Now().Add(2 * hello); p.forward && !told {
			p.send(a.bpdu(p, false))
		}
	}
	return nil
}

// bpdu is what a port has to say: a designated one that does not forward proposes to.
func (a *switchAgent) bpdu(p *switchPort, agreement bool) bpdu {
	return bpdu{offer: p.mine, role: p.role, proposal: p.role == designated && !p.forward, agreement: agreement, forward: p.forward,
		changed: time.Now().Before(p.changes)}
}

// tick says hello, and forgets who does not.
func (a *switchAgent) tick() error {
	for _, p := range a.ports {
		if p.heard != nil && time.Since(p.at) > lab.Patience(3*hello) {
			p.heard = nil
		}
		if p.up && p.role == designated {
			p.send(a.bpdu(p, false))
		}
	}
	return a.reconsider()
}

// carrier takes in that a port has come up, when the kernel has it forward at once, or that it went down.
func (a *switchAgent) carrier(p *switchPort, up bool) error {
	if p.up == up {
		return nil
	}
	if p.up, p.role = up, disabled; up {
		if err := a.shut(p); err != nil {
			return err
		}
	}
	return a.reconsider()
}

// String lists roles and states of the ports.
func (a *switchAgent) String() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []string
	for _, p := range a.ports {
		text := p.name + " " + p.role.String()
		if p.role == designated && !p.forward {
			text += " discarding"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// tree waits until the ports of all agents are as wanted, which rapid spanning trees take less than a second for.
func (p *play) tree(wanted string) error {
	var now string
	begin := time.Now()
	for end := begin.Add(patienceOfTrees()); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var all []string
		for _, a := range p.agents {
			all = append(all, a.String())
		}
		if now = strings.Join(all, ", "); now == wanted {
			p.say("tree "+wanted, "")
			fmt.Fprintf(&p.log, "the tree took %s\n", time.Since(begin).Round(time.Millisecond))
			return nil
		}
	}
	return fmt.Errorf("the tree is: %s", now)
}
