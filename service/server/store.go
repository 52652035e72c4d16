package server

import (
	"context"

	"github.com/example/microscanner-frontend/service/config"
	"github.com/example/microscanner-frontend/service/store"
	"github.com/example/microscanner-frontend/service/store/postgres"
	"github.com/example/microscanner-frontend/service/store/sqlite"
)

// openStore opens the store that the settings name.
func openStore(ctx context.Context, c *config.Config) (store.Store, error) {
	o := store.Options{MaxWatched: c.MaxWatched}
	if c.StoreURL != "" {
		s, err := postgres.Open(ctx, c.StoreURL, o)
		if err != nil { // not as the interface, which would not be nil
			return nil, err
		}
		return s, nil
	}
	s, err := sqlite.Open(ctx, c.Store, o)
	if err != nil {
		return nil, err
	}
	return s, nil
}
