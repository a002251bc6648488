package python

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// fake writes a shell script in the place of an interpreter. It says its version, makes an environment with itself in it, and "installs":
// each time it writes a line to the file `installs` beside it.
func fake(t *testing.T, script string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "python")
	if err := os.WriteFile(name, []byte("#!/bin/sh\nself="+name+"\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

const wellBehaved = `
case "$*" in
*version_info*) echo 3.12.1 ;;
*ensurepip*) ;;
"-m venv "*) mkdir -p "$3/bin" && cp "$self" "$3/bin/python" ;;
"-m pip install"*)
	echo "Collecting numpy"; cat "$(dirname $0)/../pip.conf" 2>/dev/null | tr '\n' ' ' >>"$(dirname $self)/installs"; echo >>"$(dirname $self)/installs"
	if grep -q broken requirements.txt; then
		echo "ERROR: no matching distribution at https://user:secret@index.example/broken" >&2; exit 1
	fi
	if grep -q slow requirements.txt; then sleep 600; fi ;;
*) exit 9 ;;
esac
`

func find(t *testing.T, script string) Interpreter {
	t.Helper()
	i, err := Find(t.Context(), fake(t, script))
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func TestFind(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"good", wellBehaved, ""},
		{"too old", `echo 3.7.2`, "is Python 3.7.2, and 3.8 or later is needed"},
		{"another age", `echo 2.7.18`, "is Python 2.7.18"},
		{"no Python", `echo hello`, "is Python hello"},
		{"broken", `echo "cannot open shared object" >&2; exit 127`, "no Python that runs: exit status 127: cannot open shared object"},
		{"no venv", `case "$*" in *version_info*) echo 3.12.1 ;; *) echo "ModuleNotFoundError: ensurepip" >&2; exit 1 ;; esac`, "apt install python3-venv"},
	} {
		t.Run(c.name, func(t *testing.T) {
			i, err := Find(t.Context(), fake(t, c.script))
			switch {
			case c.want == "" && (err != nil || i.Version != "3.12.1"):
				t.Errorf("%+v, %v", i, err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%+v, %v", i, err)
			}
		})
	}
	if _, err := Find(t.Context(), filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), Variable) {
		t.Error(err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Find(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "no Python on this machine") {
		t.Error(err)
	}
}

// source is a folder with these requirements.
func source(t *testing.T, requirements string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, requirementsFile), []byte(requirements), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func installs(t *testing.T, i Interpreter) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(filepath.Dir(i.Path), "installs"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func request(t *testing.T, cache, source string) Request {
	return Request{Cache: cache, Source: source, Env: os.Environ(), Told: func(line string) { t.Log(line) }}
}

func TestEnsureOnce(t *testing.T) {
	i, cache, one := find(t, wellBehaved), t.TempDir(), source(t, "numpy")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			programs, err := i.Ensure(t.Context(), request(t, cache, one))
			if err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(programs, "python")); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := len(installs(t, i)); n != 1 {
		t.Errorf("installed %d times", n)
	}
	if err := os.WriteFile(filepath.Join(one, configFile), []byte("[install]\nno-deps = true\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := i.Ensure(t.Context(), request(t, cache, one)); err != nil {
		t.Fatal(err)
	}
	if all := installs(t, i); len(all) != 2 || all[1] != "[install] no-deps = true " {
		t.Errorf("installed with the configurations %q", all)
	}
}

func TestEnsureNothing(t *testing.T) {
	i := find(t, wellBehaved)
	if _, err := i.Ensure(t.Context(), request(t, t.TempDir(), t.TempDir())); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(i.Path), "installs")); err == nil {
		t.Error("pip was run for nothing")
	}
}

func TestEnsureFails(t *testing.T) {
	i, cache, broken := find(t, wellBehaved), t.TempDir(), source(t, "broken")
	for range 2 { // nothing half made is taken for an environment
		_, err := i.Ensure(t.Context(), request(t, cache, broken))
		if err == nil || !strings.Contains(err.Error(), "no matching distribution at https://***@index.example/broken") || strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
	}
	if n := len(installs(t, i)); n != 2 {
		t.Errorf("installed %d times", n)
	}
}

func TestEnsureCancelled(t *testing.T) {
	i, cache, slow := find(t, wellBehaved), t.TempDir(), source(t, "slow")
	ctx, cancel := context.WithCancel(t.Context())
	r := request(t, cache, slow)
	r.Told = func(line string) {
		if line == "Collecting numpy" {
			cancel()
		}
	}
	if _, err := i.Ensure(ctx, r); err == nil {
		t.Error("no error")
	}
	if all, err := filepath.Glob(filepath.Join(cache, "venvs", "*", "*")); err != nil || len(all) > 0 {
		t.Errorf("left are %v, %v", all, err)
	}
}
