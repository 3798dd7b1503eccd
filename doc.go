// Package hone is the root of the module: the programs are in cmd/honed and cmd/hone; ARCHITECTURE.md is the map.
package hone
