package introspect

import (
	"strings"
	"time"

	"github.com/hone-net/hone/slowpath"
)

// poll is something that the kernel does not announce and that is therefore looked at again and again.
type poll struct {
	period  time.Duration // within which a change is noticed
	rest    time.Duration // from one look to the next: longer than the period where the sentry tells when to look
	due     time.Time
	early   time.Time     // from when on it is looked at with the rest, which saves a waking
	dear    time.Duration // how many times as long as a look takes there is no other one, whoever tells
	free    time.Time     // until when
	look    func() error
	watched uint64      // the sentry's reports that make it look at once
	idle    func() bool // there is nothing to look for
	silent  []slowpath.Silent
}

const (
	tapPeriod    = 75 * time.Millisecond // the others are multiples of it, so that one waking serves them all
	sysctlPeriod = tapPeriod
	hookPeriod   = 4 * tapPeriod
	retryPeriod  = 12 * tapPeriod
	slowPeriod   = 40 * tapPeriod
	sparePeriod  = 400 * tapPeriod
	pollSlack    = 25 * time.Millisecond // from a poll's due time until the agent has acted upon it

	learnedPeriod = slowPeriod // longer than it takes to notice, so that a stranger stops no program
)

// schedule lists the polls. Those whose changes are also announced, or counted by a program, are looked at seldom.
func (w *Watcher) schedule() []poll {
	k := w.sensors
	retry := w.newPoll(retryPeriod, numWatches, w.retryRoutes, "")
	retry.idle = func() bool { return len(w.unsettled) == 0 }
	entries := w.newPoll(retryPeriod, numWatches, w.retryEntries, "")
	entries.idle = func() bool { return !w.tornFDB }
	ports := w.newPoll(slowPeriod, numWatches, w.looker(w.readPorts), "RTM_GETLINK, polled where there is a bridge",
		"MRP changes the state of a port of a bridge", "the kernel's STP takes over the times of its root",
		"a device of another network namespace has the bridge below it listen to all frames",
		"an XDP program comes to a bridge by a BPF link")
	ports.idle = func() bool { return !w.s.bridges() }
	vlans := w.newPoll(slowPeriod, numWatches, w.looker(w.readVLANs), "RTM_GETLINK, polled where there is a VLAN device",
		silentVLANs, "an XDP program comes to a VLAN device by a BPF link")
	vlans.idle = func() bool { return !w.linkKinds().vlans }
	sockets := w.newPoll(sparePeriod, numWatches, w.looker(readBound), "NETLINK_SOCK_DIAG, polled, with rests of fifty times what it takes",
		"a socket is connected from an address that never was the host's")
	sockets.dear = restFactor // the kernel walks its whole table of connections
	proxies := w.newPoll(hookPeriod, numWatches, w.looker(w.readProxies), "RTM_GETNEIGH, polled",
		"a proxy entry of IPv6 is made or deleted")
	proxies.idle = func() bool { return !w.s.proxies() }
	sieves := w.newPoll(retryPeriod, numWatches, w.looker(readSieves), "looked at in the kernel's memory where there is a tap, polled",
		"the reader of a tap has frames to it dropped")
	sieves.idle = func() bool { return !w.linkKinds().taps }
	missing := w.newPoll(sparePeriod, numWatches, w.retryRuleset, "")
	missing.idle = func() bool { return !w.sensors.ruleset.missing }
	return []poll{
		w.newPoll(tapPeriod, watchTaps, w.looker(w.readTaps), "packet_diag, polled; a promiscuous one is announced",
			"a packet socket is opened or changes its filter"),
		w.newPoll(hookPeriod, watchHooks, w.looker(k.readSilentHooks), "polled",
			"the first iptables-legacy table, IPVS service or netfilter program appears",
			"a function enters a netfilter hook (where the kernel lists them)", "br_netfilter is loaded",
			"connections begin to be counted, for a rule that asks or is only tried (nft -c)"),
		w.pollLearned(),
		w.pollPaths(),
		w.newPoll(hookPeriod, watchTCX, w.looker(readTCX), "BPF_PROG_QUERY, polled", "a TCX program is attached or detached"),
		w.pollSysctls(),
		proxies,
		sockets,
		retry,
		entries,
		ports,
		vlans,
		sieves,
		missing,
		w.newPoll(slowPeriod, numWatches, w.audit, ""),
		w.newPoll(slowPeriod, numWatches, w.lookAtReserves, "counter PFMemallocDrop of the network namespace, polled",
			"a notification that the kernel makes of its last reserves of memory"),
	}
}

