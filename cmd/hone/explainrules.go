package main

import (
	"fmt"
	"io"

	"github.com/hone-net/hone/control"
)

// printVisits prints the rules that a packet meets; of those in a row that do not match, how many they are, unless all are
// wanted.
func printVisits(w io.Writer, all []control.Visit, every bool) {
	passed := 0
	for i, v := range all {
		if !v.Matches && !every {
			passed++
			if i+1 < len(all) && !all[i+1].Matches && chainOf(all[i+1]) == chainOf(v) {
				continue
			}
			fmt.Fprintf(w, "    %-11s  %s: %s\n", v.Hook, chainOf(v), passedText(passed))
			passed = 0
			continue
		}
		fmt.Fprintf(w, "    %-11s  %s%s: %s\n", v.Hook, chainOf(v), ruleText(v), outcomeText(v))
	}
}

func chainOf(v control.Visit) string { return v.Family + " " + v.Table + " " + v.Chain }

func passedText(n int) string {
	if n == 1 {
		return "1 rule does not match"
	}
	return fmt.Sprintf("%d rules do not match", n)
}

func ruleText(v control.Visit) string {
	text := ""
	if v.Handle != 0 {
		text = fmt.Sprintf(" handle %d", v.Handle)
	}
	if v.Comment != "" {
		text += fmt.Sprintf(" %q", v.Comment)
	}
	return text
}

func outcomeText(v control.Visit) string {
	if !v.Matches {
		return "does not match"
	}
	return v.Outcome
}
