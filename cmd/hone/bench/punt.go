package bench

// puntCase forwards frames that a program on a veth must leave to the kernel (UDP without a checksum, which may hide a
// partial one inside), and compares with the kernel without a program.
var puntCase = Case{Name: "punt", Doc: "the extra cost of a packet that is handed to the kernel", run: func(o Options) (Result, error) {
	result := Result{Case: "punt"}
	r, err := newRouter(1)
	if err != nil {
		return result, err
	}
	defer r.close()
	frames := r.frames(r.dsts)
	for _, f := range frames {
		f[40], f[41] = 0, 0
	}
	r.flood.close()
	if r.flood, err = newFlood(r.Ports[0].Peer.Index, frames); err != nil {
		return result, err
	}
	result.Subjects, result.Notes, err = r.compare(o, []subject{dropSubject, kernelSubject, passSubject, honeSubject})
	if err != nil {
		return result, err
	}
	result.Figures = map[string]float64{
		"extra_ns":       result.Subjects["hone"].NS - result.Subjects["kernel"].NS,
		"extra_empty_ns": result.Subjects["empty"].NS - result.Subjects["kernel"].NS,
	}
	return result, nil
}}
