package api

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/report"
)

// Metrics counts what the service does.
type Metrics struct {
	registry *prometheus.Registry

	requests *prometheus.CounterVec   // by route, code
	latency  *prometheus.HistogramVec // by route
	scans    *prometheus.CounterVec   // by verdict
	packages prometheus.Histogram

	Assessment    prometheus.Histogram
	Scanning      prometheus.Gauge
	Refused       prometheus.Counter
	HistoryFailed prometheus.Counter
	Connections   prometheus.Gauge
	// Shed counts connections that were closed to make room.
	Shed prometheus.Counter
	// DatabaseBuilt is when the database that is in use was built, and
	// DatabaseLoads how often one was loaded.
	DatabaseBuilt prometheus.Gauge
	DatabaseLoads prometheus.Counter
	// Jobs counts what runs in the background, by its name and result.
	Jobs *prometheus.CounterVec
	// Deliveries counts attempts of webhooks, by result.
	Deliveries *prometheus.CounterVec
}

// NewMetrics makes metrics with a registry of their own.
func NewMetrics() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.requests = m.counters("http_requests_total", "Requests answered.", "route", "code")
	m.latency = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "microscanner_http_request_duration_seconds", Help: "Time to answer a request.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30},
	}, []string{"route"})
	m.scans = m.counters("scans_total", "Scans done.", "verdict")
	m.packages = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "microscanner_scan_packages", Help: "Packages of an inventory.", Buckets: prometheus.ExponentialBuckets(10, 4, 8),
	})
	m.Assessment = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "microscanner_assessment_duration_seconds", Help: "Time to match an inventory with the advisories.",
		Buckets: prometheus.ExponentialBuckets(.0005, 3, 10),
	})
	m.Scanning = m.gauge("scans_running", "Scans that run now.")
	m.Refused = m.counter("quota_refused_total", "Scans refused because the day's are used up.")
	m.HistoryFailed = m.counter("history_failed_total", "Scans that the history could not keep.")
	m.Connections = m.gauge("connections", "Open connections.")
	m.Shed = m.counter("connections_shed_total", "Connections closed to make room for others.")
	m.DatabaseBuilt = m.gauge("database_built_timestamp_seconds", "When the database in use was built; 0 without one.")
	m.DatabaseLoads = m.counter("database_loads_total", "How often a database was loaded.")
	m.Jobs = m.counters("jobs_total", "Jobs that ran in the background.", "job", "result")
	m.Deliveries = m.counters("webhook_deliveries_total", "Attempts to deliver a message.", "result")
	m.registry.MustRegister(m.latency, m.packages, m.Assessment,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

const namespace = "microscanner"

func (m *Metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
	m.registry.MustRegister(c)
	return c
}

func (m *Metrics) gauge(name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help})
	m.registry.MustRegister(g)
	return g
}

// answered counts a request. The route is a pattern, of which there are few.
func (m *Metrics) answered(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.latency.WithLabelValues(route).Observe(took.Seconds())
}

// scanned counts a scan by what became of it.
func (m *Metrics) scanned(r *report.Report, packages int) {
	verdict := "pass"
	switch {
	case r.Verdict.ExitCode == policy.ExitGate:
		verdict = "gate"
	case !r.Verdict.Pass:
		verdict = "error"
	}
	m.scans.WithLabelValues(verdict).Inc()
	m.packages.Observe(float64(packages))
}

// Job counts a job of that name.
func (m *Metrics) Job(name string, err error) {
	result := "ok"
	if err != nil {
		result = "failed"
	}
	m.Jobs.WithLabelValues(name, result).Inc()
}

// Tried counts an attempt of a webhook.
func (m *Metrics) Tried(err error) {
	result := "ok"
	if err != nil {
		result = "failed"
	}
	m.Deliveries.WithLabelValues(result).Inc()
}
