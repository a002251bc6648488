package gitrepo

import (
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// Row 14, I6: what would send a password in the clear, run a program or reach another server is refused in words before anything is dialled,
// and no error quotes what may be a secret.
func TestFault14Refused(t *testing.T) {
	const canary = "s3cr3t"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	var dialled atomic.Int64
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			dialled.Add(1)
			connection.Close()
		}
	}()
	here := listener.Addr().String()
	tests := []struct{ name, url, want string }{
		{"git daemon", "git://" + here + "/x", `scheme "git" is not taken; use https, ssh or file`},
		{"a program", "ext::sh -c id", "only scheme, host and path"},
		{"a program, escaped", "ext::sh%20-c%20id", "only scheme, host and path"},
		{"a program as a scheme", "ext://sh/-c/id", `scheme "ext" is not taken`},
		{"ftp", "ftp://" + here + "/x", `scheme "ftp" is not taken`},
		{"git over plain ssh words", "git+ssh://" + here + "/x", `scheme "git+ssh" is not taken`},
		{"plain http", "http://example.com/x", "plain http is only taken for this machine itself; use https"},
		{"plain http to a look-alike", "http://127.0.0.1.example.com/x", "use https"},
		{"plain http to a look-alike name", "http://localhost.example.com/x", "use https"},
		{"plain http to all addresses", "http://0.0.0.0/x", "use https"},
		{"password in the URL", "https://bob:" + canary + "@" + here + "/x", "it holds credentials; take them out and give them as files"},
		{"token in the URL", "https://" + canary + "@" + here + "/x", "it holds credentials"},
		{"password in an ssh URL", "ssh://git:" + canary + "@" + here + "/x", "it holds credentials"},
		{"password for a file", "file://bob:" + canary + "@/x", "it holds credentials"},
		{"option of ssh", "ssh://-oProxyCommand=id/x", "no host begins with a dash"},
		{"query", "https://" + here + "/x?token=" + canary, "only scheme, host and path"},
		{"fragment", "https://" + here + "/x#" + canary, "only scheme, host and path"},
		{"relative file", "file://specs/x", "three slashes"},
		{"path", "/srv/" + canary, "not a URL"},
	}
	for _, test := range tests {
		_, err := Open(options(test.url))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: Open = %v; want %q", test.name, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("I6: %s: %v", test.name, err)
		}
	}
	if dialled.Load() != 0 {
		t.Errorf("%d connections were made", dialled.Load())
	}
}

// FuzzURL finds no URL that gets past the rules: one of four schemes, no secret, plain http to this machine alone, and read by go-git's
// and the shell's side as it was read here. What is refused is not repeated.
func FuzzURL(f *testing.F) {
	for _, seed := range []string{
		"https://example.com/a/b.git", "ssh://git@example.com:22/a", "file:///srv/a", "http://[::1]:80/x", "git@example.com:a/b", "ext::sh -c id",
		"https://bob:pass@example.com/x", "http://localhost@example.com/", "https://example.com\\@127.0.0.1/x", "https://exa%6dple.com/%2e%2e/x", "ssh://-oX=y/z",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		at, err := parseURL(raw)
		if err != nil {
			if _, secret, ok := strings.Cut(raw, "s3cr3t"); ok && strings.Contains(err.Error(), "s3cr3t"+secret) {
				t.Errorf("I6: %v", err)
			}
			return
		}
		password, has := at.User.Password()
		again, err := parseURL(at.String())
		switch {
		case err != nil || again.String() != at.String() || again.Host != at.Host || again.Path != at.Path:
			t.Errorf("%q is read as %q, and that as %v, %v", raw, at, again, err)
		case !slices.Contains([]string{"https", "http", "ssh", "file"}, at.Scheme) || has || password != "":
			t.Errorf("%q is taken", raw)
		case at.Scheme == "http" && !loopback(at.Hostname()), at.Scheme == "file" && at.Host != "", at.Scheme != "file" && at.Host == "":
			t.Errorf("%q is taken", raw)
		case at.Scheme != "ssh" && at.User != nil, strings.HasPrefix(at.Host, "-"), strings.HasPrefix(at.User.Username(), "-"):
			t.Errorf("%q is taken", raw)
		}
	})
}