// linkKinds looks which kinds of links there are: of links there may be very many, and it is asked for at each message.
func (w *Watcher) linkKinds() *Watcher {
	if w.kindsOf != w.s.Links {
		w.kindsOf, w.taps, w.vlans = w.s.Links, w.s.tapDevices(), w.s.vlanDevices()
	}
	return w
}

// retryRuleset has a ruleset read again of which a chain seemed to lack rules: a commit that was being prepared, and then given
// up, makes it seem so, and nothing tells of that.
func (w *Watcher) retryRuleset() error {
	w.stale.ruleset.heads = w.stale.ruleset.heads || w.sensors.ruleset.missing
	return nil
}

// pollLearned looks at what IPv6 has learned. The kernel walks its whole table of routes for it, and packets wait
// meanwhile.
func (w *Watcher) pollLearned() poll {
	p := w.newPoll(hookPeriod, watchLearned, w.lookerFor(toRoute6, readLearned), "polled; read with rests of twenty times what it takes",
		"the host is told of the MTU of an IPv6 path, or redirected")
	p.silent[0].Bound, p.dear = learnedPeriod+pollSlack, 20
	return p
}

// pollPaths looks at what the filter of ICMP errors has noted.
func (w *Watcher) pollPaths() poll {
	p := w.newPoll(pathPeriod, numWatches, w.lookerFor(toRoute4, w.readPaths), "filter of a raw socket; looked at",
		"an ICMP error tells the host of an IPv4 path MTU below net.ipv4.route.min_pmtu, a moment after another one")
	p.watched, p.rest, p.dear = 1<<watchPath, sparePeriod, restFactor
	return p
}

// pollSysctls looks at the sysctls often where no program watches them.
func (w *Watcher) pollSysctls() poll {
	if w.sysctls == nil {
		return w.newPoll(sysctlPeriod, numWatches, w.looker(readSysctls),
			"polled, for no program can watch writes ("+strings.ReplaceAll(w.unwatched.Error(), "\n", "; ")+")", "a sysctl is written that RTM_NEWNETCONF does not carry")
	}
	return w.newPoll(sparePeriod, numWatches, w.looker(readSysctls), "cgroup/sysctl program, and polled",
		"a sysctl is written from outside the cgroups that honed sees, or by a writer that is held up",
		"a default time-out of connection tracking is set over netlink (nfct timeout default-set)")
}

// newPoll makes a poll for changes that nothing announces. Where the sentry watches for them, it looks seldom by itself.
func (w *Watcher) newPoll(period time.Duration, watch int, look func() error, mechanism string, changes ...string) poll {
	p := poll{period: period, rest: period, look: look}
	if watch < numWatches && w.sentry != nil {
		p.watched, p.rest = 1<<watch, sparePeriod
		mechanism = strings.Replace(mechanism, "polled", "looked at by a timer in the kernel", 1)
	}
	p.after(time.Now(), p.rest)
	for _, c := range changes {
		p.silent = append(p.silent, slowpath.Silent{Change: c, Mechanism: mechanism, Bound: period + pollSlack})
	}
	return p
}

// after has the next look so long from now.
func (p *poll) after(now time.Time, wait time.Duration) {
	p.due, p.early = now.Add(wait), now.Add(wait-wait/4)
}

