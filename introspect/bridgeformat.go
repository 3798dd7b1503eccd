package introspect

func (v *Bridge) fields(t *text) {
	num(t, "br-ageing", &v.Ageing)
	num(t, "br-forward-delay", &v.ForwardDelay)
	num(t, "br-stp", &v.STP)
	t.flag("br-vlan-filtering", &v.VLANFiltering)
	bits(t, "br-vlan-protocol", &v.VLANProtocol)
	num(t, "br-default-pvid", &v.DefaultPVID)
	bits(t, "br-group-fwd-mask", &v.GroupFwdMask)
	t.flag("br-mst", &v.MST)
	t.flag("br-nf-call-ip", &v.NFCallIP)
	t.flag("br-nf-call-ip6", &v.NFCallIP6)
	t.flag("br-nf-call-arp", &v.NFCallARP)
	num(t, "br-max-learned", &v.FDBMaxLearned)
	t.words("br-unknown", &v.Unknown)
}

func (v *BridgePort) fields(t *text) {
	num(t, "port-state", &v.State)
	t.flag("port-learning", &v.Learning)
	t.flag("port-flood", &v.Flood)
	t.flag("port-hairpin", &v.Hairpin)
	t.flag("port-isolated", &v.Isolated)
	t.flag("port-locked", &v.Locked)
	t.flag("port-mab", &v.MAB)
	t.flag("port-guard", &v.Guard)
	t.flag("port-vlan-tunnel", &v.VLANTunnel)
	t.flag("port-neigh-suppress", &v.NeighSuppress)
	t.flag("port-proxyarp", &v.ProxyARP)
	num(t, "port-backup", &v.BackupPort)
	num(t, "port-backup-nhid", &v.BackupNHID)
	t.words("port-unknown", &v.Unknown)
}

func (v *FDBEntry) fields(t *text) {
	num(t, "bridge", &v.Key.Bridge)
	t.own("mac", &v.Key.MAC)
	num(t, "vlan", &v.Key.VLAN)
	num(t, "port", &v.Port)
	t.flag("local", &v.Local)
	t.flag("static", &v.Static)
	t.flag("sticky", &v.Sticky)
	t.flag("external", &v.External)
	t.flag("locked", &v.Locked)
	t.words("unknown", &v.Unknown)
}

func (v *VLAN) fields(t *text) {
	num(t, "dev", &v.Key.Index)
	num(t, "vid", &v.Key.VID)
	t.flag("pvid", &v.PVID)
	t.flag("untagged", &v.Untagged)
	num(t, "state", &v.State)
	t.flag("tunnel", &v.Tunnel)
	t.flag("neigh-suppress", &v.NeighSuppress)
	t.words("unknown", &v.Unknown)
}
