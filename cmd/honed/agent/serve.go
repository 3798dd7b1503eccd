package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hone-net/hone/control"
)

// Listen opens the control socket. Only the superuser may talk to it.
func Listen(path string) (net.Listener, error) {
	l, err := listen(path)
	if err != nil {
		return nil, fmt.Errorf("agent: listen: %w", err)
	}
	return l, nil
}

func listen(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	lock, err := lockPath(path)
	if err != nil {
		return nil, err
	}
	if err := removeSocket(path); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close(), lock.Close())
	}
	return guardedListener{l, lock}, nil
}

// removeSocket removes what an agent that was killed has left, and nothing else.
func removeSocket(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	if info.Mode().Type() != os.ModeSocket {
		return fmt.Errorf("%s is there and is not a socket", path)
	}
	return os.Remove(path)
}

// Handler serves what package control says.
func (a *Agent) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", document(func(*http.Request) (any, error) { return a.Status(), nil }))
	mux.HandleFunc("GET /v1/plan", document(func(*http.Request) (any, error) { return a.Plan() }))
	mux.HandleFunc("GET /v1/doctor", document(func(*http.Request) (any, error) { return a.Doctor(), nil }))
	mux.HandleFunc("GET /v1/tallies", document(func(*http.Request) (any, error) { return a.Tallies(), nil }))
	mux.HandleFunc("GET /v1/accounts", document(func(*http.Request) (any, error) { return a.Accounts() }))
	mux.HandleFunc("GET /v1/dump", a.serveDump)
	mux.HandleFunc("GET /v1/monitor", a.serveMonitor)
	mux.HandleFunc("POST /v1/explain", document(func(r *http.Request) (any, error) {
		return a.Explain(r.FormValue("packet"))
	}))
	mux.HandleFunc("POST /v1/enable", document(a.enable))
	mux.HandleFunc("POST /v1/disable", document(a.disable))
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.metrics(), promhttp.HandlerOpts{}))
	return mux
}

// Metrics serves only the Prometheus text, for a TCP address.
func (a *Agent) Metrics() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(a.metrics(), promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	return mux
}

func document(answer func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		doc, err := answer(r)
		if err != nil {
			fail(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(doc) // an error here means that the client has gone
	}
}

func fail(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	json.NewEncoder(w).Encode(control.Error{Message: err.Error()})
}

// enable switches an interface on by all of its names: it may have been switched off by any.
func (a *Agent) enable(r *http.Request) (any, error) {
	name, err := interfaceOf(r)
	if err != nil {
		return nil, err
	}
	names, _ := a.namesOf(name)
	return a.switching("enable", names[0], func(s control.Switched) control.Switched {
		for _, n := range names {
			s = s.Enable(n)
		}
		return s
	})
}

// disable switches an interface off by the name that the kernel shows.
func (a *Agent) disable(r *http.Request) (any, error) {
	name, err := interfaceOf(r)
	if err != nil {
		return nil, err
	}
	names, known := a.namesOf(name)
	if name != "" && !known {
		return nil, fmt.Errorf("agent: no interface %s", name)
	}
	return a.switching("disable", names[0], func(s control.Switched) control.Switched { return s.Disable(names[0]) })
}

// interfaceOf is the interface that a request is about, empty for all. That has to be said: a request that is not understood
// is not about all.
func interfaceOf(r *http.Request) (string, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	switch {
	case err != nil:
		return "", fmt.Errorf("agent: parse request: %w", err)
	case len(query) != 1 || len(query["interface"]) != 1:
		return "", errors.New("agent: parse request: one parameter is expected, interface, which is empty for all")
	}
	return query.Get("interface"), nil
}

func (a *Agent) switching(kind, name string, change func(control.Switched) control.Switched) (control.Switched, error) {
	s, err := a.Switch(change)
	if err == nil {
		a.events.send(control.Event{Kind: kind, Interface: name})
	}
	return s, err
}

// namesOf lists the names of an interface that has one of them; of one that is not there, the one.
func (a *Agent) namesOf(name string) (names []string, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.snapshot == nil || name == "" {
		return []string{name}, false
	}
	link, err := linkNamed(a.snapshot, name)
	if err != nil {
		return []string{name}, false
	}
	return namesOf(link), true
}

func (a *Agent) serveDump(w http.ResponseWriter, r *http.Request) {
	text, err := a.Dump(r.FormValue("kind"), r.FormValue("interface"))
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write([]byte(text))
}

// serveMonitor sends events as they happen, one JSON document a line.
func (a *Agent) serveMonitor(w http.ResponseWriter, r *http.Request) {
	reader, end := a.events.listen()
	defer end()
	lines, flush := json.NewEncoder(w), http.NewResponseController(w)
	w.Header().Set("Content-Type", "application/jsonl")
	for {
		flush.Flush()
		select {
		case e := <-reader:
			if lines.Encode(e) != nil {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

// Serve answers on a listener until the context ends.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	return serve(ctx, l, &http.Server{Handler: h})
}

// ServeMetrics does so for strangers: who neither asks nor reads is not waited for.
func ServeMetrics(ctx context.Context, l net.Listener, h http.Handler) error {
	return serve(ctx, l, &http.Server{Handler: h, ReadTimeout: 5 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute})
}

func serve(ctx context.Context, l net.Listener, server *http.Server) error {
	server.ReadHeaderTimeout, server.BaseContext = 5*time.Second, func(net.Listener) context.Context { return ctx }
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("agent: serve: %w", err)
	}
	return nil
}
