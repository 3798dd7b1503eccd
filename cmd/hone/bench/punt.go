package bench

// puntCase forwards frames that a program must leave to the kernel at the very end of its checks, because their route is
// one of two that differ in TOS, and compares with the kernel without a program.
var puntCase = Case{Name: "punt", Doc: "the extra cost of a packet that is handed to the kernel", run: func(o Options) (Result, error) {
	result := Result{Case: "punt"}
	r, err := newRouter(1, "route add 10.128.0.0/24 tos 0x10 via 10.2.0.1")
	if err != nil {
		return result, err
	}
	defer r.close()
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
