package oracle

import (
	"fmt"
	"strings"
)

// fullTable6 has so many routes of IPv6 that their table has leaves: allocations side by side, and in them networks that
// mostly stand apart, some in others. Where some are too long for leaves, nodes are below. Some come and go under the
// running program, a few of them above many others.
func fullTable6() config {
	c := config{name: "ip6 full table"}
	setup, alter := []string{"batch"}, []string{"batch"}
	gateway := func(i int) string { return fmt.Sprintf("via 2001:db8:%d::1", 2+i%3) }
	for i := range 500 {
		block := fmt.Sprintf("2a00:%x", i*i%4093)
		setup = append(setup, fmt.Sprintf("route replace %s::/%d %s", block, 32-i%9/8*3, gateway(i)))
		for j := range 1 + i*7%23 {
			bits := []int{48, 48, 48, 47, 44, 40, 64, 127}[(i+j)%(8-i%4)]
			p := fmt.Sprintf("%s:%x::/%d", block, j*j*31%4096<<4&-(1<<max(0, 48-bits)), bits)
			setup = append(setup, fmt.Sprintf("route replace %s %s", p, gateway(i+j)))
			if bits >= 64 && i%16 == 0 {
				c.targets = append(c.targets, p)
			}
			if (i+j)%97 == 0 {
				c.targets = append(c.targets, p)
				alter = append(alter, []string{"route del " + p, "route replace " + p + " " + gateway(i+j+1)}[j%2])
			}
		}
	}
	alter = append(alter, "route add 2a00::/20 "+gateway(1), "route add 2a00:c00::/22 "+gateway(2), "route del 2a00:1::/32")
	c.setup, c.alter = []string{strings.Join(setup, "\n")}, []string{strings.Join(alter, "\n")}
	c.targets = append(c.targets, "2a00::/20", "2a00::/24", "2a00:1::/32", "2a00:4::/32")
	return c
}
