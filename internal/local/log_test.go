package local

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// I6: what a process said last is shown without the secrets that it printed, and without what a terminal would obey.
func TestLogTail(t *testing.T) {
	for _, c := range []struct{ name, said, want string }{
		{"lines", "epoch 1\nepoch 2\n", "epoch 1 | epoch 2"},
		{"secret", "connecting\ndb_password = hunter2 and more\nrefused\n", "connecting | db_password = [redacted] | refused"},
		{"colour in a name", "API_\x1b[31mTOKEN=abc\nrefused\n", "API_TOKEN=[redacted] | refused"},
		{"key", "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----\nrefused\n", "[redacted] | refused"},
		{"title", "\x1b]0;owned\arefused\n", "refused"},
		{"progress", "10 %\r100 %\nrefused\n", "100 % | refused"},
		{"a long last line", "first\n" + strings.Repeat("x", 200) + "\n", strings.Repeat("x", 200)},
		{"no beginning", "TOKEN=" + strings.Repeat("x", tailBytes) + "\nrefused\n", "(cut) | refused"},
		{"nothing", "\n \n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			log, err := createLog(filepath.Join(t.TempDir(), "log"))
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			if _, err := io.WriteString(log, c.said); err != nil {
				t.Fatal(err)
			}
			if got := log.tail(); got != c.want {
				t.Errorf("%q is shown as %q, want %q", c.said, got, c.want)
			}
		})
	}
}
