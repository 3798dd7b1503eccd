// Package specialize rewrites packet programs into programs that do the same for less.
package specialize
