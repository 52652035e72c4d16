package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/example/microscanner-frontend/service/api"
)

// The bounds of a connection. A client that sends 8 MiB within readTime has
// 140 KB a second.
const (
	headerTime = 10 * time.Second
	readTime   = time.Minute
	sendTime   = 30 * time.Second // from the end of the scan to that of the answer
	idleTime   = time.Minute
	maxHeader  = 16 << 10
	maxStreams = 100 // requests at once on a connection of HTTP/2
)

// listen opens the listeners.
func (s *Server) listen(ctx context.Context, a *api.API) error {
	server := s.newServer(a.Handler())
	if !s.Config.PlainHTTP {
		pair, err := loadPair(s.Config.TLSCert, s.Config.TLSKey, s.log)
		if err != nil {
			return err
		}
		server.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: pair.get}
	}
	if err := s.add(ctx, s.Config.Listen, server); err != nil {
		return err
	}
	if s.Config.MetricsListen == "" {
		return nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET "+api.PathMetrics, s.metrics.Handler())
	return s.add(ctx, s.Config.MetricsListen, s.newServer(mux))
}

func (s *Server) newServer(h http.Handler) *http.Server {
	open := &connections{most: s.mostConnections(), open: s.metrics.Connections, shed: s.metrics.Shed}
	return &http.Server{
		Handler: h, ReadHeaderTimeout: headerTime, ReadTimeout: readTime, IdleTimeout: idleTime,
		WriteTimeout:   readTime + s.Config.ScanTime + sendTime, // it counts from the header on
		MaxHeaderBytes: maxHeader, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ConnState: open.changed, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// mostConnections is the limit of open connections, below that of open files.
func (s *Server) mostConnections() int {
	var files unix.Rlimit
	most := s.Config.MaxConnections
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &files); err != nil || files.Cur >= uint64(most)+reservedFiles { //nolint:gosec // G115: above 0.
		return most
	}
	lower := max(int(files.Cur)-reservedFiles, int(files.Cur)/2) //nolint:gosec // G115: below most.
	s.log.Warn("fewer connections than set: the process may not open so many files", "connections", lower, "files", files.Cur)
	return lower
}

// reservedFiles are for the store, the database and what goes out.
const reservedFiles = 512

func (s *Server) add(ctx context.Context, address string, server *http.Server) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen at %s: %w", address, err)
	}
	s.listeners = append(s.listeners, listener{l, server})
	return nil
}

func (l *listener) serve() error {
	var err error
	if l.server.TLSConfig != nil {
		err = l.server.ServeTLS(l.Listener, "", "")
	} else {
		err = l.server.Serve(l.Listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// cut cuts KEY=VALUE.
func cut(text string) (key, value string, err error) {
	key, value, ok := strings.Cut(text, "=")
	if !ok {
		return "", "", fmt.Errorf("%q is not of the form KEY=VALUE", text)
	}
	return key, value, nil
}
