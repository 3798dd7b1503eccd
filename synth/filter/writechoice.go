package filter

// choose writes a verdict map.
func (w *writer) choose(b *body, s step, next *label, to way) {
	values, ok := w.values(s.choice.keys)
	if !ok {
		return
	}
	for i, bx := range s.choice.boxes {
		hit, miss := w.label(), w.label()
		w.box(s.choice.keys, bx, values, hit, miss)
		w.Start(hit.block)
		w.verdict(b, s.verdicts[s.choice.of[i]], next, to)
		if !miss.used {
			return
		}
		w.Start(miss.block)
	}
	if s.rest != nil {
		w.verdict(b, *s.rest, next, to)
		return
	}
	w.jump(next)
}
