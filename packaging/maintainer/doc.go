// Package maintainer has what a Debian package runs when it is installed, upgraded, removed and purged, and tests of that.
package maintainer
