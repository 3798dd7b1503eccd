package introspect

// kindTCX is the kind under which TCX programs stand among the Filters.
const kindTCX = "tcx"

// blockIndex is tcm_ifindex of a filter on a block that several qdiscs share.
const blockIndex Index = -1

// decodeFilter reads the payload of RTM_NEWTFILTER or RTM_DELTFILTER.
func decodeFilter(b []byte) (Filter, error) {
	index, _, parent, kind, err := decodeTC(b)
	if err != nil {
		return Filter{}, err
	}
	return Filter{FilterKey{index, parent, kind}}, nil
}

func foldFilter(s *Snapshot, m message, resync *Kind) (bool, error) {
	f, err := decodeFilter(m.data)
	if err != nil {
		return false, err
	}
	if m.gone || f.Key.Index == blockIndex {
		*resync |= Filters // others of the kind may be left, and a shared block belongs to devices that it does not name
		return false, nil
	}
	return put(&s.Filters, false, f.Key, f), nil
}
