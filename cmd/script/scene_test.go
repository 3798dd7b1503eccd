package script

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hone-net/hone/control"
	"github.com/hone-net/hone/slowpath/lab"
)

// play is one performance of a scene: hosts h1, h2 ... around a namespace R, with honed in R or without.
type play struct {
	id     string
	socket string // of honed; empty without
	honed  *exec.Cmd
	log    bytes.Buffer
	made   []string // namespaces
	begun  map[string]*begun
	calls  map[string]*call
	flows  map[string]*traffic
	agents []*switchAgent
	hosts  int
	marks  uint64 // of frames that are counted
	undo   []func()
	record strings.Builder // what its user has seen
}

// begun is a command that goes on while others are run.
type begun struct {
	cmd     *exec.Cmd
	out     bytes.Buffer
	monitor bool // it listens to netlink, sooner or later
}

// scene FILE [LEAST] plays the file twice at the same time, with the kernel alone and with honed in R, and compares what
// the user has seen. At least so many frames have to take the fast path.
//
// A line of the file is a host or R and a shell command, which knows R's namespace as $R, or one of these:
//
//	switch N                  makes N hosts with e0 (10.0.0.n), whose other ends are p1, p2 ... in R
//	settle                    waits until honed has followed
//	sleep DURATION
//	until REGEXP HOST COMMAND waits until the command prints that
//	begin NAME HOST COMMAND   and end NAME: what the command has printed in between, sorted; or each line once
//	                          (end NAME once), where the kernel makes one of several events, or not, as time allows
//	serve HOST PORT           sends back what comes by TCP
//	connect NAME HOST ADDR    and echo NAME BYTES: by that connection and back
//	traffic NAME FROM TO      frames from one host to another, until the scene is over
//	change NAME HOST COMMAND  whether frames arrive that were made after the command had returned
//	flood HOST N              frames from N senders
//	left REASON               with honed, some frames have been left to the kernel for that
//	rstp BRIDGE PRIORITY PORT... runs an agent of the rapid spanning tree for a bridge in R
//	tree ROLES                waits until the ports of all agents are that, for at most a second
//	frames HOST TO TAGS       what each host is given of some frames, which have tags
func scene(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 || len(args) > 2 {
		ts.Fatalf("usage: scene FILE [LEAST]")
	}
	tries := 1
	if lab.Emulated() {
		tries = 2 // such a machine may stand still for seconds, which users see: only what happens twice is believed
	}
	for {
		wrong := staged(ts, args)
		if tries--; wrong == "" {
			return
		} else if tries == 0 {
			ts.Fatalf("%s", wrong)
		}
		ts.Logf("told: %s is played once more:\n%s", args[0], wrong)
	}
}

// staged plays a scene both ways and tells what is wrong, if anything is.
func staged(ts *testscript.TestScript, args []string) (wrong string) {
	text := ts.ReadFile(args[0])
	id := fmt.Sprintf("hone-c%d-%d", os.Getpid(), scripts.Add(1))
	alone, beside := newPlay(id+"k", ""), newPlay(id+"h", filepath.Join(ts.Getenv("WORK"), args[0]+".sock"))
	var all sync.WaitGroup
	var failures [2]error
	var fast uint64
	all.Go(func() { failures[0] = alone.perform(text) })
	all.Go(func() {
		failures[1] = beside.perform(text)
		fast = beside.fast()
	})
	all.Wait()
	defer alone.close()
	defer beside.close()
	for i, p := range []*play{alone, beside} {
		if failures[i] != nil {
			return fmt.Sprintf("%v\n%s\n%s", failures[i], p.record.String(), p.log.String())
		}
	}
	ts.Logf("%d frames were fast; %s", fast, alone.record.String())
	if alone.record.String() != beside.record.String() {
		return fmt.Sprintf("with honed it is:\n%s\nleft to the kernel: %s\n%s", beside.record.String(), beside.left(), beside.log.String())
	}
	if len(args) == 2 {
		least, err := strconv.ParseUint(args[1], 10, 64)
		ts.Check(err)
		if fast < least {
			return fmt.Sprintf("only %d frames were fast; left to the kernel: %s", fast, beside.left())
		}
	}
	return ""
}

func newPlay(id, socket string) *play {
	return &play{id: id, socket: socket, begun: map[string]*begun{}, calls: map[string]*call{}, flows: map[string]*traffic{}}
}

// perform does line by line.
func (p *play) perform(text string) error {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := p.line(line); err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
	}
	return nil
}

func (p *play) line(line string) error {
	word, rest, _ := strings.Cut(line, " ")
	one, more, _ := strings.Cut(rest, " ")
	switch word {
	case "switch":
		return p.build(rest)
	case "settle":
		return p.settle()
	case "sleep":
		d, err := time.ParseDuration(rest)
		time.Sleep(d)
		return err
	case "until":
		return p.until(one, more)
	case "begin":
		return p.begin(one, more)
	case "end":
		return p.end(rest)
	case "left":
		return p.wantLeft(rest)
	case "rstp":
		return p.rstp(one, more)
	case "tree":
		return p.tree(rest)
	case "frames":
		to, tags, _ := strings.Cut(more, " ")
		return p.frames(line, one, to, tags)
	case "serve", "connect", "echo", "traffic", "change", "flood":
		return p.act(word, one, more)
	}
	do := rest
	if strings.HasPrefix(rest, "ping ") {
		do = "ip neigh flush all 2>/dev/null; " + rest // or it hears of a neighbour that it asked for in vain before
	}
	p.say(line, p.run(word, do))
	return nil
}

// say notes what the user has seen.
func (p *play) say(line, out string) { fmt.Fprintf(&p.record, "%s\n%s", line, seen(out)) }

