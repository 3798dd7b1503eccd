package introspect

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// ruleset reads what nftables is told to do. Each commit to it makes a generation, whose number tells whether what
// several dumps show belongs together.
type ruleset struct {
	conn       *netlink.Conn // nil where the kernel has no netfilter netlink
	tries      int           // how often one that keeps changing is read in one go
	again      bool          // this is not the first try: verdict maps are read, too
	last       bool          // what is missing now is not shown at all
	missing    bool          // some chain lacks rules; what is being prepared may have made it seem so
	generation uint32        // of what was read last
	known      bool          // there is one

	folded    uint32          // the commit that the Watcher has folded last,
	following bool            // if it has folded any since the last loss
	behind    map[SetKey]bool // sets whose elements are those after folded, not those of generation
}

// rulesetTries are few, because the Watcher comes back.
const rulesetTries = 4

func nftRequest(message uint16) request {
	return request{unix.NFNL_SUBSYS_NFTABLES<<8 | message, make([]byte, sizeofNfgenmsg)}
}

// read reads the ruleset anew. The elements of a set are kept from s unless fresh tells that they may have changed. It
// ends with errTorn if the ruleset changed whenever it was read.
func (r *ruleset) read(s *Snapshot, fresh func(SetKey) bool) (n *Snapshot, err error) {
	for try := range max(1, r.tries) {
		time.Sleep(time.Duration(try) * time.Millisecond)
		r.again, r.last = try > 0, try >= rulesetTries-1
		if n, err = r.readOnce(s, fresh); !retryable(err) {
			return n, err
		}
	}
	return n, err
}

func (r *ruleset) readOnce(s *Snapshot, fresh func(SetKey) bool) (*Snapshot, error) {
	before, err := r.currentGeneration()
	if absent(err) {
		r.missing = false
		return s.withRuleset(&picture{}), nil // no nftables
	}
	if err != nil {
		return s, err
	}
	p, err := r.dump(s, fresh)
	if err != nil {
		return s, err
	}
	after, err := r.currentGeneration()
	if err != nil {
		return s, err
	}
	if before != after {
		return s, errTorn
	}
	r.generation, r.known, r.missing = after, true, p.missing
	return s.withRuleset(p), nil
}

// currentGeneration asks for the number of the last commit.
func (r *ruleset) currentGeneration() (uint32, error) {
	if r.conn == nil {
		return 0, unix.EPROTONOSUPPORT
	}
	q := nftRequest(unix.NFT_MSG_GETGEN)
	answers, err := r.conn.Execute(netlink.Message{Header: netlink.Header{Type: netlink.HeaderType(q.kind), Flags: netlink.Request}, Data: q.body})
	if err != nil {
		return 0, err
	}
	if len(answers) == 0 {
		return 0, errShort
	}
	return decodeGeneration(answers[0].Data)
}

// picture is a ruleset as its dumps show it.
type picture struct {
	tables     map[TableKey]Table
	chains     map[ChainKey]*Chain
	uses       map[ChainKey]uint32 // rules that a chain has, and verdicts that lead to it
	sets       map[SetKey]Set
	objects    map[ObjectKey]StatefulObject
	flowtables map[FlowtableKey]Flowtable
	verdicts   map[ChainKey]int // of maps, that lead to a chain
	missing    bool             // some chain lacks rules
}

func newPicture() *picture {
	return &picture{tables: map[TableKey]Table{}, chains: map[ChainKey]*Chain{}, uses: map[ChainKey]uint32{}, sets: map[SetKey]Set{},
		objects: map[ObjectKey]StatefulObject{}, flowtables: map[FlowtableKey]Flowtable{}, verdicts: map[ChainKey]int{}}
}

// dump takes a picture, which belongs together only if the generation is the same before and after.
func (r *ruleset) dump(s *Snapshot, fresh func(SetKey) bool) (*picture, error) {
	p := newPicture()
	for _, d := range []struct {
		what    string
		message uint16
		take    func([]byte) error
	}{
		{"tables", unix.NFT_MSG_GETTABLE, p.takeTable},
		{"chains", unix.NFT_MSG_GETCHAIN, p.takeChain},
		{"rules", unix.NFT_MSG_GETRULE, p.takeRule},
		{"sets", unix.NFT_MSG_GETSET, p.takeSet},
		{"objects", unix.NFT_MSG_GETOBJ, p.takeObject},
		{"flowtables", unix.NFT_MSG_GETFLOWTABLE, p.takeFlowtable},
	} {
		err := r.ask(nftRequest(d.message), d.take)
		if err != nil && !absent(err) {
			return nil, fmt.Errorf("introspect: dump nftables %s: %w", d.what, err)
		}
	}
	written := p.writtenSets()
	for k, v := range p.sets {
		old, _ := s.Sets.Get(k)
		same := p.same(s, old, v)
		v.Written = written[k] || same && old.Written // the last packets may be under way
		verdicts := v.DataType == DataVerdict
		// What is kept may be older than the chains, whose counts the verdicts of later commits are in.
		if same && old.Fluid() == v.Fluid() && !fresh(k) && !(verdicts && r.again) {
			v.Elements = old.Elements
		} else if err := r.dumpElements(&v); err != nil {
			return nil, fmt.Errorf("introspect: dump elements of set %s: %w", k.Name, err)
		} else {
			v.Elements = v.Elements.onto(old.Elements)
		}
		if verdicts {
			if err := r.countVerdicts(p, v); err != nil {
				return nil, err
			}
		}
		p.sets[k] = v
	}
	return p, p.counted(r.last)
}

