package api_test

import (
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/policy"
	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/scanner/report"
	"github.com/example/microscanner-frontend/service/servicetest"
	"github.com/example/microscanner-frontend/service/token"
)

const image = "registry.example.com/team/app:1.0"

func start(t *testing.T, o servicetest.Options) *servicetest.Service {
	t.Helper()
	if o.DB == "" {
		o.DB = servicetest.Database(t, servicetest.Record("CVE-2024-0001", 1), servicetest.Record("CVE-2024-0002", 2))
	}
	return servicetest.Start(t, o)
}

func failure(t *testing.T, a servicetest.Answer) remote.Error {
	t.Helper()
	return servicetest.Read[remote.Error](t, a)
}

func TestScan(t *testing.T) {
	s := start(t, servicetest.Options{})
	owner := s.Token()
	a := s.Do(http.MethodPost, remote.PathScan, owner, servicetest.Request(image, 5))
	require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
	assert.True(t, strings.HasPrefix(string(a.Body), "{\n  \"scan_started\":"))
	assert.Equal(t, []string{"100", "99"}, []string{a.Header.Get(remote.HeaderLimit), a.Header.Get(remote.HeaderRemaining)})
	r := servicetest.Read[report.Report](t, a)
	assert.Len(t, r.Findings(), 2)
	assert.False(t, r.Verdict.Pass)
	assert.Equal(t, image, r.Image.Reference)
	assert.NotEmpty(t, r.Database.Digest)

	info := servicetest.Read[remote.TokenInfo](t, s.Do(http.MethodGet, remote.PathToken, owner, nil))
	assert.Equal(t, 99, info.Remaining)
	assert.False(t, info.Confirmed.IsZero(), "the first use confirms")
	assert.False(t, info.LastUsed.IsZero())
}

func TestPolicy(t *testing.T) {
	s := start(t, servicetest.Options{Args: []string{"--policy=fail-on=critical"}})
	owner := s.Token()
	req := servicetest.Request("", 5)
	r := servicetest.Read[report.Report](t, s.Do(http.MethodPost, remote.PathScan, owner, req))
	assert.True(t, r.Verdict.Pass, "the service's own policy")
	req.Policy = map[string]policy.Value{policy.KeyFailOn: {Value: "high", From: "the Dockerfile"}}
	r = servicetest.Read[report.Report](t, s.Do(http.MethodPost, remote.PathScan, owner, req))
	assert.False(t, r.Verdict.Pass)
	assert.Equal(t, "the Dockerfile", r.Policy[policy.KeyFailOn].From)
	for key, value := range map[string]string{policy.KeyFailOn: "purple", "fail-of": "high"} {
		req.Policy = map[string]policy.Value{key: {Value: value}}
		a := s.Do(http.MethodPost, remote.PathScan, owner, req)
		assert.Equal(t, http.StatusBadRequest, a.Status)
		assert.Contains(t, failure(t, a).Message, key)
	}
}

// Tokens that are missing, malformed, mistyped and unknown get one answer.
func TestStrangersGetOneAnswer(t *testing.T) {
	s := start(t, servicetest.Options{})
	want := s.Do(http.MethodPost, remote.PathScan, "", nil)
	require.Equal(t, http.StatusUnauthorized, want.Status)
	assert.NotEmpty(t, want.Header.Get("WWW-Authenticate"))
	good := s.Token()
	mistyped := good[:len(good)-1] + "a"
	if mistyped == good {
		mistyped = good[:len(good)-1] + "b"
	}
	for name, header := range map[string]string{
		"malformed": "Bearer x", "mistyped": "Bearer " + mistyped, "unknown": "Bearer " + token.New().Reveal(),
		"another scheme": "Basic " + good, "none": "Bearer ", "sql": "Bearer ' OR 1=1 --",
	} {
		for _, path := range []string{remote.PathScan, remote.PathConfirm} {
			a := s.Do(http.MethodPost, path, "", nil, "Authorization: "+header)
			assert.Equal(t, want.Status, a.Status, name)
			assert.Equal(t, string(want.Body), string(a.Body), name)
		}
	}
}

func TestRevoke(t *testing.T) {
	s := start(t, servicetest.Options{})
	owner := s.Token()
	require.Equal(t, http.StatusNoContent, s.Do(http.MethodDelete, remote.PathToken, owner, nil).Status)
	a := s.Do(http.MethodPost, remote.PathScan, owner, servicetest.Request(image, 1))
	assert.Equal(t, http.StatusUnauthorized, a.Status)
	assert.Equal(t, remote.CodeRevoked, failure(t, a).Code)
}

