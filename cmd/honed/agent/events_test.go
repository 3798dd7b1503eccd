package agent

import (
	"testing"

	"github.com/hone-net/hone/control"
)

func TestEventsDoNotBlock(t *testing.T) {
	var e events
	reader, end := e.listen()
	for range eventQueue + 10 {
		e.send(control.Event{Kind: "update"})
	}
	if len(reader) != eventQueue {
		t.Errorf("%d events wait", len(reader))
	}
	end()
	<-reader
	e.send(control.Event{Kind: "update"})
	if len(reader) != eventQueue-1 {
		t.Error("a reader that left gets events")
	}
}