var (
	sceneTimes = regexp.MustCompile(`time[= ][0-9.]+ ?ms|rtt .*|, pipe \d+`)
	sceneSpace = regexp.MustCompile(`(?m) +$`)
	sceneNames = regexp.MustCompile(`hone-c[0-9]+-[0-9]+[kh]`)
)

// seen takes out of what is printed what is never the same.
func seen(out string) string {
	out = sceneSpace.ReplaceAllString(sceneNames.ReplaceAllString(sceneTimes.ReplaceAllString(out, "T"), "N"), "")
	if out != "" && !strings.HasSuffix(out, "\n") {
		out += "\n"
	}
	return out
}

// namespace is the name of a host's.
func (p *play) namespace(host string) string { return p.id + host }

// shell makes a command that runs in a host.
func (p *play) shell(ctx context.Context, host, line string) *exec.Cmd {
	c := exec.CommandContext(ctx, "ip", "netns", "exec", p.namespace(host), "sh", "-c", line)
	c.Env = append(os.Environ(), "LC_ALL=C", "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin", "R="+p.namespace("R"))
	c.WaitDelay = lab.Patience(5 * time.Second)
	return c
}

// run gives what a command prints, and how it fails.
func (p *play) run(host, line string) string {
	ctx, cancel := context.WithTimeout(context.Background(), lab.Patience(20*time.Second))
	defer cancel()
	out, err := p.shell(ctx, host, line).CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%s%v\n", out, err)
	}
	return string(out)
}

// build makes R, the hosts, and a cable to each, and starts honed.
func (p *play) build(hosts string) error {
	n, err := strconv.Atoi(hosts)
	if err != nil {
		return err
	}
	p.hosts = n
	for i := range n + 1 {
		name := "R"
		if i > 0 {
			name = "h" + strconv.Itoa(i)
		}
		if out, err := exec.Command("ip", "netns", "add", p.namespace(name)).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		p.made = append(p.made, p.namespace(name))
		lines := []string{"ip link set lo up", "sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1"}
		if i == 0 {
			lines = append(lines, "sysctl -qw net.ipv4.ip_forward=1", "sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 net.bridge.bridge-nf-call-arptables=0 2>/dev/null || true")
		} else {
			lines = append(lines, fmt.Sprintf("ip link add e0 address 02:00:00:00:00:%02x type veth peer name p%d address 02:00:00:00:01:%02x netns %s", i, i, i, p.namespace("R")),
				"ip link set e0 up", fmt.Sprintf("ip addr add 10.0.0.%d/24 dev e0", i), fmt.Sprintf("ip netns exec %s ip link set p%d up", p.namespace("R"), i),
				"ethtool -K e0 tx off tso off gso off >/dev/null", "ethtool -K e0 gro on",
				"sysctl -qw net.ipv4.neigh.e0.delay_first_probe_time=3600") // or it asks again in its own time, which bridges learn from
		}
		if out := p.run(name, strings.Join(lines, " && ")); out != "" {
			return fmt.Errorf("make %s: %s", name, out)
		}
	}
	return p.start()
}

// start runs honed in R.
func (p *play) start() error {
	if p.socket == "" {
		return nil
	}
	p.honed = exec.Command(binaries+"/honed", "--netns", p.namespace("R"), "--hook", "xdp", "--socket", p.socket)
	p.honed.Stdout, p.honed.Stderr = &p.log, &p.log
	p.undo = append(p.undo, func() {
		p.honed.Process.Signal(syscall.SIGTERM)
		p.honed.Wait()
	})
	if err := p.honed.Start(); err != nil {
		return err
	}
	return p.settle()
}

func (p *play) status() (s control.Status, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), lab.Patience(5*time.Second))
	defer cancel()
	return s, control.NewClient(p.socket).Get(ctx, "/v1/status", nil, &s)
}

// settle waits until honed accounts for every change, several times in a row; without honed, as long as that may take.
func (p *play) settle() error {
	if p.socket == "" {
		time.Sleep(300 * time.Millisecond)
		return nil
	}
	times := 0
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		s, err := p.status()
		if times++; err != nil || !s.Coherent {
			times = 0
		}
		if times == 5 {
			return nil
		}
	}
	return fmt.Errorf("not settled within %s", patience)
}

// fast is how many frames the programs have forwarded.
func (p *play) fast() (n uint64) {
	if p.socket == "" {
		return 0
	}
	s, _ := p.status()
	for _, i := range s.Interfaces {
		if i.Counters != nil {
			n += i.Counters.Fast + i.Counters.Live
		}
	}
	return n
}

// left tells what was left to the kernel, and why.
func (p *play) left() string {
	var all []string
	s, _ := p.status()
	for _, i := range s.Interfaces {
		text := i.Name + " " + i.Reason + " " + i.Detail
		if i.Counters != nil {
			text += fmt.Sprint(i.Counters.Punts)
		}
		all = append(all, text)
	}
	return strings.Join(all, "; ")
}

// wantLeft checks that frames were left to the kernel for a reason.
func (p *play) wantLeft(reason string) error {
	if p.socket == "" {
		return nil
	}
	s, err := p.status()
	for _, i := range s.Interfaces {
		if i.Counters != nil && i.Counters.Punts[reason] > 0 {
			return err
		}
	}
	return fmt.Errorf("none; left to the kernel: %s", p.left())
}

// close ends everything.
func (p *play) close() {
	for _, b := range p.begun {
		b.cmd.Process.Kill()
		b.cmd.Wait()
	}
	for _, f := range slices.Backward(p.undo) {
		f()
	}
	for _, ns := range p.made {
		exec.Command("ip", "netns", "del", ns).Run()
	}
}
