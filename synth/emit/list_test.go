package emit

import (
	"os"
	"testing"
)

func TestPrintListing(t *testing.T) {
	if os.Getenv("LISTING") == "" {
		t.Skip("set LISTING to see it")
	}
	text, err := Listing(forwarder(), testKernel)
	if err != nil {
		t.Fatal(err)
	}
	os.Stdout.WriteString(text)
}
