// Package metrics counts what the daemon does, for Prometheus. Labels come from closed sets: no model, repository or URL is one, so
// their number does not grow with the fleet and nothing secret can be in them (I6, I7).
package metrics

import (
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/render"
)

// Metrics has a registry of its own. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	passes   *prometheus.CounterVec // by result: made, or failed where nothing could be done
	took     prometheus.Histogram
	last     prometheus.Gauge
	actions  *prometheus.CounterVec // by action, object and result
	holds    prometheus.Gauge
	failures prometheus.Gauge
	unknown  *prometheus.GaugeVec // by kind
	leader   prometheus.Gauge
	doubted  prometheus.Gauge
	webhooks *prometheus.CounterVec // by result
}

// New registers all metrics, and those of the Go runtime and the process.
func New() *Metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "trefoil", Name: name, Help: help})
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		passes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "trefoil", Name: "passes_total", Help: "Passes of the loop, by result: made, or failed where nothing could be done.",
		}, []string{"result"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "trefoil", Name: "pass_duration_seconds", Help: "How long passes took.", Buckets: prometheus.ExponentialBuckets(0.01, 3, 10),
		}),
		last: gauge("last_pass_timestamp_seconds", "When the last pass was made."),
		actions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "trefoil", Name: "actions_total",
			Help: "Changes that were tried, by action (create, update, remove, fetch, commit), object and result (done, stale, failed).",
		}, []string{"action", "object", "result"}),
		holds:    gauge("holds", "Models and environments that wait, in the last pass."),
		failures: gauge("failures", "Actions that failed, in the last pass."),
		unknown: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "trefoil", Name: "engine_unknown", Help: "1 where an engine could not be asked about a kind in the last pass.",
		}, []string{"kind"}),
		leader:  gauge("leader", "1 while this daemon is the one that acts."),
		doubted: gauge("untrusted_tip", "1 while the tip of the branch is not signed by a trusted key, in the last pass."),
		webhooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "trefoil", Name: "webhooks_total", Help: "Requests to POST /webhook, by result: taken, or why not.",
		}, []string{"result"}),
	}
	m.registry.MustRegister(m.passes, m.took, m.last, m.actions, m.holds, m.failures, m.unknown, m.leader, m.doubted, m.webhooks,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// kinds are the values of the label kind.
func kinds() []render.Kind {
	return []render.Kind{render.Search, render.Claim, render.Workflow, render.SeldonDeployment}
}

// Pass takes a pass of the loop down.
func (m *Metrics) Pass(pass reconcile.Pass, took time.Duration, err error) {
	m.took.Observe(took.Seconds())
	if untrusted := errors.Is(err, reconcile.ErrUntrusted); err == nil || untrusted {
		m.doubted.Set(number(untrusted || pass.Untrusted != nil))
	}
	if err != nil {
		m.passes.WithLabelValues("failed").Inc()
		return
	}
	m.passes.WithLabelValues("made").Inc()
	m.last.SetToCurrentTime()
	m.holds.Set(float64(len(pass.Plan.Holds)))
	m.failures.Set(float64(len(pass.Failed)))
	for _, kind := range kinds() {
		_, unknown := pass.Live.Unknown[kind]
		m.unknown.WithLabelValues(string(kind)).Set(number(unknown))
	}
}

// Lead takes down whether this daemon leads. One that does not says nothing about models.
func (m *Metrics) Lead(leads bool) {
	m.leader.Set(number(leads))
	if !leads {
		m.holds.Set(0)
		m.failures.Set(0)
		m.doubted.Set(0)
		m.unknown.Reset()
	}
}

// Webhook takes down what became of a webhook. The results are few and fixed.
func (m *Metrics) Webhook(result string) { m.webhooks.WithLabelValues(result).Inc() }

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// Handler serves the metrics, a few requests at a time.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry, MaxRequestsInFlight: 3, Timeout: 10 * time.Second})
}
