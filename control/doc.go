// Package control is how the command line and the agent talk: JSON documents over HTTP on a unix socket, one socket
// and one agent for each network namespace.
//
// The agent serves, below its socket:
//
//	GET  /v1/status                          Status
//	GET  /v1/plan                            Plan
//	GET  /v1/doctor                          Doctor
//	GET  /v1/tallies                         Tallies
//	GET  /v1/accounts                        Accounts
//	GET  /v1/dump?kind=ir|asm|snapshot|epochs&interface=NAME   text
//	POST /v1/explain?packet=DESCRIPTION      Explanation
//	POST /v1/enable?interface=NAME           Switched
//	POST /v1/disable?interface=NAME          Switched
//	GET  /v1/monitor                         Events, one a line, until the client goes
//	GET  /metrics                            Prometheus text
//
// An error is a status of 400 or above and an Error document.
package control

// Version is the version of the programs; the build sets it.
var Version = "0.0.0-dev"
