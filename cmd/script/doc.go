// Package script tests the two programs as their users meet them: each script of testdata runs honed and hone in network
// namespaces of its own. The scripts are written for testscript; script_test.go has the commands that they use beside
// those of testscript.
package script
