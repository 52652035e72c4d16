package server

import (
	"log/slog"
	"time"

	"github.com/example/microscanner-frontend/service/api"
	"github.com/example/microscanner-frontend/service/config"
)

// WriteTimeout is how long a request may take in all, with these settings.
func WriteTimeout(c *config.Config) time.Duration {
	s := &Server{Options: Options{Config: c}, metrics: api.NewMetrics(), log: slog.New(slog.DiscardHandler)}
	return s.newServer(nil).WriteTimeout
}
