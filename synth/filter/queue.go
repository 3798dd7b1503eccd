package filter

import "container/heap"

// queue gives the least of some numbers.
type queue struct{ heap ints }

func (q *queue) push(n int) { heap.Push(&q.heap, n) }

func (q *queue) pop() { heap.Pop(&q.heap) }

// ints is a heap of numbers.
type ints []int

func (h ints) Len() int           { return len(h) }
func (h ints) Less(i, j int) bool { return h[i] < h[j] }
func (h ints) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *ints) Push(n any)        { *h = append(*h, n.(int)) }
func (h *ints) Pop() any {
	n := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return n
}
