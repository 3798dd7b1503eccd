package script

import (
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/hone-net/hone/control/packet"
)

// How often told tells of a path, and sends a frame, how long it goes on, and how long the router has to notice, however slow
// the machine is.
const (
	tellEvery  = 5 * time.Millisecond
	sendEvery  = time.Millisecond
	tellFor    = 5 * time.Second
	tellNotice = 3100 * time.Millisecond
)

// told PERCENT DESCRIPTION has $A tell the router 2001:db8::fe of small MTUs on the paths to made-up hosts of 2001:db8:2::/64,
// one after the other, while it sends frames of that description: the program of r0 must forward so many percent of these.
// Frames that are longer than such a path's MTU go, too, as soon as the router has to know, and none may arrive. As with fast, it
// is tried again.
func told(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 || neg {
		ts.Fatalf("usage: told PERCENT DESCRIPTION")
	}
	least, err := strconv.Atoi(args[0])
	ts.Check(err)
	p, err := packet.Parse("iif r0 " + strings.Join(args[1:], " "))
	ts.Check(err)
	for range 3 {
		if share := spread(ts, p.Frame(routerMAC)); share >= least {
			return
		}
	}
	ts.Fatalf("less than %d %% of the frames on the fast path", least)
}

// spread is one try of told.
func spread(ts *testscript.TestScript, frame []byte) (share int) {
	settled(ts, false, nil)
	fast, before, s := fastPackets(ts), received(ts), stranger{frame: frame, first: int(strangers.Add(1)) << 12}
	ts.Check(inNetns(ts.Getenv("A"), s.run))
	time.Sleep(50 * time.Millisecond)
	arrived := received(ts) - before
	share = int(fastPackets(ts)-fast) * 100 / s.sent
	ts.Logf("%d %% of %d frames on the fast path, %d arrived; told of %d paths; %d frames were too long", share, s.sent, arrived, s.told, s.long)
	if s.told < 100 || s.long < 50 {
		ts.Fatalf("too few of these")
	}
	if arrived > s.sent+10 { // a few are the hosts' own
		ts.Fatalf("frames arrived that were longer than what the router had been told of")
	}
	return share
}

// strangers counts, so that nobody tells of what was told of before.
var strangers atomic.Int32

// stranger is somebody who tells of paths.
type stranger struct {
	frame            []byte
	first            int
	sent, told, long int
	since            []time.Time // when each path was told of
}

func (s *stranger) run() error {
	out, err := openOutlet("a0")
	if err != nil {
		return err
	}
	defer unix.Close(out.fd)
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMPV6)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	tick := time.NewTicker(sendEvery)
	defer tick.Stop()
	begin := time.Now()
	for now := begin; now.Sub(begin) < tellFor; now = <-tick.C {
		if now.Sub(begin) > time.Duration(s.told)*tellEvery {
			if err := s.tell(fd, now); err != nil {
				return err
			}
		}
		if err := out.transmit(s.frame, 1); err != nil {
			return err
		}
		s.sent++
		if n := s.long; n < s.told && now.Sub(s.since[n]) > tellNotice {
			p, err := packet.Parse("iif r0 ip6 2001:db8::1 > " + path(s.first+n).String() + " udp len 1400")
			if err == nil {
				err = out.transmit(p.Frame(routerMAC), 1)
			}
			if err != nil {
				return err
			}
			s.long++
		}
	}
	return nil
}

// path is a made-up host.
func path(i int) netip.Addr {
	a := netip.MustParseAddr("2001:db8:2::1:0:0").As16()
	binary.BigEndian.PutUint32(a[12:], uint32(i))
	return netip.AddrFrom16(a)
}

// tell says of an echo that nobody sent that it was too big.
func (s *stranger) tell(fd int, now time.Time) error {
	b := binary.BigEndian.AppendUint32([]byte{2, 0, 0, 0}, 1300)
	b = append(b, 0x60, 0, 0, 0, 0, 8, unix.IPPROTO_ICMPV6, 64)
	from, to := netip.MustParseAddr("2001:db8::fe").As16(), path(s.first+s.told).As16()
	b = append(append(b, from[:]...), to[:]...)
	b = append(b, 128, 0, 0, 0, 0, 0, 0, 0)
	s.told, s.since = s.told+1, append(s.since, now)
	return unix.Sendto(fd, b, 0, &unix.SockaddrInet6{Addr: from})
}
