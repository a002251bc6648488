package render_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// builder stands in for buildah and buildctl: it notes its arguments in LOG and writes the digest of what is pushed. The first
// REFUSALS pushes fail; BROKEN builds fail, with CODE if there is one.
func builder(args []string) int {
	if strings.Join(args, " ") == "debug workers" { // asks whether buildkitd is there
		if _, err := os.Stat(os.Getenv("LOG") + ".daemon"); err != nil {
			return 1
		}
		return 0
	}
	if note("", args) != nil {
		return 1
	}
	if broken := os.Getenv("BROKEN"); broken != "" && !slices.Contains(args, "push") {
		code := 3
		_, _ = fmt.Sscan(os.Getenv("CODE"), &code)
		fmt.Fprintln(os.Stderr, "STEP 1/2: FROM base\nError:", broken)
		return code
	}
	file, content := "--digestfile", "sha256:0f"
	if slices.Contains(args, "--metadata-file") {
		file, content = "--metadata-file", `{
  "containerimage.config.digest": "sha256:1e",
  "containerimage.digest": "sha256:0f"
}
`
	}
	i := slices.Index(args, file)
	if i < 0 {
		return 0
	}
	if refused() {
		fmt.Fprintln(os.Stderr, "connection refused", os.Getenv("REFUSAL"))
		return 1
	}
	if os.WriteFile(args[i+1], []byte(content), 0o644) != nil {
		return 1
	}
	return 0
}

// note adds a line with the arguments of a program to the log, or to one beside it.
func note(beside string, args []string) error {
	log, err := os.OpenFile(os.Getenv("LOG")+beside, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(log, strings.Join(args, "|"))
	return errors.Join(err, log.Close())
}

// refused reports whether a registry that fails REFUSALS times does so now.
func refused() bool {
	var times int
	_, _ = fmt.Sscan(os.Getenv("REFUSALS"), &times)
	file := os.Getenv("LOG") + ".refused"
	before, _ := os.ReadFile(file)
	return len(before) < times && os.WriteFile(file, append(before, '.'), 0o644) == nil
}

// daemon stands in for rootlesskit with a buildkitd in it, until it is told to end.
func daemon(args []string) int {
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	if os.Getenv("BROKEN") == "daemon" {
		fmt.Fprintln(os.Stderr, "write to uid_map failed")
		return 1
	}
	if note(".daemon", args) != nil {
		return 1
	}
	<-end
	if note(".daemon", []string{"ended"}) != nil {
		return 1
	}
	return 0
}

// building is the environment of a build in a folder.
func building(dir string, more ...string) []string {
	return append([]string{
		"CONTEXT=" + dir + "/context", "DOCKERFILE=" + dir + "/context/docker/Dockerfile", "IMAGE=registry.example/mnist:v1-1f2e",
		"NOTES=trefoil.dev/model=mnist\norg.opencontainers.image.source=https://git.example.com/a,\"b\" $(c)",
		"DIGEST=" + dir + "/digest", "STORAGE=" + dir + "/storage", "RETRY_SECONDS=0", "LOG=" + dir + "/log",
		"HOME=" + dir + "/storage", "REGISTRY=registry.example:5000",
	}, more...)
}

// calls are the lines of the log, with the folder called DIR.
func calls(t *testing.T, dir, beside string) string {
	t.Helper()
	text, err := os.ReadFile(dir + "/log" + beside)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), dir, "DIR")
}

