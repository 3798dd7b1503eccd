package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/hone-net/hone/control"
)

// place is where a counter stands in a ruleset: the nth of a rule, or a named one, which has an object in place of a rule.
type place struct {
	family, table string
	tableHandle   uint64
	handle        uint64
	nth           int
	object        bool
}

// sums is what is to be added to counters.
type sums map[place]control.Tally

func newSums(all []control.Tally) sums {
	s := sums{}
	for _, t := range all {
		s[place{t.Family, t.Table, t.TableHandle, t.Handle, t.Nth, t.Object != ""}] = t
	}
	return s
}

// The lines of nft -a list ruleset.
var (
	tableLine  = regexp.MustCompile(`^table (\S+) (\S+) \{.*# handle ([0-9]+)$`)
	blockLine  = regexp.MustCompile(`^\t(chain|counter) .*\{.*# handle ([0-9]+)$`)
	handleTail = regexp.MustCompile(` # handle ([0-9]+)$`)
	counts     = regexp.MustCompile(`"[^"]*"|\bpackets ([0-9]+) bytes ([0-9]+)`) // what is in quotes says nothing
)

// addText adds to what nft -a says, and leaves handles out unless they are wanted.
func (s sums) addText(text []byte, handles bool) []byte {
	var out strings.Builder
	var at place
	inRules := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if m := tableLine.FindStringSubmatch(line); m != nil {
			at, inRules = place{family: m[1], table: m[2], tableHandle: number(m[3])}, false
		} else if m := blockLine.FindStringSubmatch(line); m != nil {
			inRules, at.object, at.handle = m[1] == "chain", m[1] == "counter", number(m[2])
		} else if line == "\t}" {
			inRules, at.object = false, false
		} else if m := handleTail.FindStringSubmatch(line); inRules && m != nil {
			at.handle = number(m[1])
			line = s.addLine(line, at)
		} else if at.object {
			line = s.addLine(line, at)
		}
		if !handles {
			line = handleTail.ReplaceAllString(line, "")
		}
		out.WriteString(line + "\n")
	}
	return []byte(out.String())
}

// addLine adds to the counters of one line.
func (s sums) addLine(line string, at place) string {
	at.nth = -1
	return counts.ReplaceAllStringFunc(line, func(text string) string {
		m := counts.FindStringSubmatch(text)
		if m[1] == "" {
			return text
		}
		at.nth++
		t := s[at]
		return fmt.Sprintf("packets %d bytes %d", number(m[1])+t.Packets, number(m[2])+t.Bytes)
	})
}

func number(digits string) uint64 {
	n, _ := strconv.ParseUint(digits, 10, 64) // the patterns let nothing but digits pass
	return n
}

// addJSON adds to what nft -j says.
func (s sums) addJSON(text []byte) ([]byte, error) {
	var document struct {
		All []map[string]map[string]any `json:"nftables"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&document); err != nil {
		return nil, fmt.Errorf("read the ruleset of nft -j: %w", err)
	}
	tables := map[[2]string]uint64{}
	for _, object := range document.All {
		for kind, o := range object {
			if kind == "table" {
				tables[[2]string{word(o["family"]), word(o["name"])}] = count(o["handle"])
			}
		}
	}
	for _, object := range document.All {
		for kind, o := range object {
			at := place{family: word(o["family"]), table: word(o["table"]), handle: count(o["handle"]), object: kind == "counter"}
			at.tableHandle = tables[[2]string{at.family, at.table}]
			if at.object {
				s.addObject(o, at)
			} else if kind == "rule" {
				s.addRule(o["expr"], at)
			}
		}
	}
	return json.Marshal(document)
}

// addRule adds to the counters among expressions.
func (s sums) addRule(expressions any, at place) {
	all, _ := expressions.([]any)
	for _, e := range all {
		one, _ := e.(map[string]any)
		if counter, ok := one["counter"].(map[string]any); ok {
			s.addObject(counter, at)
			at.nth++
		}
	}
}

func (s sums) addObject(counter map[string]any, at place) {
	if _, counts := counter["packets"].(json.Number); counts {
		counter["packets"] = count(counter["packets"]) + s[at].Packets
		counter["bytes"] = count(counter["bytes"]) + s[at].Bytes
	}
}

func word(v any) string {
	w, _ := v.(string)
	return w
}

func count(v any) uint64 {
	n, _ := v.(json.Number)
	return number(n.String())
}
