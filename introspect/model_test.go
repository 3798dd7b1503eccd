package introspect

// This file is the argument for the epochs, as a model that is searched exhaustively: a kernel whose configuration some
// commands change, a filter that counts, a reader that folds, an agent that builds, attaches and vouches, and two
// processors that run whichever program they picked up, be it replaced meanwhile. A packet is decided when its guard is
// read. The promise is that no guard passes for a program older than a command that has returned. Variants of the
// protocol that seem as good have to be caught.

// variant is a protocol: the zero value is ours.
type variant struct {
	drainThenSeen  bool // built is seen as read after the queue was drained
	vouchWithSeen  bool // built is seen as read when vouching
	sharedBuilt    bool // all programs read one built
	noBarrier      bool // a dump does not wait for a change that is announced before it is made
	lateCount      bool // the reader counts instead of the filter
	linksOutlive   bool // when the agent dies, the sockets go before the programs
	dumpThenJoin   bool // after a loss: the dump is taken before the groups are joined again
	stayInGroups   bool // after a loss: built is seen before a dump, and later datagrams count on top
	countMessages  bool // datagrams that were lost are counted as folded
	noResync       bool // a loss is ignored
	vouchThenFetch bool // the counts are read after the Snapshot they stand for was taken, and newer than it
}

const (
	lastVersion = 3 // commands
	queueSize   = 1 // so that a second datagram overflows it
	maxPrograms = 4
)

// kinds of commands: the kernel announces after or before it changes.
type order uint8

const (
	changeFirst order = iota
	announceFirst
)

type modelProgram struct{ version, built int8 }

// world is one state of the model.
type world struct {
	config, returned int8 // versions: of the kernel's configuration, and of what commands that returned made it
	command, step    int8 // the command under way
	seen, tally      int8
	member, lost     bool
	queue            int8 // datagrams; with one place, only one version matters
	queued           int8

	phase          int8 // of the agent, which reads, builds and vouches in turn
	snapshot       int8
	folded, own    int8
	doubt          bool // what was folded was announced before it was made
	took, tookSeen int8 // what Next returned
	programs       [maxPrograms]modelProgram
	made, active   int8
	running        [2]int8 // what each processor picked up, -1 for nothing
	dead           int8
}

const (
	reading int8 = iota
	resyncLeave
	resyncRestart
	resyncJoin
	resyncDump
	building
	attaching
	vouching
)

const neverBuilt = -1

// firstWorld is one in which something was just lost.
func firstWorld() world {
	w := world{member: true, lost: true, running: [2]int8{-1, -1}}
	for i := range w.programs {
		w.programs[i].built = neverBuilt
	}
	return w
}

// model is a search through all worlds.
type model struct {
	variant
	orders  [lastVersion]order
	visited map[world]bool
	next    []world
	stale   bool // a promise was broken
	settled bool // the last version was vouched for
}

func (m *model) add(w world) {
	if !m.visited[w] {
		m.visited[w] = true
		m.next = append(m.next, w)
	}
}

func (m *model) search() {
	m.visited = map[world]bool{}
	m.add(firstWorld())
	for len(m.next) > 0 {
		w := m.next[len(m.next)-1]
		m.next = m.next[:len(m.next)-1]
		m.kernel(w)
		m.processors(w)
		if w.dead == 0 {
			m.agent(w)
		}
		m.death(w)
		p := w.programs[w.active]
		m.settled = m.settled || w.returned == lastVersion && w.dead == 0 && p.version == lastVersion && m.built(w, w.active) == w.seen
	}
}

// kernel takes the next step of the command under way.
func (m *model) kernel(w world) {
	if w.command == lastVersion {
		return
	}
	steps := []func(*world){m.change, m.count, m.deliver}
	if m.orders[w.command] == announceFirst {
		steps = []func(*world){m.count, m.deliver, m.change}
	}
	if int(w.step) < len(steps) {
		steps[w.step](&w)
		w.step++
		m.add(w)
		return
	}
	w.returned, w.command, w.step = w.command+1, w.command+1, 0
	m.add(w)
}

func (m *model) change(w *world) { w.config++ }

func (m *model) count(w *world) {
	if w.member && w.dead < 2 && !m.lateCount {
		w.seen++
		w.tally++
	}
}

func (m *model) deliver(w *world) {
	switch {
	case !w.member || w.dead == 2:
	case w.queue == queueSize:
		w.lost = true
	default:
		w.queue++
		w.queued = w.command + 1
	}
}

