package bench

import (
	"errors"
	"fmt"
	"time"
)

// ways sends to every target at least once and tells to which receivers the frames of each went, one bit each.
func (r *rig) ways() ([]uint8, error) {
	from := now()
	for sent := 0; sent < r.flood.room; {
		result, err := r.send(r.flood.room - sent)
		if err != nil {
			return nil, err
		}
		sent += result.packets
	}
	time.Sleep(10 * time.Millisecond)
	went := make([]uint8, r.flood.room)
	for i := range went {
		went[i] = r.watched.since(i, from)
	}
	return went, nil
}

// elsewhere counts the targets whose frames did not all go to one receiver, or not to the kernel's.
func elsewhere(kernel, hone []uint8) (wrong int) {
	for i, went := range kernel {
		if went != hone[i] || went == 0 || went&(went-1) != 0 {
			wrong++
		}
	}
	return wrong
}

// watch replaces the sinks by some that note how each target arrives, which is too much for a turn that is measured.
func (r *rig) watch() (err error) {
	for _, s := range r.sinks {
		err = errors.Join(err, s.close())
	}
	r.sinks = nil
	if err != nil {
		return err
	}
	if r.watched, err = newArrivals(r.flood.room); err != nil {
		return err
	}
	return r.addSinks(r.flood.format)
}

// sameWays compares where the kernel and hone send the targets of every draw; it is the last that is done with the table.
func (c *comparison) sameWays(t *table) {
	if c.failed != nil {
		return
	}
	if c.failed = t.watch(); c.failed != nil {
		return
	}
	kernel, err := t.waysOfDraws()
	if err != nil {
		c.failed = err
		return
	}
	d, err := t.honed()
	if err != nil {
		c.failed = err
		return
	}
	hone, err := t.waysOfDraws()
	if c.failed = errors.Join(err, d.stop()); c.failed != nil {
		return
	}
	for name, went := range kernel {
		wrong := elsewhere(went, hone[name])
		c.Figures["wrong"] += float64(wrong)
		if wrong > 0 {
			c.Failed = append(c.Failed, fmt.Sprintf("%s: %d of %d targets go elsewhere than the kernel's", name, wrong, len(went)))
		}
	}
}

// waysOfDraws are the ways of the targets, by how those were drawn.
func (t *table) waysOfDraws() (map[string][]uint8, error) {
	all := map[string][]uint8{}
	for name, dsts := range t.draws {
		if err := t.flood.aim(dsts); err != nil {
			return nil, err
		}
		went, err := t.ways()
		if err != nil {
			return nil, err
		}
		all[name] = went
	}
	return all, nil
}