const (
	source        = `org.opencontainers.image.source=https://git.example.com/a,"b" $(c)`
	buildahBuilds = "--root|DIR/storage/layers|--runroot|DIR/storage/run|bud|--timestamp|0|" +
		"--label|trefoil.dev/model=mnist|--annotation|trefoil.dev/model=mnist|--label|" + source + "|--annotation|" + source +
		"|-f|DIR/context/docker/Dockerfile|-t|registry.example/mnist:v1-1f2e|DIR/context\n"
	buildahPushes  = "--root|DIR/storage/layers|--runroot|DIR/storage/run|push|-q|--digestfile|DIR/digest|registry.example/mnist:v1-1f2e\n"
	buildkitBuilds = "build|--frontend|dockerfile.v0|--progress|plain|--opt|build-arg:SOURCE_DATE_EPOCH=0|--local|context=DIR/context|" +
		"--local|dockerfile=DIR/context/docker|--opt|filename=Dockerfile|--opt|label:trefoil.dev/model=mnist|--opt|label:" + source
	buildkitPushes = buildkitBuilds + "|--output|type=image,name=registry.example/mnist:v1-1f2e,push=true,oci-mediatypes=true," +
		`rewrite-timestamp=true,"annotation.trefoil.dev/model=mnist",` +
		`"annotation.org.opencontainers.image.source=https://git.example.com/a,""b"" $(c)"` + "|--metadata-file|DIR/storage/run/built\n"
)

// TestBuild runs both builders: a registry that is down for a while costs a push and no build; what never works ends it.
func TestBuild(t *testing.T) {
	buildah, buildkit := [2]string{buildahBuilds, buildahPushes}, [2]string{buildkitBuilds + "\n", buildkitPushes}
	for name, test := range map[string]struct {
		env    []string
		builds int
		pushes int
		code   int
		says   string
	}{
		"at once":              {nil, 1, 1, 0, ""},
		"registry down":        {[]string{"REFUSALS=3"}, 1, 4, 0, "connection refused"},
		"registry never there": {[]string{"REFUSALS=99"}, 1, 13, passes, "does not take it"},
		"registry refuses":     {[]string{"REFUSALS=99", "REFUSAL=unauthorized: authentication required"}, 1, 1, 1, "the registry refuses"},
		"registry without TLS": {[]string{"REFUSALS=99", "REFUSAL=http: server gave HTTP response to HTTPS client"}, 1, 1, 1, "package.registry: http: true"},
		"registry down, odd name": {[]string{"REFUSALS=3", "REFUSAL=pushing registry.example/loan-denied:v1: lookup registry.denied.corp on 10.96.0.10:53: EOF"},
			1, 4, 0, "connection refused"},
		"no repository": {[]string{"REFUSALS=99", "REFUSAL=name unknown: The repository with name 'mnist' does not exist"},
			1, 1, 1, "the registry has no repository for"},
		"no repository, BuildKit": {[]string{"REFUSALS=99", "REFUSAL=error: failed to solve: failed to push r.example/mnist:v1: unknown: " +
			"repository name not known to registry"}, 1, 1, 1, "the registry has no repository for"},
		"proxy without registry, BuildKit": {[]string{"REFUSALS=3", "REFUSAL=error: failed to solve: failed to push r.example/mnist:v1: unexpected status " +
			"from POST request to https://r.example/v2/mnist/blobs/uploads/: 404 Not Found"}, 1, 4, 0, "connection refused"},
		"strange certificate": {[]string{"REFUSALS=99", "REFUSAL=tls: failed to verify certificate: x509: certificate signed by unknown authority"},
			1, 1, 1, "package.registry: ca"},
		"certificate of another": {[]string{"REFUSALS=99", "REFUSAL=tls: failed to verify certificate: x509: certificate is valid for a.example, not r.example"},
			1, 1, 1, "that no time makes good"},
		"certificate without names": {[]string{"REFUSALS=99", "REFUSAL=x509: certificate relies on legacy Common Name field, use SANs instead"},
			1, 1, 1, "that no time makes good"},
		"certificate expired": {[]string{"REFUSALS=3", "REFUSAL=x509: certificate has expired or is not yet valid: current time 2026-11-29 is after 2026-11-28"},
			1, 4, 0, "connection refused"},
		"certificate without addresses": {[]string{"REFUSALS=99", "REFUSAL=x509: cannot validate certificate for 10.0.0.5 because it doesn't contain any IP SANs"},
			1, 1, 1, "that no time makes good"},
		"wrong source":    {[]string{"BROKEN=build"}, 1, 0, 3, "Error: build"},
		"no base for now": {[]string{"BROKEN=pinging: received unexpected HTTP status: 503 Service Unavailable"}, 1, 0, passes, "STEP 1/2"},
	} {
		for file, lines := range map[string][2]string{"buildah.sh": buildah, "buildkit.sh": buildkit} {
			t.Run(file+" "+name, func(t *testing.T) {
				t.Parallel() // BuildKit's takes a second to see that the daemon is there
				dir := t.TempDir()
				write(t, dir, map[string]string{"storage/.keep": ""})
				if err := os.Chmod(dir+"/storage", os.ModeSetgid|0o777); err != nil { // as in a pod with an fsGroup
					t.Fatal(err)
				}
				output, err := script(t, "push.sh+"+file, building(dir, test.env...)...)
				permitted(t, dir+"/storage/layers")
				if got := exitCode(err); got != test.code || !strings.Contains(output, test.says) {
					t.Fatalf("exit code %d: %s", got, output)
				}
				want := strings.Repeat(lines[0], test.builds) + strings.Repeat(lines[1], test.pushes)
				if diff := cmp.Diff(want, calls(t, dir, "")); diff != "" {
					t.Error(diff)
				}
				digest, err := os.ReadFile(dir + "/digest")
				if got := strings.TrimSpace(string(digest)); test.code == 0 && got != "sha256:0f" || test.code != 0 && got != "" {
					t.Errorf("digest %q, %v", got, err)
				}
			})
		}
	}
}