// counting tells whether a delivery is under way: leaving and joining a group wait for it.
func (m *model) counting(w world) bool {
	if w.command == lastVersion {
		return false
	}
	at := int8(2)
	if m.orders[w.command] == announceFirst {
		at = 1
	}
	return w.step == at
}

// held tells whether the lock of rtnetlink is held by a command that has announced what it is about to change.
func (m *model) held(w world) bool {
	return w.command < lastVersion && m.orders[w.command] == announceFirst && w.step > 0
}

func (m *model) built(w world, i int8) int8 {
	if m.sharedBuilt {
		i = 0
	}
	return w.programs[i].built
}

// processors pick up the attached program, and later read its guard.
func (m *model) processors(w world) {
	for cpu, p := range w.running {
		n := w
		if p < 0 {
			if w.dead == 0 || m.linksOutlive && w.dead == 2 {
				n.running[cpu] = w.active
				m.add(n)
			}
			continue
		}
		if m.built(w, p) == w.seen && w.programs[p].version < w.returned {
			m.stale = true
		}
		n.running[cpu] = -1
		m.add(n)
	}
}

// death takes the programs off, waits for those that run, and closes the sockets; or the other way about.
func (m *model) death(w world) {
	switch {
	case w.dead == 0 && m.linksOutlive:
		w.dead = 2
		m.add(w)
	case w.dead == 0:
		w.dead = 1
		m.add(w)
	case w.dead == 1 && w.running == [2]int8{-1, -1}:
		w.dead = 2
		m.add(w)
	}
}

// agent takes the next step of the loop of reader and agent.
func (m *model) agent(w world) {
	switch w.phase {
	case reading:
		m.read(w)
	case building:
		m.build(w)
	case attaching:
		w.active, w.phase = w.made, vouching
		m.add(w)
	case vouching:
		m.vouch(w)
	default:
		m.resync(w)
	}
}

// read folds a datagram, settles a doubt, starts over after a loss, or has Next return.
func (m *model) read(w world) {
	switch {
	case w.lost && !m.noResync:
		n := w
		n.lost, n.phase = false, resyncLeave
		n.seen, n.own = n.seen+1, n.own+1
		if m.stayInGroups {
			n.queue, n.folded, n.phase = 0, n.seen-n.own, resyncDump
		}
		m.add(n)
		return
	case w.queue > 0:
		n := w
		n.queue, n.folded, n.snapshot = 0, n.folded+1, n.queued
		if m.lateCount {
			n.seen++
		}
		n.doubt = n.doubt || m.orders[n.queued-1] == announceFirst
		if w.lost && m.countMessages {
			n.folded++
		}
		m.add(n)
		return
	case w.doubt && (m.noBarrier || !m.held(w)):
		n := w
		n.doubt, n.snapshot = false, w.config
		m.add(n)
		return
	}
	if !w.doubt {
		n := w
		n.took, n.tookSeen, n.phase = w.folded+w.own, w.seen, building
		m.add(n)
	}
}

// resync leaves the groups, takes the filter's count as folded, joins again, and dumps.
func (m *model) resync(w world) {
	switch w.phase {
	case resyncLeave:
		if m.counting(w) {
			return
		}
		w.member, w.phase = false, resyncRestart
	case resyncRestart:
		w.queue, w.doubt, w.lost = 0, false, false
		w.folded, w.phase = w.tally, resyncJoin
		if m.dumpThenJoin {
			w.snapshot = w.config
		}
	case resyncJoin:
		if m.counting(w) {
			return
		}
		w.member, w.phase = true, resyncDump
	case resyncDump:
		if m.held(w) && !m.noBarrier {
			return
		}
		if !m.dumpThenJoin {
			w.snapshot = w.config
		}
		w.phase = reading
	}
	m.add(w)
}

// build makes a program of what Next returned, unless the attached one is the same.
func (m *model) build(w world) {
	w.phase = vouching
	if w.programs[w.active].version != w.snapshot {
		if w.made+1 == maxPrograms {
			return // far enough
		}
		w.made++
		w.programs[w.made].version, w.phase = w.snapshot, attaching
	}
	m.add(w)
}

func (m *model) vouch(w world) {
	built := w.took
	switch {
	case m.vouchWithSeen:
		built = w.seen
	case m.drainThenSeen:
		built = w.tookSeen
	case m.vouchThenFetch:
		built = w.folded + w.own + w.queue
	}
	at := w.active
	if m.sharedBuilt {
		at = 0
	}
	w.programs[at].built, w.phase = built, reading
	m.add(w)
}
