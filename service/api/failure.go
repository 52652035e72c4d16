package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/remote"
)

// failure is an answer that is not a success.
type failure struct {
	status int
	body   remote.Error
	// cause is for the log; nil if the request is what is wrong.
	cause error
}

func (f *failure) Error() string {
	if f.cause != nil {
		return fmt.Sprintf("%s: %v", f.body.Message, f.cause)
	}
	return f.body.Message
}

func (f *failure) Unwrap() error { return f.cause }

// ours reports whether the service failed, and not the client.
func ours(err error) bool {
	var f *failure
	return !errors.As(err, &f) || f.status >= http.StatusInternalServerError
}

func badRequest(format string, args ...any) error {
	return &failure{status: http.StatusBadRequest, body: remote.Error{Code: remote.CodeBadRequest, Message: fmt.Sprintf(format, args...)}}
}

func tooLarge(format string, args ...any) error {
	return &failure{status: http.StatusRequestEntityTooLarge, body: remote.Error{Code: remote.CodeTooLarge, Message: fmt.Sprintf(format, args...)}}
}

func notFound(message string) error {
	return &failure{status: http.StatusNotFound, body: remote.Error{Code: remote.CodeNotFound, Message: message}}
}

// tooMany is a limit; with a wait of 0, trying again is no use.
func tooMany(message string, wait time.Duration) error {
	return &failure{status: http.StatusTooManyRequests, body: remote.Error{Code: remote.CodeTooMany, Message: message, RetryAfter: seconds(wait)}}
}

// unavailable is a state that passes.
func unavailable(message string, cause error) error {
	return &failure{
		status: http.StatusServiceUnavailable, cause: cause,
		body: remote.Error{Code: remote.CodeUnavailable, Message: message, RetryAfter: seconds(retryBusy)},
	}
}

// retryBusy is when to try again what the service had no room for.
const retryBusy = 2 * time.Second

// internal is an error of the service, told to the log and not to the client.
func internal(cause error) *failure {
	return &failure{
		status: http.StatusInternalServerError, cause: cause,
		body: remote.Error{Code: remote.CodeInternal, Message: "the service failed; its log says why"},
	}
}

// seconds rounds up: who comes back then is not too early.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// answer runs an endpoint, and writes its error.
func (a *API) answer(run endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		err := run(w, r)
		if err == nil {
			return
		}
		var f *failure
		if !errors.As(err, &f) {
			f = internal(err)
		}
		noteFailure(r, f)
		writeFailure(w, f)
	})
}

func writeFailure(w http.ResponseWriter, f *failure) {
	if f.body.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.body.RetryAfter))
	}
	if f.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="microscanner"`)
	}
	_ = writeJSON(w, f.status, f.body) // a client that is gone
}

// writeJSON answers with a small document.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)+1))
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // a client that is gone
	return nil
}

// maxSmall is the size of a request's body that is no scan.
const maxSmall = 16 << 10

// readJSON reads a small document.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxSmall))
	err := dec.Decode(v)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return tooLarge("the body is larger than %d KiB", maxSmall>>10)
	case err != nil:
		return badRequest("the body is not the JSON document that docs/openapi.yaml describes")
	}
	return nil
}

func wrongMethod(allowed []string) endpoint {
	list := strings.Join(allowed, ", ")
	return func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Allow", list)
		return &failure{status: http.StatusMethodNotAllowed, body: remote.Error{
			Code: remote.CodeBadRequest, Message: "this path takes no other method than " + list,
		}}
	}
}

func noSuchPath(http.ResponseWriter, *http.Request) error {
	return notFound("there is no such path; " + pathOpenAPI + " lists those that there are")
}
