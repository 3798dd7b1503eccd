package agent

import (
	"strconv"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/hone-net/hone/control"
)

// ruleLabels name a counter of the ruleset. The handle 0 is the policy of a base chain; a named counter has no chain.
var ruleLabels = []string{"family", "table", "chain", "handle", "counter"}

var (
	packetsDesc = prometheus.NewDesc("hone_packets_total", "Packets that an interface's program saw, by what became of them.",
		[]string{"interface", "path", "reason"}, nil)
	stateDesc = prometheus.NewDesc("hone_interface_state", "1 for the state that an interface is in.",
		[]string{"interface", "state", "reason"}, nil)
	instructionsDesc = prometheus.NewDesc("hone_program_instructions", "Length of an interface's program.",
		[]string{"interface"}, nil)
	eventsDesc = prometheus.NewDesc("hone_agent_events_total", "What the agent did.", []string{"kind"}, nil)
	lastDesc   = prometheus.NewDesc("hone_agent_last_update_seconds",
		"Time from the last configuration to programs vouched for.", nil, nil)
	tableDesc       = prometheus.NewDesc("hone_table_entries", "Configuration behind the programs.", []string{"kind"}, nil)
	rulePacketsDesc = prometheus.NewDesc("hone_rule_packets_total", "Packets that rules of the ruleset have counted on the fast path.", ruleLabels, nil)
	ruleBytesDesc   = prometheus.NewDesc("hone_rule_bytes_total", "Their bytes.", ruleLabels, nil)
	coherentDesc    = prometheus.NewDesc("hone_coherent", "1 while every announced change is accounted for.", nil, nil)
	disabledDesc    = prometheus.NewDesc("hone_disabled", "1 while everything is switched off (hone disable).", nil, nil)
	infoDesc        = prometheus.NewDesc("hone_info", "1, with the version.", []string{"version", "netns"}, nil)
)

// collector makes metrics of the Status when it is asked.
type collector struct {
	status  func() control.Status
	tallies func() control.Tallies
}

func (a *Agent) metrics() prometheus.Gatherer {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector{a.Status, a.Tallies}, collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}

// Describe names the metrics.
func (c collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{packetsDesc, stateDesc, instructionsDesc, eventsDesc, lastDesc, tableDesc, infoDesc, coherentDesc, disabledDesc,
		rulePacketsDesc, ruleBytesDesc} {
		to <- d
	}
}

// Collect gives the metrics.
func (c collector) Collect(to chan<- prometheus.Metric) {
	s := c.status()
	counter := func(d *prometheus.Desc, n uint64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), printable(labels)...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, printable(labels)...)
	}
	gauge(infoDesc, 1, s.Version, s.Netns)
	gauge(coherentDesc, oneIf(s.Coherent))
	gauge(disabledDesc, oneIf(s.Disabled))
	gauge(lastDesc, s.Agent.Last.Seconds())
	gauge(tableDesc, float64(s.Tables.Routes), "route")
	gauge(tableDesc, float64(s.Tables.Neighbours), "neighbour")
	gauge(tableDesc, float64(s.Tables.Rules), "rule")
	gauge(tableDesc, float64(s.Tables.Entries), "bridge-entry")
	for kind, n := range map[string]uint64{"attach": s.Agent.Attached, "swap": s.Agent.Swapped, "detach": s.Agent.Detached,
		"update": s.Agent.Updates, "snapshot": s.Agent.Snapshots, "failure": s.Agent.Failures} {
		counter(eventsDesc, n, kind)
	}
	for _, t := range c.tallies().Counters {
		counter(rulePacketsDesc, t.Packets, tallyLabels(t)...)
		counter(ruleBytesDesc, t.Bytes, tallyLabels(t)...)
	}
	for _, i := range s.Interfaces {
		gauge(stateDesc, 1, i.Name, i.State, i.Reason)
		if i.Program != nil {
			gauge(instructionsDesc, float64(i.Program.Instructions), i.Name)
		}
		if i.Counters == nil {
			continue
		}
		counter(packetsDesc, i.Counters.Fast, i.Name, "fast", "")
		counter(packetsDesc, i.Counters.Live, i.Name, "live", "")
		for reason, n := range i.Counters.Punts {
			counter(packetsDesc, n, i.Name, "kernel", reason)
		}
	}
}

func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// printable quotes labels that are not UTF-8, of which Prometheus takes no other: names of interfaces, and of what a ruleset
// has, are any bytes.
func printable(labels []string) []string {
	for i, l := range labels {
		if !utf8.ValidString(l) {
			labels[i] = strconv.Quote(l)
		}
	}
	return labels
}