// TestBuildEnds: a build that fails for want of a registry, or of a way to it, ends with the exit code by which Argo tries it again. What a
// RUN says, which is repeated at the end, is no such thing, nor is the exit code of that.
func TestBuildEnds(t *testing.T) {
	const (
		base     = "creating build container: initializing source docker://registry.example/base:1: pinging container registry registry.example: "
		get      = base + `Get "https://registry.example/v2/": `
		metadata = "failed to solve: registry.example/base:1: failed to resolve source metadata for registry.example/base:1: "
	)
	for last, want := range map[string]int{
		base + "received unexpected HTTP status: 503 Service Unavailable":                  passes,
		base + "StatusCode: 504, <html>504 Gateway Time-out":                               passes,
		get + "dial tcp 10.0.0.1:443: connect: connection refused":                         passes,
		get + "dial tcp 10.0.0.1:443: connect: connection timed out":                       passes,
		get + "dial tcp 10.0.0.1:443: connect: no route to host":                           passes,
		get + "dial tcp 10.0.0.1:443: connect: network is unreachable":                     passes,
		get + "dial tcp 10.0.0.1:443: i/o timeout":                                         passes,
		get + "dial tcp: lookup registry.example on 10.96.0.10:53: no such host":           passes,
		get + "dial tcp: lookup registry.example on 10.96.0.10:53: server misbehaving":     passes,
		get + "dial tcp: lookup registry.example: Temporary failure in name resolution":    passes,
		get + "net/http: TLS handshake timeout":                                            passes,
		get + "context deadline exceeded (Client.Timeout exceeded while awaiting headers)": passes,
		get + "EOF": passes,
		"reading manifest 1 in registry.example/base: toomanyrequests: You have reached your pull rate limit":              passes,
		"reading manifest 1 in registry.example/base: too many requests to registry":                                       passes,
		metadata + "unexpected status from HEAD request to https://registry.example/v2/: 429 Too Many Requests":            passes,
		metadata + "registry.example/base:1: not found":                                                                    3,
		"reading manifest 1 in registry.example/base: manifest unknown":                                                    3,
		"reading manifest 1 in registry.example/base: unauthorized: authentication required":                               3,
		get + "http: server gave HTTP response to HTTPS client":                                                            3,
		get + "tls: failed to verify certificate: x509: certificate signed by unknown authority":                           3,
		`building at STEP "RUN curl db || (echo no such host; false)": exit status 3`:                                      3,
		`failed to solve: process "/bin/sh -c echo connection refused; false" did not complete successfully: exit code: 3`: 3,
	} {
		t.Run(last, func(t *testing.T) {
			t.Parallel()
			output, err := script(t, "push.sh+buildah.sh", building(t.TempDir(), "BROKEN="+last)...)
			if got := exitCode(err); got != want {
				t.Errorf("exit code %d, not %d: %s", got, want, output)
			}
		})
	}
	for _, code := range []int{2, passes, 137, 143} {
		broken := fmt.Sprintf(`BROKEN=building at STEP "RUN rsync": exit status %d`, code)
		output, err := script(t, "push.sh+buildah.sh", building(t.TempDir(), broken, fmt.Sprint("CODE=", code))...)
		if got := exitCode(err); got != 1 {
			t.Errorf("exit code %d of a RUN that ends with %d: %s", got, code, output)
		}
	}
}

