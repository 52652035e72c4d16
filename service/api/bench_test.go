package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/advisory"
	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/service/servicetest"
)

// BenchmarkScan has a service with an SQLite store scan inventories of 400
// packages, 25 advisories each, of which every tenth has one that applies. It
// runs in the same process as its clients, over TLS, and keeps the history.
func BenchmarkScan(b *testing.B) {
	var records []advisory.Record
	for i := range 400 {
		for n := range 25 {
			r := servicetest.Record(fmt.Sprintf("CVE-2024-%d", 10000+100*i+n), i)
			if i%10 != 0 || n > 0 {
				r.Fixed = fmt.Sprintf("0.%d-1", n)
			}
			records = append(records, r)
		}
	}
	s := servicetest.Start(b, servicetest.Options{DB: servicetest.Database(b, records...), Args: []string{"--daily-limit=100000000", "--log-level=warn"}})
	owner := s.Token()
	body, err := json.Marshal(servicetest.Request(image, 400))
	require.NoError(b, err)
	var lock sync.Mutex
	var took []time.Duration
	var left atomic.Int64
	left.Store(int64(b.N))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	b.ResetTimer()
	var clients sync.WaitGroup
	for range 16 {
		clients.Go(func() {
			for left.Add(-1) >= 0 {
				started := time.Now()
				a, err := s.Try(b, http.MethodPost, remote.PathScan, owner, body)
				if err != nil || a.Status != http.StatusOK {
					b.Errorf("%v %d %s", err, a.Status, a.Body)
					return
				}
				lock.Lock()
				took = append(took, time.Since(started))
				lock.Unlock()
			}
		})
	}
	clients.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "scans/s")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
