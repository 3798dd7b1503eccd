// Package introspect reads over netlink what a host is configured to do with packets, and keeps that up to date.
//
// Decoders are total: what is not understood and not known to be harmless lands in the object's Unknown list, and
// nothing unknown is ever accelerated. Everything works in the network namespace of the calling thread.
package introspect
