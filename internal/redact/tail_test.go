package redact_test

import (
	"testing"

	"github.com/trefoil-gitops/trefoil/internal/redact"
)

// TestTail: of a line whose beginning is gone nothing is shown, since that may have named a secret (I6).
func TestTail(t *testing.T) {
	for _, test := range []struct{ said, want string }{
		{"", ""},
		{"0123456789", "0123456789"},
		{"a\n23456789b", "(cut)\n23456789b"},
		{"TOKEN=hunter2", "(cut)"},
		{"TOKEN=hunter2\nend", "(cut)\nend"},
		{"TOKEN=hunter2\rend", "(cut)\rend"},
		{"x\n0123456789", "(cut)\n0123456789"},
	} {
		for _, size := range []int{1, 3, 100} {
			tail := redact.Tail{Most: 10}
			for rest := test.said; rest != ""; {
				n := min(size, len(rest))
				if written, err := tail.Write([]byte(rest[:n])); written != n || err != nil {
					t.Fatalf("%d bytes written, %v", written, err)
				}
				rest = rest[n:]
			}
			if got := string(tail.Text()); got != test.want {
				t.Errorf("%q in parts of %d is %q, want %q", test.said, size, got, test.want)
			}
		}
	}
}