// TestBuildKitDaemon holds that buildkitd is there as long as the script and no longer, and that one which can't start says why.
func TestBuildKitDaemon(t *testing.T) {
	dir := t.TempDir()
	if output, err := script(t, "push.sh+buildkit.sh", building(dir)...); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	want := "--state-dir=DIR/storage/run/rootlesskit|buildkitd|--rootless|--oci-worker-no-process-sandbox|--containerd-worker=false|" +
		"--addr|unix://DIR/storage/run/buildkitd.sock|--root|DIR/storage/layers|" +
		"--config|DIR/storage/run/buildkitd.toml\nended\n"
	if diff := cmp.Diff(want, calls(t, dir, ".daemon")); diff != "" {
		t.Error(diff)
	}
	output, err := script(t, "push.sh+buildkit.sh", building(t.TempDir(), "BROKEN=daemon")...)
	if err == nil || !strings.Contains(output, "BuildKit does not start") || !strings.Contains(output, "write to uid_map failed") {
		t.Errorf("%v: %s", err, output)
	}
}

// TestRegistry holds that plain HTTP, and a certificate of one's own, are for the one registry and nothing else.
func TestRegistry(t *testing.T) {
	const (
		settings = ".config/containers/"
		pushed   = ",rewrite-timestamp=true,\"annotation"
	)
	for name, test := range map[string]struct{ script, env, file, want, output string }{
		"buildah, neither": {"buildah.sh", "", ".config", "", ""},
		"buildah, plain HTTP": {"buildah.sh", "REGISTRY_HTTP=true", settings + "registries.conf.d/trefoil.conf",
			"[[registry]]\nlocation = \"registry.example:5000\"\ninsecure = true\n", ""},
		"buildah, certificate": {"buildah.sh", "REGISTRY_CA=CA", settings + "certs.d/registry.example:5000/ca.crt", "PEM", ""},
		"BuildKit, neither":    {"buildkit.sh", "", "run/buildkitd.toml", "", pushed},
		"BuildKit, plain HTTP": {"buildkit.sh", "REGISTRY_HTTP=true", "run/buildkitd.toml",
			"[registry.\"registry.example:5000\"]\nhttp = true\n", ",rewrite-timestamp=true,registry.insecure=true,\"annotation"},
		"BuildKit, certificate": {"buildkit.sh", "REGISTRY_CA=CA", "run/buildkitd.toml",
			"[registry.\"registry.example:5000\"]\nhttp = false\nca = [\"CA\"]\n", pushed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			ca := dir + "/ca.pem"
			write(t, dir, map[string]string{"ca.pem": "PEM"})
			if output, err := script(t, "push.sh+"+test.script, building(dir, strings.Replace(test.env, "=CA", "="+ca, 1))...); err != nil {
				t.Fatalf("%v: %s", err, output)
			}
			got, _ := os.ReadFile(dir + "/storage/" + test.file) // nothing, where there is none
			if diff := cmp.Diff(strings.Replace(test.want, "CA", ca, 1), string(got)); diff != "" {
				t.Error(diff)
			}
			if log := calls(t, dir, ""); !strings.Contains(log, test.output) {
				t.Errorf("%q is not in %s", test.output, log)
			}
		})
	}
}

