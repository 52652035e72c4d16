package api

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"
)

// seen is what is noted of a request while it is answered.
type seen struct {
	http.ResponseWriter
	status int
	bytes  int64
	failed *failure
}

func (s *seen) WriteHeader(status int) {
	if s.status == 0 {
		s.status = status
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *seen) Write(p []byte) (int, error) {
	if s.status == 0 {
		s.status = http.StatusOK
	}
	n, err := s.ResponseWriter.Write(p)
	s.bytes += int64(n)
	return n, err
}

// Unwrap is for http.ResponseController.
func (s *seen) Unwrap() http.ResponseWriter { return s.ResponseWriter }

type seenKey struct{}

// noteFailure keeps a failure for the request's line in the log.
func noteFailure(r *http.Request, f *failure) {
	if s, ok := r.Context().Value(seenKey{}).(*seen); ok {
		s.failed = f
	}
}

// observe logs and counts every request. The log has the route's pattern and
// not the path, no header and no body: there are tokens, addresses and what an
// image holds.
func (a *API) observe(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		id := rand.Text()
		w.Header().Set("X-Request-Id", id)
		s := &seen{ResponseWriter: w}
		r = r.WithContext(context.WithValue(r.Context(), seenKey{}, s))
		defer func() {
			if p := recover(); p != nil {
				a.recovered(s, p)
			}
			took := time.Since(started)
			a.Metrics.answered(r.Pattern, s.status, took)
			a.log(r, s, id, took)
		}()
		mux.ServeHTTP(s, r)
	})
}

// recovered answers a request whose handler panicked.
func (a *API) recovered(s *seen, p any) {
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		return
	}
	s.failed = internal(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
	if s.status == 0 {
		writeFailure(s, s.failed)
	}
}

func (a *API) log(r *http.Request, s *seen, id string, took time.Duration) {
	level := slog.LevelInfo
	fields := []slog.Attr{
		slog.String("id", id), slog.String("route", r.Pattern), slog.Int("status", s.status), slog.Int64("bytes", s.bytes),
		slog.Duration("took", took), slog.String("source", a.source(r)),
	}
	if s.failed != nil {
		fields = append(fields, slog.String("code", s.failed.body.Code))
		if s.failed.cause != nil {
			level = slog.LevelError
			fields = append(fields, slog.String("error", s.failed.cause.Error()))
		}
	}
	a.Log.LogAttrs(r.Context(), level, "request", fields...)
}
