//go:build e2e

package stack

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// FreePort returns a TCP port of the host that nobody listens on and that no
// other call returns, whichever process makes it, as long as this process lives.
func FreePort() (int, error) {
	ports, err := freePorts(1)
	if err != nil {
		return 0, err
	}
	return ports[0], nil
}

// freePorts is FreePort of n ports. They lie below the kernel's ephemeral range:
// an outgoing connection can't take one of them between this call and the
// listening of the program that it is for.
func freePorts(n int) ([]int, error) {
	const first, width, tries = 20000, 12000, 1000
	ports := make([]int, 0, n)
	for range tries {
		if len(ports) == n {
			return ports, nil
		}
		if port := first + rand.IntN(width); claim(port) {
			ports = append(ports, port)
		}
	}
	return nil, fmt.Errorf("no %d free ports between %d and %d", n, first, first+width)
}

// claim reports whether a port is free, which other calls then do not find it to
// be: the UDP port of its number is held, which nothing in a stack listens on.
func claim(port int) bool {
	address := fmt.Sprintf("%s:%d", host(), port)
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return false
	}
	defer listener.Close()
	// Closed by the end of the process.
	held, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return false
	}
	if err := unix.Bind(held, &unix.SockaddrInet4{Port: port, Addr: netip.MustParseAddr(host()).As4()}); err != nil {
		_ = unix.Close(held)
		return false
	}
	return true
}