// TestPlace puts the artifact into a source that may have another use for its path: then nothing is built.
func TestPlace(t *testing.T) {
	for name, test := range map[string]struct {
		source, artifact string
		says             string // empty where it works
	}{
		"folder in its place":         {"model.dat/notes", "model.dat", "has a folder where the artifact goes: model.dat"},
		"file in place of its folder": {"a", "a/b/model.dat", "no folder can be made in the serving source for the artifact a/b/model.dat"},
		"file further down":           {"a/b", "a/b/model.dat", "no folder can be made in the serving source for the artifact a/b/model.dat"},
		"file in its place":           {"a/b/model.dat", "a/b/model.dat", ""},
		"odd names":                   {"model.py", "-a/-m", ""},
		"ignored, odd name":           {".dockerignore", "out/best*[1]?.bin", ""},
		"ignored":                     {".dockerignore", "out/best model.bin", ""},
		"ignored by s2i":              {".s2iignore", "out/best model.bin", ""},
		"ignored by one Dockerfile":   {"serve/a.Dockerfile.dockerignore", "out/best model.bin", ""},
		"ignored by buildah's":        {"serve/a.Dockerfile.containerignore", "out/best model.bin", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, map[string]string{"artifact": "weights", "context/" + test.source: "out"})
			if err := os.Chmod(dir+"/artifact", 0o600); err != nil {
				t.Fatal(err)
			}
			for range 2 { // a container that is started again does the same
				output, err := script(t, "place.sh", "CONTEXT="+dir+"/context", "ARTIFACT="+dir+"/artifact", "ARTIFACT_PATH="+test.artifact, "DOCKERFILE=serve/a.Dockerfile")
				if (err == nil) != (test.says == "") || !strings.Contains(output, test.says) {
					t.Fatalf("%v: %s", err, output)
				}
			}
			if test.says == "" {
				placed(t, filepath.Join(dir, "context"), test.source, test.artifact)
			}
		})
	}
}

// placed looks at what a source with the artifact in it has become.
func placed(t *testing.T, context, source, artifact string) {
	t.Helper()
	files := read(t, context)
	about, err := os.Stat(filepath.Join(context, artifact))
	if err != nil || files[artifact] != "weights" || about.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", files, err)
	}
	want := "out"
	switch {
	case strings.HasSuffix(source, "ignore"):
		want += "\n!" + strings.NewReplacer("*", `\*`, "[", `\[`, "]", `\]`, "?", `\?`).Replace(artifact) + "\n"
	case source == artifact:
		want = "weights"
	}
	if files[source] != want {
		t.Errorf("%s is %q", source, files[source])
	}
}

// TestPlaceIgnored: of the lines that speak of a file the last one counts, and that says that the artifact is not left out.
func TestPlaceIgnored(t *testing.T) {
	for before, want := range map[string]string{
		"*.dat\n":                 "*.dat\n\n!model.dat\n",
		"!model.dat\n*.dat\n":     "!model.dat\n*.dat\n\n!model.dat\n",
		"*.dat\n!model.dat\n":     "*.dat\n!model.dat\n",
		"*.dat\n!model.dat":       "*.dat\n!model.dat",
		"*.dat\r\n!model.dat\r\n": "*.dat\r\n!model.dat\r\n\n!model.dat\n",
		"":                        "\n!model.dat\n",
	} {
		dir := t.TempDir()
		write(t, dir, map[string]string{"artifact": "weights", "context/.dockerignore": before})
		output, err := script(t, "place.sh", "CONTEXT="+dir+"/context", "ARTIFACT="+dir+"/artifact", "ARTIFACT_PATH=model.dat", "DOCKERFILE=")
		if err != nil {
			t.Fatalf("%v: %s", err, output)
		}
		if got := read(t, dir+"/context")[".dockerignore"]; got != want {
			t.Errorf("%q becomes %q, not %q", before, got, want)
		}
	}
}
