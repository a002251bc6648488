package kube

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
)

// TestAdvised: what people can do is said once, after what Argo says.
func TestAdvised(t *testing.T) {
	t.Parallel()
	for message, try := range map[string]string{
		"main: Error (exit code 3)":                  "",
		"main: OOMKilled (exit code 137)":            "raise package.resources.limits.memory",
		"Step exceeded its deadline":                 "raise package.timeout",
		"Stopped with strategy 'Stop'":               "",
		`package: ImagePullBackOff: Back-off "none"`: "correct the image, in workflows.images or package.argo, and delete the Workflow",
	} {
		want := message
		if try != "" {
			want += "; " + try
		}
		if got := advised(message); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestBuildLog: the log is that of the container with which the youngest pod failed, and where nobody may read it there is none.
func TestBuildLog(t *testing.T) {
	t.Parallel()
	status := func(name string, code int) string {
		return fmt.Sprintf(`{"name": %q, "state": {"terminated": {"exitCode": %d}}}`, name, code)
	}
	pod := func(name, made string, init, containers []string) string {
		return fmt.Sprintf(`{"metadata": {"name": %q, "namespace": "argo", "uid": %[1]q, "creationTimestamp": "2026-11-29T%sZ"},
			"status": {"initContainerStatuses": [%s], "containerStatuses": [%s]}}`, name, made, strings.Join(init, ","), strings.Join(containers, ","))
	}
	fine := []string{status("init", 0), status("fetch", 0)}
	for name, test := range map[string]struct {
		pods    []string
		refused bool
		want    string
	}{
		"main":   {pods: []string{pod("p", "00:00:00", fine, []string{status("wait", 0), status("main", 3)})}, want: "p main"},
		"fetch":  {pods: []string{pod("p", "00:00:00", []string{status("init", 0), status("fetch", 1)}, nil)}, want: "p fetch"},
		"Argo's": {pods: []string{pod("p", "00:00:00", fine, []string{status("wait", 64), status("main", 0)})}},
		"tried again": {pods: []string{
			pod("b", "00:00:09", []string{status("fetch", 75)}, nil), pod("a", "00:00:01", fine, []string{status("main", 75)}),
		}, want: "b fetch"},
		"forbidden": {pods: []string{pod("p", "00:00:00", fine, []string{status("main", 3)})}, refused: true},
		"none":      {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				of, isLog := strings.CutPrefix(strings.TrimSuffix(r.URL.Path, "/log"), "/api/v1/namespaces/argo/pods/")
				switch {
				case r.URL.Path == "/api/v1/namespaces/argo/pods" && r.URL.Query().Get("labelSelector") == "workflows.argoproj.io/workflow=build":
					w.Header().Set("Content-Type", "application/json")
					fmt.Fprintf(w, `{"kind": "PodList", "apiVersion": "v1", "items": [%s]}`, strings.Join(test.pods, ","))
				case isLog && !test.refused:
					_, _ = io.WriteString(w, of+" "+r.URL.Query().Get("container")) // the test sees what came
				default:
					w.WriteHeader(http.StatusForbidden)
				}
			}))
			defer server.Close()
			logs, err := newLogs(&rest.Config{Host: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			got, err := logs.ofWorkflow(t.Context(), "argo", "build")
			if got != test.want && !test.refused || (err != nil) != test.refused {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}
