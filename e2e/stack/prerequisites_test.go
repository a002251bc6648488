//go:build e2e

package stack

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestLacking(t *testing.T) {
	tests := []struct {
		missing []string
		want    string
	}{
		{nil, ""},
		{[]string{"runc"}, "runc"},
		{[]string{cniDir + "/bridge", cniDir + "/host-local"}, "containernetworking-plugins"},
		{[]string{"ip", "/bin/busybox"}, "busybox-static iproute2"},
	}
	for _, test := range tests {
		got := lacking(func(program string) (string, error) {
			if slices.Contains(test.missing, program) {
				return "", errors.New("not found")
			}
			return program, nil
		})
		if strings.Join(got, " ") != test.want {
			t.Errorf("without %q the packages are %q, want %q", test.missing, got, test.want)
		}
	}
}
