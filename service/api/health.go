package api

import (
	_ "embed"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/example/microscanner-frontend/scanner/remote"
)

// The paths that say how the service is.
const (
	pathHealth  = "/healthz" // the process answers
	pathReady   = "/readyz"  // it can do its work
	pathOpenAPI = "/api/v1/openapi.yaml"
	// PathMetrics is that of the metrics, here or at an address of their own.
	PathMetrics = "/metrics"
)

func health(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, remote.Message{Message: "alive"})
}

func (a *API) ready(w http.ResponseWriter, r *http.Request) error {
	if err := a.Ready(r.Context()); err != nil {
		return unavailable("the service is not ready", err)
	}
	return writeJSON(w, http.StatusOK, remote.Message{Message: "ready"})
}

func (a *API) metrics(w http.ResponseWriter, r *http.Request) error {
	if a.HideMetrics {
		return noSuchPath(w, r)
	}
	a.Metrics.Handler().ServeHTTP(w, r)
	return nil
}

// Handler answers with the metrics, in Prometheus' format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// description is docs/openapi.yaml.
//
//go:embed openapi.yaml
var description []byte

func openAPI(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Content-Length", strconv.Itoa(len(description)))
	_, _ = w.Write(description) // a client that is gone
	return nil
}
