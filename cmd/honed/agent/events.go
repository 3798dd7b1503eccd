package agent

import (
	"sync"
	"time"

	"github.com/hone-net/hone/control"
)

// eventQueue is how many events a slow reader may lag behind before it misses some.
const eventQueue = 256

// events hands what happens to everybody who listens. The zero value is ready.
type events struct {
	mu      sync.Mutex
	readers map[chan control.Event]bool
}

// send never blocks: who does not read misses events.
func (e *events) send(event control.Event) {
	event.Time = time.Now()
	e.mu.Lock()
	defer e.mu.Unlock()
	for reader := range e.readers {
		select {
		case reader <- event:
		default:
		}
	}
}

// listen gives a channel of the events from now on, and a function that ends it.
func (e *events) listen() (<-chan control.Event, func()) {
	reader := make(chan control.Event, eventQueue)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.readers == nil {
		e.readers = map[chan control.Event]bool{}
	}
	e.readers[reader] = true
	return reader, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.readers, reader)
	}
}
