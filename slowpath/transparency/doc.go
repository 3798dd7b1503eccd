// Package transparency holds a test only: what users see of a router with their usual commands, with the kernel alone
// and with honed, compared scene by scene; and what routing daemons see.
package transparency
