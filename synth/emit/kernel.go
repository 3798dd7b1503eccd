package emit

// Kernel is what emission must know about the kernel that will run the program. fastpath.Probe fills it; tests write
// it by hand. The zero value is the least kernel that hone runs on.
type Kernel struct {
	// CPUs is the number of possible CPUs; counters are kept per CPU.
	CPUs int
	// FIBLookup tells whether bpf_fib_lookup can be called from XDP.
	FIBLookup bool
	// CPUv4 allows the v4 instruction set (32-bit jump offsets, bswap), Linux 6.6.
	CPUv4 bool
	// SwapBounds says that the verifier knows that the swap of two bytes leaves no more than these. Where it does not, it
	// is told by a mask.
	SwapBounds bool
	// CPUBounds says that the verifier knows that the number of a CPU is below CPUs. Where it does not, it is told by a mask.
	CPUBounds bool
	// WeakOrder says that a branch does not order the loads behind it, as on every machine but amd64. Tables are then
	// read by addresses that depend on the epochs, and rows by those that depend on the fields compared before, so that
	// they are not read before.
	WeakOrder bool
	// VethTag says where the metadata of a frame stands behind a veth's xdp_buff; nil where BTF does not tell.
	VethTag *VethTag
	// Conntrack says how tracked connections are found and read; nil where a kernel or its BTF does not let programs do
	// that.
	Conntrack *Conntrack
}

// VethTag locates the metadata of a frame on a veth, its VLAN tag and what is known of its checksum: xdp_md, which is the
// driver's xdp_buff while a program runs -> (bpf_rdonly_cast to VethBuff) skb -> vlan_all, ip_summed. All are read from
// the kernel's BTF.
type VethTag struct {
	RdonlyCast   int32 // BTF id of the kfunc bpf_rdonly_cast
	VethBuff     int32 // BTF id of struct veth_xdp_buff
	SkBuff       int32 // BTF id of struct sk_buff
	SkbOffset    int16 // offset of skb in veth_xdp_buff, bytes
	TagOffset    int16 // offset of vlan_all (vlan_proto, vlan_tci; 4 bytes, 0 without a tag) in sk_buff, bytes
	SummedOffset int16 // offset of the byte of sk_buff that holds ip_summed
	SummedMask   uint8 // its two bits in that byte, all set for CHECKSUM_PARTIAL; 0 if it is not known where they are
}

// Names of the maps of an emitted program. Tables use their own names.
const (
	MapSeen  = "seen"  // slowpath.Epochs, shared by the programs of a host; one value
	MapBuilt = "built" // slowpath.Epochs, fresh for every loaded program; one value
	MapAsks  = "asks"  // ring buffer of Ask: connections whose window the kernel is to leave alone
	// MapAccounts is a hash of the accounts of connections, by the addresses of their entries; see AccountBytes.
	MapAccounts = "accounts"
	MapStats    = "stats" // per CPU: MaxReasons + NumCounters 64-bit counters; one value of StatsStride(CPUs) x CPUs bytes
	// ProgramName names the program in the CollectionSpec.
	ProgramName = "hone"
)
