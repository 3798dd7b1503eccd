package synth

import "time"

// restTime is how long an index rests before it means something else. A program takes microseconds; on a machine that is
// stopped in between, whoever counts the time is most likely stopped as well.
const restTime = time.Second

// quarantine keeps indexes that a program may still be looking at, in the order in which they were let go.
type quarantine struct {
	now   func() time.Time // nil: time.Now
	queue []resting
}

type resting struct {
	index int
	since time.Time
}

func (q *quarantine) clock() time.Time {
	if q.now != nil {
		return q.now()
	}
	return time.Now()
}

func (q *quarantine) put(index int) { q.queue = append(q.queue, resting{index, q.clock()}) }

// take returns an index that has rested.
func (q *quarantine) take() (int, bool) {
	if len(q.queue) == 0 || q.clock().Sub(q.queue[0].since) < restTime {
		return 0, false
	}
	index := q.queue[0].index
	q.queue = q.queue[1:]
	return index, true
}
