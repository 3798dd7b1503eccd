package introspect

// kindTCX is the kind under which TCX programs stand among the Filters.
const kindTCX = "tcx"

// decodeFilter reads the payload of RTM_NEWTFILTER or RTM_DELTFILTER.
func decodeFilter(b []byte) (Filter, error) {
	q, err := decodeTC(b)
	if err != nil {
		return Filter{}, err
	}
	return Filter{FilterKey{q.Key.Index, q.Key.Parent, q.Kind}}, nil
}

// foldFilter only asks for a new dump: others of the kind may be left where one goes, a shared block belongs to devices
// that it does not name, and the parent in a notification is not always the one that a dump shows.
func foldFilter(_ *Snapshot, m message, e *Effect) (bool, error) {
	_, err := decodeFilter(m.data)
	if err == nil {
		e.Resync |= Filters
	}
	return false, err
}
