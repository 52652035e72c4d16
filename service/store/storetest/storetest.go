// Package storetest tests every kind of store alike, on the real thing.
package storetest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/service/store"
)

// Kind is a kind of store.
type Kind struct {
	// New makes an empty database for a test and gives its address.
	New func(t testing.TB) (address string)
	// Open opens it. Several may be open at once.
	Open func(ctx context.Context, address string, o store.Options) (store.Store, error)
}

// Run runs all tests.
func Run(t *testing.T, k Kind) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Kind)
	}{
		{"Token", testToken}, {"Revoke", testRevoke},
		{"RegistrationLimits", testRegistrationLimits}, {"RegistrationLimitsAreExact", testRegistrationLimitsAreExact},
		{"Mails", testMails},
		{"Take", testTake}, {"TakeIsExact", testTakeIsExact}, {"TakeIsExactAcrossReplicas", testTakeAcrossReplicas},
		{"LastUsed", testLastUsed},
		{"History", testHistory}, {"Watched", testWatched}, {"WatchLimitIsExact", testWatchLimitIsExact},
		{"Webhooks", testWebhooks}, {"Deliveries", testDeliveries}, {"ClaimsAreExclusive", testClaims},
		{"Purge", testPurge}, {"HostileText", testHostileText}, {"Reopen", testReopen}, {"Cancelled", testCancelled},
		{"Kill", testKill},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, k) })
	}
}

// Now is the time of the tests.
func Now() time.Time { return time.Date(2026, 3, 4, 23, 59, 58, 123_456_000, time.UTC) }

