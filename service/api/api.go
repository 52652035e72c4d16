// Package api is the HTTP API of the token service: what docs/openapi.yaml
// describes. A file holds the endpoints of one thing.
package api

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/example/microscanner-frontend/scanner/distro"
	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/service/database"
	"github.com/example/microscanner-frontend/service/store"
)

// Databases lends the advisory database that is the newest when a request
// comes. The request keeps it until it calls done, also if a newer one is there.
type Databases interface {
	// Acquire gives nil before there is any; done must be called all the same.
	Acquire() (database *database.Database, done func())
}

// Registrar takes registrations and sends tokens.
type Registrar interface {
	Terms() remote.Terms
	// Register answers the same whether the address is known or not. Its errors
	// are ErrNoRegistration, a *register.InvalidError, a *store.SourceLimitError,
	// or the store's.
	Register(ctx context.Context, r remote.RegisterRequest, source string) error
}

// Options say what the API serves, and how much of it at once.
type Options struct {
	Store     store.Store
	Databases Databases
	Registrar Registrar
	Distros   []distro.Distro
	// Policy is that of a scan whose request sets nothing.
	Policy  policy.Policy
	Version string // of this program, for reports
	Now     func() time.Time
	Log     *slog.Logger
	Metrics *Metrics

	// DailyLimit is the scans a day of a token without a limit of its own.
	DailyLimit int
	// MaxWebhooks is how many a token may have.
	MaxWebhooks int
	// Slots is how many scans run at once; others wait.
	Slots int
	// MaxBuffered bounds the bytes of all requests and reports that are in memory
	// on their way in or out.
	MaxBuffered int64
	// Timeout is how long a scan may wait and run.
	Timeout time.Duration

	// Clients has the files of the client for download: one named
	// microscanner-OS-ARCH for each platform; nil for none. Own is the file of
	// this program, served for its own platform if Clients has none.
	Clients fs.FS
	Own     string
	// TrustedProxies are those whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// WebhookURL says whether a webhook may have that address.
	WebhookURL func(url string) error
	// HideMetrics leaves the metrics to another listener.
	HideMetrics bool
	// Ready says why the service takes no requests; nil if it does.
	Ready func(ctx context.Context) error
}

// API answers the requests.
type API struct {
	Options
	slots  *semaphore.Weighted
	large  *semaphore.Weighted
	memory *budget
	bodies bodies
	client *clients
	// compress wraps what writes a report.
	compress func(http.Handler) http.HandlerFunc
}

// New makes the API.
func New(o Options) *API {
	return &API{
		Options: o,
		slots:   semaphore.NewWeighted(int64(o.Slots)),
		large:   semaphore.NewWeighted(1),
		memory:  newBudget(o.MaxBuffered),
		client:  newClients(o.Clients, o.Own),

		compress: compressing(),
	}
}

// endpoint answers one kind of request. An error that is not a *failure is the
// service's own.
type endpoint func(w http.ResponseWriter, r *http.Request) error

// route is a method and a pattern of net/http, and what answers them.
type route struct {
	method, path string
	run          endpoint
}

// routes lists everything that the API answers.
func (a *API) routes() []route {
	return []route{
		{http.MethodGet, remote.PathTerms, a.getTerms},
		{http.MethodPost, remote.PathRegister, a.register},
		{http.MethodPost, remote.PathConfirm, a.owned(a.confirm)},
		{http.MethodPost, remote.PathScan, a.owned(a.scan)},
		{http.MethodGet, remote.PathToken, a.owned(a.tokenInfo)},
		{http.MethodDelete, remote.PathToken, a.owned(a.revoke)},
		{http.MethodGet, remote.PathImages + "{path...}", a.owned(a.changes)},
		{http.MethodDelete, remote.PathImages + "{path...}", a.owned(a.unwatch)},
		{http.MethodGet, PathWebhooks, a.owned(a.listWebhooks)},
		{http.MethodPost, PathWebhooks, a.owned(a.addWebhook)},
		{http.MethodDelete, PathWebhooks + "/{id}", a.owned(a.deleteWebhook)},
		{http.MethodGet, PathDeadLetters, a.owned(a.deadLetters)},
		{http.MethodPost, PathDeadLetters + "/{id}/revive", a.owned(a.revive)},
		{http.MethodGet, remote.PathClient + "{os}/{arch}", a.downloadClient},
		{http.MethodGet, pathOpenAPI, openAPI},
		{http.MethodGet, pathHealth, health},
		{http.MethodGet, pathReady, a.ready},
		{http.MethodGet, PathMetrics, a.metrics},
	}
}

// Handler answers all paths of the API, and every other with an error.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	allowed := map[string][]string{}
	for _, r := range a.routes() {
		mux.Handle(r.method+" "+r.path, a.answer(r.run))
		allowed[r.path] = append(allowed[r.path], r.method)
	}
	for path, methods := range allowed {
		mux.Handle(path, a.answer(wrongMethod(methods)))
	}
	mux.Handle("/", a.answer(noSuchPath))
	return a.observe(mux)
}
