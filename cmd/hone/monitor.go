package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hone-net/hone/control"
)

func newMonitor(o *options) *cobra.Command {
	var lines bool
	c := &cobra.Command{
		Use: "monitor", Short: "Print what honed does, as it happens", Args: usage(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			w := c.OutOrStdout()
			return o.client().Monitor(c.Context(), func(e control.Event) error {
				if lines {
					return json.NewEncoder(w).Encode(e)
				}
				_, err := fmt.Fprintln(w, eventText(e))
				return err
			})
		},
	}
	c.Flags().BoolVarP(&lines, "json", "j", false, "print JSON, one document a line")
	return c
}

func eventText(e control.Event) string {
	words := []string{e.Time.Format("15:04:05.000"), e.Kind}
	for _, w := range []string{e.Interface, e.Reason, e.Detail} {
		if w != "" {
			words = append(words, w)
		}
	}
	if e.Took > 0 {
		words = append(words, "in "+e.Took.String())
	}
	return strings.Join(words, " ")
}