func open(t testing.TB, k Kind, address string, o store.Options) store.Store {
	t.Helper()
	s, err := k.Open(context.Background(), address, o)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func fresh(t testing.TB, k Kind) store.Store {
	t.Helper()
	return open(t, k, k.New(t), store.Options{})
}

// HashOf makes a hash of any text.
func HashOf(name string) store.Hash { return sha256.Sum256([]byte(name)) }

// AddToken registers name and gives its token.
func AddToken(t testing.TB, s store.Store, name string) store.Token {
	t.Helper()
	require.NoError(t, s.Register(context.Background(), store.Registration{
		Email: name + "@example.org", TermsVersion: "1", Source: name, Token: HashOf(name), At: Now(),
	}, store.RegistrationLimits{}))
	token, err := s.Token(context.Background(), HashOf(name))
	require.NoError(t, err)
	return token
}

// together runs f n times at once and waits for all.
func together(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func testToken(t *testing.T, k Kind) {
	ctx, s := t.Context(), fresh(t, k)
	require.NoError(t, s.Ping(ctx))
	_, err := s.Token(ctx, HashOf("nobody"))
	require.ErrorIs(t, err, store.ErrNotFound)

	a, b := AddToken(t, s, "a"), AddToken(t, s, "b")
	assert.NotEqual(t, a.ID, b.ID)
	assert.NotEqual(t, a.AccountID, b.AccountID)
	assert.Equal(t, store.Token{ID: a.ID, AccountID: a.AccountID, Created: Now()}, a)

	later := Now().Add(time.Hour)
	require.NoError(t, s.Confirm(ctx, a.ID, later))
	require.NoError(t, s.Confirm(ctx, a.ID, later.Add(time.Hour)))
	a, err = s.Token(ctx, HashOf("a"))
	require.NoError(t, err)
	assert.Equal(t, later, a.Confirmed)
	b, err = s.Token(ctx, HashOf("b"))
	require.NoError(t, err)
	assert.Zero(t, b.Confirmed)
	require.ErrorIs(t, s.Confirm(ctx, 1_000_000, later), store.ErrNotFound)
	require.Error(t, s.Register(ctx, store.Registration{Email: "c@example.org", Source: "c", Token: HashOf("a"), At: Now()}, store.RegistrationLimits{}),
		"a token belongs to one registration")
}

func testRevoke(t *testing.T, k Kind) {
	ctx, s := t.Context(), fresh(t, k)
	a, b := AddToken(t, s, "a"), AddToken(t, s, "b")
	for _, id := range []int64{a.ID, b.ID} {
		_, err := s.AddScan(ctx, store.ScanRecord{TokenID: id, Image: "app", At: Now(), Inventory: []byte("i")})
		require.NoError(t, err)
		_, err = s.AddWebhook(ctx, store.Webhook{TokenID: id, URL: "https://example.org", Created: Now()}, 10)
		require.NoError(t, err)
	}
	require.ErrorIs(t, s.Revoke(ctx, 1_000_000, Now()), store.ErrNotFound)
	require.NoError(t, s.Revoke(ctx, a.ID, Now()))
	require.NoError(t, s.Revoke(ctx, a.ID, Now().Add(time.Hour)))
	found, err := s.Token(ctx, HashOf("a"))
	require.ErrorIs(t, err, store.ErrRevoked)
	assert.Equal(t, Now(), found.Revoked)
	_, err = s.Token(ctx, HashOf("b"))
	require.NoError(t, err)

	assert.Equal(t, []int64{b.ID}, watchedTokens(t, s))
	hooks, err := s.Webhooks(ctx, a.ID)
	require.NoError(t, err)
	assert.Empty(t, hooks)
	hooks, err = s.Webhooks(ctx, b.ID)
	require.NoError(t, err)
	assert.Len(t, hooks, 1)
}

func testTake(t *testing.T, k Kind) {
	ctx, s := t.Context(), fresh(t, k)
	id := AddToken(t, s, "a").ID
	midnight := time.Date(2026, 3, 5, 0, 0, 0, 0, time.UTC)
	for i := 1; i <= 4; i++ {
		q, ok, err := s.Take(ctx, id, Now(), 3)
		require.NoError(t, err)
		assert.Equal(t, i <= 3, ok)
		assert.Equal(t, store.Quota{Limit: 3, Used: min(i, 3), Reset: midnight}, q)
	}
	// A higher limit lets more through, a lower one none.
	q, ok, err := s.Take(ctx, id, Now(), 4)
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Zero(t, q.Remaining())
	q, ok, err = s.Take(ctx, id, Now(), 2)
	require.NoError(t, err)
	assert.False(t, ok)
	assert.Zero(t, q.Remaining())
	_, ok, err = s.Take(ctx, AddToken(t, s, "b").ID, Now(), 0)
	require.NoError(t, err)
	assert.False(t, ok, "a limit of no scans")

	require.NoError(t, s.GiveBack(ctx, id, Now()))
	used, err := s.Used(ctx, id, Now())
	require.NoError(t, err)
	assert.Equal(t, 3, used)

	// The next day begins at midnight UTC, in whatever zone the time is told.
	q, ok, err = s.Take(ctx, id, midnight.In(time.FixedZone("", -7*3600)), 3)
	require.NoError(t, err)
	assert.True(t, ok)
	assert.Equal(t, store.Quota{Limit: 3, Used: 1, Reset: midnight.AddDate(0, 0, 1)}, q)
	for range 3 {
		require.NoError(t, s.GiveBack(ctx, id, midnight))
	}
	used, err = s.Used(ctx, id, midnight)
	require.NoError(t, err)
	assert.Zero(t, used, "never below none")

	_, _, err = s.Take(ctx, 1_000_000, Now(), 3)
	require.ErrorIs(t, err, store.ErrNotFound)
}

// exact asks for scans, from all stores in turn, many at once: limit of them
// are let through.
func exact(t *testing.T, stores []store.Store, id int64) {
	t.Helper()
	const requests, limit = 1000, 100
	var passed, refused atomic.Int64
	together(requests, func(i int) {
		q, ok, err := stores[i%len(stores)].Take(context.Background(), id, Now(), limit)
		assert.NoError(t, err)
		assert.LessOrEqual(t, q.Used, limit)
		if ok {
			passed.Add(1)
		} else {
			refused.Add(1)
		}
	})
	assert.EqualValues(t, limit, passed.Load())
	assert.EqualValues(t, requests-limit, refused.Load())
	used, err := stores[0].Used(context.Background(), id, Now())
	require.NoError(t, err)
	assert.Equal(t, limit, used)
}

func testTakeIsExact(t *testing.T, k Kind) {
	s := fresh(t, k)
	exact(t, []store.Store{s}, AddToken(t, s, "a").ID)
}

func testTakeAcrossReplicas(t *testing.T, k Kind) {
	address := k.New(t)
	var stores []store.Store
	for range 3 {
		stores = append(stores, open(t, k, address, store.Options{}))
	}
	exact(t, stores, AddToken(t, stores[0], "a").ID)
}

func testLastUsed(t *testing.T, k Kind) {
	ctx, s := t.Context(), fresh(t, k)
	id := AddToken(t, s, "a").ID
	for _, c := range []struct{ after, seen time.Duration }{
		{0, 0}, {30 * time.Second, 0}, {time.Minute, time.Minute}, {90 * time.Second, time.Minute}, {time.Hour, time.Hour},
		{time.Minute, time.Hour}, // another replica's clock is behind
	} {
		_, _, err := s.Take(ctx, id, Now().Add(c.after), 1)
		require.NoError(t, err)
		token, err := s.Token(ctx, HashOf("a"))
		require.NoError(t, err)
		assert.Equal(t, Now().Add(c.seen), token.LastUsed, fmt.Sprint(c.after))
		assert.Equal(t, Now(), token.Confirmed, "its first use confirms a token")
	}
}

func testReopen(t *testing.T, k Kind) {
	ctx, address := t.Context(), k.New(t)
	s, err := k.Open(ctx, address, store.Options{})
	require.NoError(t, err)
	token := AddToken(t, s, "a")
	require.NoError(t, s.Close())
	require.Error(t, s.Confirm(ctx, token.ID, Now()), "a store that is closed")
	require.Error(t, s.Ping(ctx))

	again, err := open(t, k, address, store.Options{}).Token(ctx, HashOf("a"))
	require.NoError(t, err)
	assert.Equal(t, token, again)
}

func testCancelled(t *testing.T, k Kind) {
	s := fresh(t, k)
	id := AddToken(t, s, "a").ID
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := s.Take(ctx, id, Now(), 3)
	require.ErrorIs(t, err, context.Canceled)
	used, err := s.Used(t.Context(), id, Now())
	require.NoError(t, err)
	assert.Zero(t, used)
}
