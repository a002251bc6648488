//go:build e2e

package seldon_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// BenchmarkServing asks the same model for the same prediction (784 numbers) in turn through Front, directly, and in the real microservice
// if that can be installed. What counts are the ratios: they hold on any machine.
func BenchmarkServing(b *testing.B) {
	p := serve(b, []string{numpy(b)}, "models", "MnistModel")
	f, url := front(b)
	f.Route("ml", "mnist", p.addr())
	targets := map[string]string{"front": url, "server": p.url}
	if real, err := microservice(b); err != nil {
		b.Logf("without the real microservice: %v", err)
	} else {
		targets["microservice"] = real
	}
	image := strings.TrimSuffix(strings.Repeat("0,113,", 392), ",")
	request := predict(`{"data":{"ndarray":[[` + image + `]]}}`)
	spent := map[string]time.Duration{}
	for b.Loop() {
		for name, base := range targets {
			start := time.Now()
			crowd(b, request, base)
			spent[name] += time.Since(start)
		}
	}
	for name, time := range spent {
		b.ReportMetric(float64(b.N)*asks/time.Seconds(), name+"-req/s")
		b.ReportMetric(spent["server"].Seconds()/time.Seconds(), name+"/server")
	}
}

const asks = 500 // of a crowd

// crowd asks with four at once.
func crowd(b *testing.B, request exchange, base string) {
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range asks / 4 {
				if got := request.ask(b, base); got.Status != http.StatusOK {
					b.Errorf("%d %s", got.Status, got.body())
				}
			}
		})
	}
	all.Wait()
}

// microservice starts the real one and returns its URL. It listens on all interfaces, as it can't do otherwise.
func microservice(b *testing.B) (string, error) {
	bin, err := seldonCore(b)
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(gone(b))
	if err != nil {
		return "", err
	}
	_, metrics, err := net.SplitHostPort(gone(b))
	if err != nil {
		return "", err
	}
	p := command(b, []string{filepath.Join(bin, "seldon-core-microservice"), "MnistModel", "--service-type", "MODEL"}, "models",
		"GRPC_WORKERS=0", "PREDICTIVE_UNIT_HTTP_SERVICE_PORT="+port, "PREDICTIVE_UNIT_METRICS_SERVICE_PORT="+metrics)
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, p.stdout)
		close(ended)
	}()
	url := "http://127.0.0.1:" + port
	for !closed(ended) {
		if got, err := (exchange{Method: http.MethodGet, Path: "/health/ping"}).send(b.Context(), url); err == nil && got.Status == http.StatusOK {
			return url, nil
		}
	}
	return "", errors.New(fmt.Sprint("it ended:\n", p.stderr))
}
