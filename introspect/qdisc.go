package introspect

import "golang.org/x/sys/unix"

const sizeofTcmsg = 20

// fqMaxRate is the option of the discipline fq (TCA_FQ_FLOW_MAX_RATE) that says how many bytes of a flow leave in a second.
const fqMaxRate = 7

// decodeTC reads the payload of a message about a queueing discipline or filter: its place, and its kind.
func decodeTC(b []byte) (q Qdisc, err error) {
	if len(b) < sizeofTcmsg {
		return q, errShort
	}
	q.Key = QdiscKey{Index(int32(native.Uint32(b[4:]))), native.Uint32(b[8:]), native.Uint32(b[12:])}
	err = attributes(b[sizeofTcmsg:], func(attr uint16, data []byte) error {
		switch {
		case attr == unix.TCA_KIND:
			return set(&q.Kind, readString, data)
		case attr == unix.TCA_OPTIONS && q.Kind == "fq": // the kernel sends the kind before them
			return attributes(data, q.option)
		}
		return nil // any other kind is compiled past or it is not, whatever its options
	})
	return q, err
}

// option reads what is known of the options of fq.
func (q *Qdisc) option(kind uint16, data []byte) error {
	if kind != fqMaxRate {
		return nil
	}
	rate, err := readU32(data)
	q.Paced = rate != ^uint32(0)
	return err
}

func foldQdisc(s *Snapshot, m message, e *Effect) (bool, error) {
	q, err := decodeTC(m.data)
	if err != nil {
		return false, err
	}
	if m.gone {
		e.Resync |= Qdiscs | Filters // what stood on it goes with it; a default one may take its place
	}
	return put(&s.Qdiscs, m.gone, q.Key, q), nil
}
