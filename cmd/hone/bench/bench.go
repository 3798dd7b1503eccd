package bench

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Options say how to measure.
type Options struct {
	Runs int           // turns of every subject
	Time time.Duration // for a case, about
	JSON bool
	Out  io.Writer // results
	Log  io.Writer // progress
}

// Case is one measurement.
type Case struct {
	Name string
	Doc  string
	run  func(Options) (Result, error)
}

// Cases lists the measurements in the order in which they run.
func Cases() []Case {
	cases := []Case{
		speedCase("route4", "forwarding to 50 prefixes: the kernel, a hand-written program, xdp-forward and hone", ipv4, 50),
		speedCase("route4-one", "the same to one prefix", ipv4, 1),
		speedCase("route6", "the same to 50 prefixes of IPv6", ipv6, 50),
		fulltable4, fulltable6, puntCase, ecmpCase, coherenceCase, churnCase, reactionCase, swapCase, restartCase, portsCase, idleCase,
	}
	return slices.Concat(cases, firewallCases, statefulCases, bridgeCases)
}

// Known tells whether all names are those of cases.
func Known(names []string) error {
	_, err := chosen(names)
	return err
}

// Run measures the named cases, or all of them, and prints what came out. A case that breaks a promise, or cannot be
// measured, makes the error; so does the end of the context.
func Run(ctx context.Context, o Options, names []string) error {
	cases, err := chosen(names)
	if err != nil {
		return err
	}
	var doc Document
	var failed []string
	for _, c := range cases {
		fmt.Fprintf(o.Log, "%s: %s\n", c.Name, c.Doc)
		result, err := c.until(ctx, o)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			result = Result{Case: c.Name, Failed: []string{err.Error()}}
		}
		if len(result.Failed) > 0 {
			failed = append(failed, c.Name)
		}
		doc.Cases = append(doc.Cases, result)
		if !o.JSON {
			result.WriteTable(o.Out)
		}
	}
	if o.JSON {
		if err := doc.WriteJSON(o.Out); err != nil {
			return fmt.Errorf("bench: print result: %w", err)
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("bench: failed: %s", strings.Join(failed, ", "))
	}
	return nil
}

func chosen(names []string) ([]Case, error) {
	all := Cases()
	if len(names) == 0 {
		return all, nil
	}
	var cases []Case
	for _, name := range names {
		i := slices.IndexFunc(all, func(c Case) bool { return c.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("bench: no case %q; there are %s", name, caseNames(all))
		}
		cases = append(cases, all[i])
	}
	return cases, nil
}

func caseNames(cases []Case) string {
	var names []string
	for _, c := range cases {
		names = append(names, c.Name)
	}
	return strings.Join(names, ", ")
}
