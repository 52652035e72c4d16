package postgres_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/service/store"
	"github.com/example/microscanner-frontend/service/store/postgres"
	"github.com/example/microscanner-frontend/service/store/storetest"
)

func kind(c *storetest.Cluster) storetest.Kind {
	return storetest.Kind{
		New: func(t testing.TB) string { return c.New(t) },
		Open: func(ctx context.Context, address string, o store.Options) (store.Store, error) {
			return postgres.Open(ctx, address, o)
		},
	}
}

func TestMain(m *testing.M) { storetest.Main(m, kind(nil)) }

func TestStore(t *testing.T) { storetest.Run(t, kind(storetest.StartCluster(t))) }

// TestOpenTogether: replicas that start at the same time make the schema once.
func TestOpenTogether(t *testing.T) {
	address := storetest.StartCluster(t).New(t)
	results := make(chan error)
	for range 4 {
		go func() {
			s, err := postgres.Open(context.Background(), address, store.Options{})
			if err == nil {
				err = s.Close()
			}
			results <- err
		}()
	}
	for range 4 {
		require.NoError(t, <-results)
	}
	s, err := postgres.Open(t.Context(), address, store.Options{})
	require.NoError(t, err)
	require.ErrorIs(t, s.Backup(t.Context(), t.TempDir()+"/backup"), postgres.ErrBackup)
	require.NoError(t, s.Close())
}

func TestErrorsHaveNoPassword(t *testing.T) {
	for _, address := range []string{
		"postgres://user:hunter2@127.0.0.1:1/db?connect_timeout=2",
		"host=127.0.0.1 port=1 user=u password=hunter2 connect_timeout=2",
		"postgres://user:hunter2@host:port/db",
		"host=127.0.0.1 password=hunter2 port=none",
	} {
		_, err := postgres.Open(t.Context(), address, store.Options{})
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "hunter2")
	}
}
