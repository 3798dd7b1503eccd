package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
)

// Document is what `hone bench -json` prints.
type Document struct {
	Cases []Result `json:"cases"`
}

// Result is the outcome of one case.
type Result struct {
	Case     string             `json:"case"`
	Subjects map[string]Speed   `json:"subjects,omitempty"`
	Ratios   map[string]float64 `json:"ratios,omitempty"`
	Figures  map[string]float64 `json:"figures,omitempty"`
	Notes    []string           `json:"notes,omitempty"`
	// Failed says what the case promises and did not keep, such as a stale packet.
	Failed []string `json:"failed,omitempty"`
}

// Speed is what one subject needs for a packet.
type Speed struct {
	NS   float64 `json:"ns"`   // CPU time a packet, nanoseconds
	Mpps float64 `json:"mpps"` // million packets a second
}

// addRatios compares the subject "hone" with every other: a ratio above 1 says that hone is faster; _marginal is after
// the rig's own cost, the subject "drop", was subtracted from both.
func (r *Result) addRatios(of string) {
	r.Ratios = map[string]float64{}
	hone, ok := r.Subjects[of]
	if !ok {
		return
	}
	drop, hasDrop := r.Subjects["drop"]
	for name, other := range r.Subjects {
		if name == of || name == "drop" {
			continue
		}
		r.Ratios[of+"/"+name] = other.NS / hone.NS
		if hasDrop && hone.NS > drop.NS {
			r.Ratios[of+"/"+name+"_marginal"] = (other.NS - drop.NS) / (hone.NS - drop.NS)
		}
	}
}

// WriteJSON prints the document.
func (d Document) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(d)
}

// WriteTable prints one result for people.
func (r Result) WriteTable(w io.Writer) {
	fmt.Fprintf(w, "%s\n", r.Case)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	drop, hasDrop := r.Subjects["drop"]
	for _, name := range slices.SortedFunc(maps.Keys(r.Subjects), func(a, b string) int {
		return int(r.Subjects[b].NS*10) - int(r.Subjects[a].NS*10)
	}) {
		s := r.Subjects[name]
		fmt.Fprintf(t, "  %s\t%.1f ns\t%.2f Mpps", name, s.NS, s.Mpps)
		if hasDrop && name != "drop" {
			fmt.Fprintf(t, "\tmarginal %.1f ns", s.NS-drop.NS)
		}
		fmt.Fprintln(t)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Ratios)) {
		fmt.Fprintf(t, "  %s\t%.2fx\n", name, r.Ratios[name])
	}
	for _, name := range slices.Sorted(maps.Keys(r.Figures)) {
		fmt.Fprintf(t, "  %s\t%.6g\n", name, r.Figures[name])
	}
	t.Flush()
	for _, n := range r.Notes {
		fmt.Fprintf(w, "  note: %s\n", n)
	}
	for _, f := range r.Failed {
		fmt.Fprintf(w, "  FAILED: %s\n", f)
	}
}
