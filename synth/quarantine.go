package synth

import "sync/atomic"

// quarantine keeps indexes that a program may still be looking at, in the order in which they were let go. A program that has
// found an index may be held up before it looks there, by an interrupt, by a hypervisor, or where the kernel preempts it:
// no time is sure to be long enough. So an index rests until its batch has.
type quarantine struct{ queue []resting }

type resting struct {
	index int
	batch *batch
}

// batch is what has been let go since the batch before it. It has rested once no program runs that began before the writes
// were done after which nothing leads there.
type batch struct{ rested atomic.Bool }

func (q *quarantine) put(j *journal, index int) { q.queue = append(q.queue, resting{index, j.letGo()}) }

// take returns an index that has rested.
func (q *quarantine) take() (int, bool) {
	if len(q.queue) == 0 || !q.queue[0].batch.rested.Load() {
		return 0, false
	}
	index := q.queue[0].index
	q.queue = q.queue[1:]
	return index, true
}

// letGo is the batch of what is let go now.
func (j *journal) letGo() *batch {
	if j.batch == nil {
		j.batch = &batch{}
	}
	return j.batch
}

// written ends a batch: its writes have been done. Its rest ends by a call of rested. There is none as long as that of the
// batch before has not ended: what is let go is of the same batch then.
func (j *journal) written() (rested func()) {
	b := j.batch
	if b == nil || j.resting != nil && !j.resting.rested.Load() {
		return nil
	}
	j.batch, j.resting = nil, b
	return func() { b.rested.Store(true) }
}

// Written is to be called when the writes of the last Update, or the Image, have been done. What they let go of is used
// again once rested was called, which may be at any time and by anybody, but not before all programs have ended that began
// before Written was called. It is nil where nobody waits for that.
func (f *FIB) Written() (rested func()) { return f.journal.written() }
