//go:build e2e

package seldon_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/trefoil-gitops/trefoil/e2e/stack"
)

// seldonCore returns the bin folder of an environment with the real seldon-core, the last under the Apache license. What pip would choose
// itself doesn't run any more, and takes ten times as long to install; this set runs with Python 3.11 and 3.12.
func seldonCore(t testing.TB) (string, error) {
	dir, err := stack.TrainingPython(t.Context(), t.Output(), strings.Fields(`
		seldon-core==1.17.1 numpy==1.26.4 protobuf==3.20.3 grpcio==1.85.1 grpcio-reflection==1.48.2 requests==2.34.2 urllib3==2.8.0
		certifi idna charset-normalizer Flask==2.2.5 Flask-Cors==3.0.10 Werkzeug==2.2.3 Jinja2==3.1.6 MarkupSafe itsdangerous
		click==8.0.4 prometheus-client==0.8.0 gunicorn==20.1.0 PyYAML==6.0.1 jsonschema==3.2.0 attrs pyrsistent six
		typing_extensions setuptools==65.5.0`)...)
	return filepath.Join(dir, "bin"), err
}

// TestSeldonClient: the client that people use with a cluster gets its predictions here, unchanged.
func TestSeldonClient(t *testing.T) {
	bin, err := seldonCore(t)
	if err != nil {
		t.Fatal(err)
	}
	p := serve(t, []string{numpy(t)}, "protocol", "Echo", echoEnv[2])
	f, url := front(t)
	f.Route("ml", "mnist", p.addr())
	host, _, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	client := exec.CommandContext(t.Context(), filepath.Join(bin, "python"), filepath.Join("testdata", "client.py"), host)
	stderr := &log{}
	client.Stderr = stderr
	out, err := client.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	const meta = `"meta": {"metrics": [{"key": "echo_calls", "type": "COUNTER", "value": 1}, {"key": "echo_gauge", "type": "GAUGE", "value": 0.5}, ` +
		`{"key": "echo_timer", "type": "TIMER", "value": 20.2}], "tags": {"who": "echo"}}`
	want := strings.Join([]string{
		`[true, {"data": {"names": ["a", "b"], "tensor": {"shape": [1, 2], "values": [3.0, 7.5]}}, ` + meta + `}]`,
		`[true, {"data": {"names": ["a", "b"], "ndarray": [[3.0, 7.5]]}, ` + meta + `}]`,
		`[true, {` + meta + `, "strData": "A<B"}]`,
		`[true, {"jsonData": {"got": {"a": 1.0}, "names": []}, ` + meta + `}]`,
		`[true, {"binData": "AQA=", ` + meta + `}]`,
		`[false, {"status": {"code": -1, "info": "model says no", "reason": "MICROSERVICE_INTERNAL_ERROR", "status": 1}}]`,
		`[true, {"data": {"tensor": {"shape": [0]}}, ` + strings.Replace(meta, `"type": "COUNTER", "value": 1}`, `"value": 1.0}`, 1) + `}]`,
		"",
	}, "\n")
	if diff := cmp.Diff(want+want, string(out)); diff != "" {
		t.Errorf("the client got another answer (-want +got):\n%s", diff)
	}
}