// A thousand requests at once against a limit of 100, and the next UTC day.
func TestQuotaIsExact(t *testing.T) {
	var now atomic.Int64
	day := time.Date(2026, 3, 1, 23, 59, 0, 0, time.UTC)
	now.Store(day.Unix())
	s := start(t, servicetest.Options{Now: func() time.Time { return time.Unix(now.Load(), 0).UTC() }})
	owner := s.Token()
	var passed, refused atomic.Int64
	var all sync.WaitGroup
	for range 1000 {
		all.Go(func() {
			a, err := s.Try(t, http.MethodPost, remote.PathScan, owner, servicetest.Request(image, 3))
			if !assert.NoError(t, err) {
				return
			}
			switch a.Status {
			case http.StatusOK:
				passed.Add(1)
			case http.StatusTooManyRequests:
				refused.Add(1)
				assert.Equal(t, []string{"60", "60", "0"}, []string{a.Header.Get("Retry-After"), a.Header.Get(remote.HeaderReset), a.Header.Get(remote.HeaderRemaining)})
			default:
				t.Errorf("status %d: %s", a.Status, a.Body)
			}
		})
	}
	all.Wait()
	assert.Equal(t, []int64{100, 900}, []int64{passed.Load(), refused.Load()})
	now.Add(60)
	a := s.Do(http.MethodPost, remote.PathScan, owner, servicetest.Request(image, 3))
	assert.Equal(t, http.StatusOK, a.Status)
	assert.Equal(t, "99", a.Header.Get(remote.HeaderRemaining))
}

// Without a database the service fails, and the scan is not counted.
func TestGiveBack(t *testing.T) {
	s := servicetest.Start(t, servicetest.Options{})
	owner := s.Token()
	a := s.Do(http.MethodPost, remote.PathScan, owner, servicetest.Request(image, 1))
	require.Equal(t, http.StatusServiceUnavailable, a.Status)
	assert.Equal(t, remote.CodeUnavailable, failure(t, a).Code)
	assert.NotEmpty(t, a.Header.Get("Retry-After"))
	assert.Equal(t, "100", a.Header.Get(remote.HeaderRemaining))
	info := servicetest.Read[remote.TokenInfo](t, s.Do(http.MethodGet, remote.PathToken, owner, nil))
	assert.Equal(t, 100, info.Remaining)
	assert.Equal(t, http.StatusServiceUnavailable, s.Do(http.MethodGet, "/readyz", "", nil).Status)
	assert.Equal(t, http.StatusOK, s.Do(http.MethodGet, "/healthz", "", nil).Status)
}

func TestChanges(t *testing.T) {
	s := start(t, servicetest.Options{})
	owner, other := s.Token(), s.Token()
	path := remote.PathImages + image + "/changes"
	require.Equal(t, http.StatusNotFound, s.Do(http.MethodGet, path, owner, nil).Status)
	scan := func(reference string, packages int) {
		a := s.Do(http.MethodPost, remote.PathScan, owner, servicetest.Request(reference, packages))
		require.Equal(t, http.StatusOK, a.Status, "%s", a.Body)
	}
	scan(image, 2)
	c := servicetest.Read[remote.Changes](t, s.Do(http.MethodGet, path, owner, nil))
	assert.Empty(t, c.New)
	assert.True(t, c.Previous.IsZero())
	scan(image+"@sha256:"+strings.Repeat("0", 64), 5) // another digest, one name
	c = servicetest.Read[remote.Changes](t, s.Do(http.MethodGet, path, owner, nil))
	assert.Equal(t, []remote.Change{{ID: "CVE-2024-0002", Package: "source-2", Version: "1.0-1", Severity: "high", Fixed: "1.0-2"}}, c.New)
	assert.Empty(t, c.Gone)
	scan(image, 1)
	c = servicetest.Read[remote.Changes](t, s.Do(http.MethodGet, path+"?platform=linux/amd64", owner, nil))
	assert.Len(t, c.Gone, 2)
	assert.Equal(t, http.StatusNotFound, s.Do(http.MethodGet, path, other, nil).Status, "of another token")
	assert.Equal(t, http.StatusNotFound, s.Do(http.MethodGet, path+"?platform=linux/arm64", owner, nil).Status)
}
