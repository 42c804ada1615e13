package connector

import (
	"net"
	"strconv"
)

// Holder returns the process that listens on the port of a TCP address, and its
// command line. It is not known of another user's process.
func Holder(address string) (pid int, command string, ok bool) {
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return 0, "", false
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return 0, "", false
	}
	return holder(uint16(port))
}
