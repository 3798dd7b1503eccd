package introspect

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hone-net/hone/slowpath"
)

// When IPv6 routes change between two parts of their dump, the kernel begins the walk anew, passes over as many as it has
// shown before, and says nothing of it: where one went meanwhile, another one is missed, and where one came, another is
// shown again. A dump like that is believed only if what comes of it has as many entries as the kernel counts in a moment
// of rest.

const (
	restTries = 30
	// restTime is how long nothing is announced on either side of the count: an entry that comes is counted a moment after it is
	// announced, one that goes a moment before, under a lock that forbids sleep.
	restTime = 2 * time.Millisecond
)

// entriesAtRest waits for such a moment, and folds what comes before it. It returns -1 if there is none.
func (w *Watcher) entriesAtRest() (int, error) {
	for range restTries {
		if err := w.drain(); err != nil {
			return -1, err
		}
		before := w.ledger.folded[slowpath.Route6]
		time.Sleep(restTime)
		entries, err := countedEntries()
		if err == nil {
			time.Sleep(restTime)
			err = w.drain()
		}
		if err != nil {
			return -1, err
		}
		if w.ledger.folded[slowpath.Route6] == before {
			return entries, nil
		}
	}
	return -1, nil
}

// again finds a route of IPv6 that is shown for the second time: the kernel has no two alike, unless they differ in what
// is not read.
func again(n *node[RouteKey, Route]) func(o *node[RouteKey, Route]) bool {
	encapsulates := func(h Hop) bool { return h.Encap != 0 }
	known := len(n.value.Unknown) == 0 && !slices.ContainsFunc(n.value.Hops, encapsulates)
	return func(o *node[RouteKey, Route]) bool { return known && (n.value == o.value || n.value.Equal(*o.value)) }
}

// countedEntries reads how many entries the IPv6 tables have, -1 where the kernel does not tell.
func countedEntries() (int, error) { return countedRoutes(3) }

// countedRoutes reads one of the kernel's counts of IPv6 routes, -1 where it does not tell.
func countedRoutes(at int) (int, error) {
	text, err := optionalFile("/proc/thread-self/net/rt6_stats")
	if err != nil {
		return -1, err
	}
	return parseRouteStats(text, at)
}

// parseRouteStats reads a number of rt6_stats; an empty file is one that is not there.
func parseRouteStats(text string, at int) (int, error) {
	words := strings.Fields(text)
	if len(words) <= at {
		return -1, nil
	}
	n, err := strconv.ParseUint(words[at], 16, 32)
	if err != nil {
		return -1, fmt.Errorf("introspect: read rt6_stats: %w", err)
	}
	return int(n), nil
}

// entries6 is how many entries the kernel has for the IPv6 routes: one for each way of a multipath route.
func (s *Snapshot) entries6() int {
	n := 0
	for _, r := range s.Routes6.All() {
		n += max(1, len(r.Hops))
	}
	return n
}
