package api_test

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/service/servicetest"
	"github.com/example/microscanner-frontend/service/store"
	"github.com/example/microscanner-frontend/service/store/postgres"
	"github.com/example/microscanner-frontend/service/store/storetest"
	"github.com/example/microscanner-frontend/service/token"
)

// A thousand requests at once to three services with one PostgreSQL store.
func TestQuotaIsExactOverReplicas(t *testing.T) {
	url := storetest.StartCluster(t).New(t)
	dir := servicetest.Database(t)
	var replicas []*servicetest.Service
	for range 3 {
		replicas = append(replicas, servicetest.Start(t, servicetest.Options{DB: dir, StoreURL: url}))
	}
	opened, err := postgres.Open(t.Context(), url, store.Options{})
	require.NoError(t, err)
	made := token.New()
	require.NoError(t, opened.Register(t.Context(), store.Registration{
		Email: "owner@example.org", TermsVersion: "1", Source: "192.0.2.1", Token: made.Hash(), At: storetest.Now(),
	}, store.RegistrationLimits{}))
	require.NoError(t, opened.Close())
	var passed, refused atomic.Int64
	var all sync.WaitGroup
	for i := range 1000 {
		all.Go(func() {
			a, err := replicas[i%3].Try(t, http.MethodPost, remote.PathScan, made.Reveal(), servicetest.Request(image, 3))
			if !assert.NoError(t, err) {
				return
			}
			switch a.Status {
			case http.StatusOK:
				passed.Add(1)
			case http.StatusTooManyRequests:
				refused.Add(1)
				assert.NotEmpty(t, a.Header.Get("Retry-After"))
			default:
				t.Errorf("status %d: %s", a.Status, a.Body)
			}
		})
	}
	all.Wait()
	assert.Equal(t, []int64{100, 900}, []int64{passed.Load(), refused.Load()})
}
