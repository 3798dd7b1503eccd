package bench

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"github.com/hone-net/hone/slowpath/lab"
)

// nftShell is an nft that takes one command after the other. A process for each would take its time to start, and where it
// has deleted something, the kernel keeps it from ending until a grace period is over.
type nftShell struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// What nft is asked after each command, and what it answers once the command is done.
const (
	question = "describe ip ttl"
	answer   = "payload expression"
)

// newNftShell starts nft in a namespace.
func newNftShell(ns *lab.Namespace) (*nftShell, error) {
	s := &nftShell{}
	var failed error
	cmd, err := ns.Start("nft -i", func(c *exec.Cmd) {
		var out io.ReadCloser
		var bad error
		s.in, failed = c.StdinPipe()
		out, bad = c.StdoutPipe()
		c.Stderr = c.Stdout
		s.out, failed = bufio.NewReader(out), errors.Join(failed, bad)
	})
	if err = errors.Join(err, failed); err != nil {
		return nil, fmt.Errorf("bench: start nft: %w", err)
	}
	s.cmd = cmd
	return s, nil
}

// run runs a command and waits until it is done.
func (s *nftShell) run(line string) error {
	if _, err := fmt.Fprintf(s.in, "%s\n%s\n", line, question); err != nil {
		return fmt.Errorf("bench: tell nft %q: %w", line, err)
	}
	var said []string
	for {
		text, err := s.out.ReadString('\n')
		if err != nil {
			return fmt.Errorf("bench: nft %s: %w: %s", line, err, strings.Join(said, " "))
		}
		text = strings.TrimSpace(text)
		switch {
		case strings.HasPrefix(text, answer) && len(said) > 0:
			return fmt.Errorf("bench: nft %s: %s", line, strings.Join(said, " "))
		case strings.HasPrefix(text, answer):
			return nil
		case text != "":
			said = append(said, text)
		}
	}
}

// close ends nft.
func (s *nftShell) close() error {
	return errors.Join(s.in.Close(), s.cmd.Wait())
}