// looker makes a poll of a reader: what it finds changed moves Config by the Watcher's own hand before it is folded.
func (w *Watcher) looker(read func(*Snapshot) (*Snapshot, error)) func() error {
	return w.lookerFor(toConfig, read)
}

// lookerFor is looker for what concerns other domains.
func (w *Watcher) lookerFor(moves domains, read func(*Snapshot) (*Snapshot, error)) func() error {
	return func() error {
		s, err := read(w.s)
		if err != nil {
			return err
		}
		if s != w.s {
			w.ledger.bump(moves)
			w.s = s
		}
		return nil
	}
}

// audit starts over if in none of the turns since the last audit the books balanced: rather a dump too many than an
// interface that nobody vouches for any more.
func (w *Watcher) audit() error {
	if w.balanced == 0 && w.turns < 2 {
		return nil // too few to tell
	}
	failed := w.balanced == 0
	w.turns, w.balanced = 0, 0
	if failed {
		return errLost
	}
	return nil
}

// balance notes whether what had been seen before a turn is accounted for after it. Now and then it is not: a datagram is
// counted a moment before it is queued, and a write to a sysctl is waited for. A turn that left something queued, as in a
// burst, or something to be looked at later tells nothing.
func (w *Watcher) balance(before slowpath.Epochs) {
	if w.behind || w.told != 0 {
		return
	}
	w.turns++
	for d, built := range w.ledger.built() {
		if built < before[d] && (w.sysctls == nil || !w.sysctls.waiting()) {
			return
		}
	}
	w.balanced++
}

// poll looks at what is due, and at what the sentry tells of.
func (w *Watcher) poll() error {
	if w.sentry != nil {
		told, err := w.sentry.read()
		if w.told |= told; err != nil {
			return err
		}
		if w.sentry.last.questions != w.ledger.replied { // one may have been asked while there was no room
			w.told |= 1 << watchLearned
		}
	}
	told, err := w.listenPaths()
	if w.told |= told; err != nil {
		return err
	}
	now, later := time.Now(), uint64(0)
	for i := range w.polls {
		p := &w.polls[i]
		if p.watched&w.told == 0 && now.Before(p.early) {
			continue
		}
		if now.Before(p.free) {
			later |= p.watched & w.told
			continue
		}
		begin := time.Now()
		if err := p.look(); err != nil {
			return err
		}
		p.free = now.Add(p.dear * time.Since(begin))
		if p.watched&w.told != 0 { // some changes show only a moment after the sentry saw them
			p.after(now, p.period)
		} else {
			p.after(now, p.rest)
		}
	}
	if w.told = later; w.sentry != nil {
		w.relieveSentry()
	}
	return nil
}

// relieveSentry accounts for what it has reported and was looked at by now.
func (w *Watcher) relieveSentry() {
	last := w.sentry.last
	w.ledger.sentry = last.moves
	if w.told&(1<<watchLearned) == 0 {
		w.ledger.learned = last.late
		w.ledger.answer(last.questions)
	}
}

// nextDue is when wait has to end at the latest.
func (w *Watcher) nextDue() time.Time {
	next := time.Now().Add(slowPeriod)
	for _, p := range w.polls {
		due := p.due
		if p.watched&w.told != 0 {
			due = p.free // until then it could not be looked at
		} else if due.Before(p.free) {
			due = p.free
		}
		if (p.idle == nil || !p.idle()) && due.Before(next) {
			next = due
		}
	}
	if w.sysctls != nil && w.sysctls.waiting() {
		return time.Now().Add(holdStep)
	}
	return next
}

// Silent lists the changes that the kernel does not announce, how each is noticed, and within what time.
func (w *Watcher) Silent() []slowpath.Silent {
	var all []slowpath.Silent
	for _, p := range w.polls {
		all = append(all, p.silent...)
	}
	return append(all, slowpath.Silent{Change: "a notification that the kernel has no memory for",
		Mechanism: "ENOBUFS on the listening socket; one beside those that found no room there is known when the routes are read again",
		Bound:     pollSlack})
}
