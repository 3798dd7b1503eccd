package filter

import (
	"github.com/hone-net/hone/introspect"
	"github.com/hone-net/hone/slowpath"
)

// reasonOf says what kind of expression leaves packets to the kernel.
func reasonOf(e introspect.Expr) slowpath.Reason {
	switch e := e.(type) {
	case introspect.Match:
		r, _ := xtReason(e.Name)
		return r
	case introspect.Target:
		if r, known := xtReason(e.Name); known {
			return r
		}
		return slowpath.RulesetAction
	case introspect.Reject:
		return slowpath.RulesetReject
	case introspect.Log:
		return slowpath.RulesetLog
	case introspect.Limit, introspect.Quota, introspect.ConnLimit, introspect.ObjRef, introspect.ObjRefMap:
		return slowpath.RulesetLimit
	case introspect.Dynset, introspect.Lookup:
		return slowpath.RulesetSet
	case introspect.Ct:
		return slowpath.RulesetConn
	case introspect.Payload, introspect.Meta, introspect.Cmp, introspect.Range, introspect.Bitwise, introspect.Byteorder,
		introspect.Shift, introspect.Immediate, introspect.Rt, introspect.Fib, introspect.ExtHdr,
		introspect.Numgen, introspect.Hash, introspect.Socket, introspect.OSF, introspect.Xfrm:
		return slowpath.RulesetMatch
	}
	return slowpath.RulesetAction
}