// same tells whether a set is still the one that it was: handles are of a table, and begin anew with it.
func (p *picture) same(s *Snapshot, old, now Set) bool {
	k := TableKey{now.Key.Family, now.Key.Table}
	table, _ := s.Tables.Get(k)
	return old.Key == now.Key && old.Handle == now.Handle && table.Handle == p.tables[k].Handle
}

func (r *ruleset) ask(q request, take func([]byte) error) error {
	return askOnce(r.conn, q, func(m netlink.Message) error { return take(m.Data) }, func(bool) {})
}

// dumpElements reads the elements of a set. One that vanished makes the picture torn, and so does one that shows an element
// twice: a hash table grows and shrinks after the commit, without a word of it, and each part of the dump passes over as many
// elements as the parts before had, in whatever order they stand by then. As many as are shown twice are not shown at all.
func (r *ruleset) dumpElements(v *Set) error {
	if v.Fluid() {
		return nil
	}
	elements, parts, err := r.elementsOf(v.Key)
	if err == nil && parts > 1 {
		// Elements of a commit that is being prepared are passed over, but count, and are gone without a new generation where it
		// is given up: as many others are then passed over, too.
		var once Map[ElementKey, Element]
		if once, _, err = r.elementsOf(v.Key); err == nil && !once.Equal(elements) {
			return errTorn
		}
	}
	v.Elements = elements
	return err
}

// elementsOf dumps the elements of a set once, and tells in how many parts.
func (r *ruleset) elementsOf(k SetKey) (Map[ElementKey, Element], int, error) {
	found, torn, parts, q := map[ElementKey]Element{}, false, 0, elementsRequest(k)
	err := askOnce(r.conn, q, func(m netlink.Message) error {
		e, err := decodeElements(m.Data)
		for _, one := range e.all {
			_, again := found[one.Key]
			torn = torn || again && !one.Key.CatchAll
			found[one.Key] = one
		}
		return err
	}, func(bool) { parts++ })
	if torn || errors.Is(err, unix.ENOENT) {
		err = errTorn
	}
	return mapOf(found), parts, err
}

// elementsRequest asks for the elements of a set.
func elementsRequest(k SetKey) request {
	q := nftRequest(unix.NFT_MSG_GETSETELEM)
	q.body[0] = k.Family
	q.body = appendString(appendString(q.body, 1, k.Table), 2, k.Name)
	return q
}

// appendString adds an attribute that is a string.
func appendString(b []byte, kind uint16, text string) []byte {
	b = native.AppendUint16(b, uint16(unix.SizeofNlAttr+len(text)+1))
	b = append(append(native.AppendUint16(b, kind), text...), 0)
	return append(b, make([]byte, align4(len(b))-len(b))...)
}

func (p *picture) takeTable(b []byte) error {
	t, err := decodeTable(b)
	p.tables[t.Key] = t
	return err
}

func (p *picture) takeChain(b []byte) error {
	c, err := decodeChain(b)
	p.chains[c.Key] = &c
	if err != nil {
		return err
	}
	return attributes(b[sizeofNfgenmsg:], func(kind uint16, data []byte) error {
		uses := uint32(0)
		if kind != chainUse {
			return nil
		}
		err := set(&uses, readBigU32, data)
		p.uses[c.Key] = uses
		return err
	})
}

// takeRule appends to a chain, for the rules of each come in their order.
func (p *picture) takeRule(b []byte) error {
	k, r, err := decodeChainRule(b)
	if err != nil {
		return err
	}
	c, ok := p.chains[k]
	if !ok {
		return errTorn
	}
	c.Rules = append(c.Rules, &r)
	return nil
}

func (p *picture) takeSet(b []byte) error {
	v, err := decodeSet(b)
	p.sets[v.Key] = v
	return err
}

func (p *picture) takeObject(b []byte) error {
	o, err := decodeObject(b)
	p.objects[o.Key] = o
	return err
}

func (p *picture) takeFlowtable(b []byte) error {
	f, err := decodeFlowtable(b)
	p.flowtables[f.Key] = f
	return err
}

// withRuleset returns the Snapshot with the ruleset of a picture, and shares with s what does not differ.
func (s *Snapshot) withRuleset(p *picture) *Snapshot {
	n := *s
	chains := make(map[ChainKey]Chain, len(p.chains))
	for k, c := range p.chains {
		if old, ok := s.Chains.Get(k); ok {
			c.shareRules(old)
		}
		chains[k] = *c
	}
	n.Tables, n.Chains, n.Sets = become(s.Tables, p.tables), become(s.Chains, chains), become(s.Sets, p.sets)
	n.Objects, n.Flowtables = become(s.Objects, p.objects), become(s.Flowtables, p.flowtables)
	return changed(s, &n)
}

// shareRules takes the rules that an older state of the chain had, too, so that both compare fast.
func (c *Chain) shareRules(old Chain) {
	had := make(map[uint64]*ChainRule, len(old.Rules))
	for _, r := range old.Rules {
		had[r.Handle] = r
	}
	for i, r := range c.Rules {
		if o := had[r.Handle]; o != nil && o.Equal(*r) {
			c.Rules[i] = o
		}
	}
}

// mapOf makes a Map of its entries.
func mapOf[K Key[K], V Object[V]](entries map[K]V) Map[K, V] {
	keys := make([]K, 0, len(entries))
	for k := range entries {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, K.Compare)
	return collect(func(yield func(K, V) bool) {
		for _, k := range keys {
			if !yield(k, entries[k]) {
				return
			}
		}
	})
}
