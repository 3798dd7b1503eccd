package introspect

import "fmt"

// exprKinds are all kinds of expression. Those of one name stand in the order in which they are tried.
var exprKinds = []exprKind{payloadSetKind, payloadKind, metaSetKind, metaKind, ctSetKind, ctKind, rtKind, fibKind, exthdrSetKind,
	exthdrKind, exthdrResetKind, cmpKind, rangeKind, shiftKind, bitwiseKind, byteorderKind, verdictKind, immediateKind, lookupKind, counterKind,
	limitKind, quotaKind, connLimitKind, logKind, rejectKind, natKind, masqueradeKind, redirectKind, notrackKind, numgenKind,
	hashKind, dynsetKind, objrefMapKind, objrefKind, queueKind, tproxyKind, socketKind, synproxyKind, lastKind, dupKind,
	fwdKind, flowOffloadKind, osfKind, xfrmKind, matchKind, targetKind, opaqueKind}

// exprKindsOf are those that the kernel's expressions of a name may be.
var exprKindsOf = kindsByName()

func kindsByName() map[string][]exprKind {
	all := map[string][]exprKind{}
	for _, k := range exprKinds {
		if k.name() != "" {
			all[k.name()] = append(all[k.name()], k)
		}
	}
	return all
}

func (Payload) kind() exprKind     { return payloadKind }
func (PayloadSet) kind() exprKind  { return payloadSetKind }
func (Meta) kind() exprKind        { return metaKind }
func (MetaSet) kind() exprKind     { return metaSetKind }
func (Ct) kind() exprKind          { return ctKind }
func (CtSet) kind() exprKind       { return ctSetKind }
func (Rt) kind() exprKind          { return rtKind }
func (Fib) kind() exprKind         { return fibKind }
func (ExtHdr) kind() exprKind      { return exthdrKind }
func (ExtHdrSet) kind() exprKind   { return exthdrSetKind }
func (ExtHdrReset) kind() exprKind { return exthdrResetKind }
func (Cmp) kind() exprKind         { return cmpKind }
func (Range) kind() exprKind       { return rangeKind }
func (Bitwise) kind() exprKind     { return bitwiseKind }
func (Shift) kind() exprKind       { return shiftKind }
func (Byteorder) kind() exprKind   { return byteorderKind }
func (Immediate) kind() exprKind   { return immediateKind }
func (Verdict) kind() exprKind     { return verdictKind }
func (Lookup) kind() exprKind      { return lookupKind }
func (Counter) kind() exprKind     { return counterKind }
func (Limit) kind() exprKind       { return limitKind }
func (Quota) kind() exprKind       { return quotaKind }
func (ConnLimit) kind() exprKind   { return connLimitKind }
func (Log) kind() exprKind         { return logKind }
func (Reject) kind() exprKind      { return rejectKind }
func (NAT) kind() exprKind         { return natKind }
func (Masquerade) kind() exprKind  { return masqueradeKind }
func (Redirect) kind() exprKind    { return redirectKind }
func (Notrack) kind() exprKind     { return notrackKind }
func (Numgen) kind() exprKind      { return numgenKind }
func (Hash) kind() exprKind        { return hashKind }
func (Dynset) kind() exprKind      { return dynsetKind }
func (ObjRef) kind() exprKind      { return objrefKind }
func (ObjRefMap) kind() exprKind   { return objrefMapKind }
func (Queue) kind() exprKind       { return queueKind }
func (TProxy) kind() exprKind      { return tproxyKind }
func (Socket) kind() exprKind      { return socketKind }
func (Synproxy) kind() exprKind    { return synproxyKind }
func (Last) kind() exprKind        { return lastKind }
func (Dup) kind() exprKind         { return dupKind }
func (Fwd) kind() exprKind         { return fwdKind }
func (FlowOffload) kind() exprKind { return flowOffloadKind }
func (OSF) kind() exprKind         { return osfKind }
func (Xfrm) kind() exprKind        { return xfrmKind }
func (Match) kind() exprKind       { return matchKind }
func (Target) kind() exprKind      { return targetKind }
func (Opaque) kind() exprKind      { return opaqueKind }

// within tells why a number of something is out of range.
func within(what string, n, limit uint32) string {
	if n < limit {
		return ""
	}
	return fmt.Sprintf("%s %d", what, n)
}

// fits tells why data of a length does not fit into the registers from one on.
func fits(r Register, length uint32) string {
	if r == NoRegister || r == VerdictRegister || length > 0 && length <= maxData && 4*uint32(r)+length <= maxData {
		return ""
	}
	return fmt.Sprintf("%d bytes at register %d", length, r)
}
