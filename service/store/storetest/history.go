package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/service/store"
)

func findings(n int) []store.Finding {
	var list []store.Finding
	for i := range n {
		list = append(list, store.Finding{ID: fmt.Sprintf("CVE-2026-%04d", i), Package: "openssl", Version: "3.0.1-1", Severity: "high", Fixed: "3.0.2-1"})
	}
	return list
}

func testHistory(t *testing.T, k Kind) {
	ctx, s := t.Context(), fresh(t, k)
	a, b := AddToken(t, s, "a").ID, AddToken(t, s, "b").ID
	record := store.ScanRecord{
		TokenID: a, Image: "registry.example.org/app:1", Platform: "linux/amd64", At: Now(), OS: "debian 12",
		Packages: 400, Pass: true, Database: "sha256:1", Findings: findings(2000),
	}
	add := func(change func(*store.ScanRecord)) store.ScanRecord {
		r := record
		change(&r)
		id, err := s.AddScan(ctx, r)
		require.NoError(t, err)
		r.ID = id
		return r
	}
	first := add(func(*store.ScanRecord) {})
	second := add(func(r *store.ScanRecord) { r.Findings, r.Pass, r.At = nil, false, Now().Add(time.Hour) })
	arm := add(func(r *store.ScanRecord) { r.Platform, r.At = "linux/arm64", Now().Add(2*time.Hour) })
	add(func(r *store.ScanRecord) { r.TokenID = b })
	add(func(r *store.ScanRecord) { r.Image = "other" })

	last := func(image, platform string, n int) []store.ScanRecord {
		list, err := s.LastScans(ctx, a, image, platform, n)
		require.NoError(t, err)
		return list
	}
	assert.Equal(t, []store.ScanRecord{arm, second, first}, last(record.Image, "", 10))
	assert.Equal(t, []store.ScanRecord{second}, last(record.Image, record.Platform, 1))
	assert.Empty(t, last("unknown", "", 10))

	record.TokenID = 1_000_000
	_, err := s.AddScan(ctx, record)
	require.ErrorIs(t, err, store.ErrNotFound)
}

func watchedTokens(t *testing.T, s store.Store) (ids []int64) {
	t.Helper()
	require.NoError(t, s.Watched(t.Context(), func(r store.ScanRecord) error {
		ids = append(ids, r.TokenID)
		return nil
	}))
	return ids
}

func testWatched(t *testing.T, k Kind) {
	ctx, address := t.Context(), k.New(t)
	s := open(t, k, address, store.Options{MaxWatched: 21})
	a := AddToken(t, s, "a").ID
	add := func(image, platform, inventory string, after time.Duration) (int64, error) {
		r := store.ScanRecord{TokenID: a, Image: image, Platform: platform, At: Now().Add(after), Findings: findings(1)}
		if inventory != "" {
			r.Inventory = []byte(inventory)
		}
		return s.AddScan(ctx, r)
	}
	for i := range 20 {
		_, err := add(fmt.Sprintf("image %02d", i), "linux/amd64", "old", 0)
		require.NoError(t, err)
	}
	_, err := add("image 00", "linux/arm64", "arm", 0)
	require.NoError(t, err)
	_, err = add("one too many", "linux/amd64", "x", 0)
	require.ErrorIs(t, err, store.ErrLimit)
	list, err := s.LastScans(ctx, a, "one too many", "", 1)
	require.NoError(t, err)
	assert.Empty(t, list)
	_, err = add("not watched", "linux/amd64", "", 0)
	require.NoError(t, err)
	newest, err := add("image 07", "linux/amd64", "new", time.Hour)
	require.NoError(t, err)
	_, err = add("image 07", "linux/amd64", "", 2*time.Hour)
	require.NoError(t, err, "a scan without an inventory leaves the watch as it is")

	seen := map[string]store.ScanRecord{}
	require.NoError(t, s.Watched(ctx, func(r store.ScanRecord) error {
		seen[r.Image+" "+r.Platform] = r
		return s.UpdateFindings(ctx, r.ID, "sha256:new", findings(2))
	}))
	assert.Len(t, seen, 21)
	assert.Equal(t, store.ScanRecord{
		ID: newest, TokenID: a, Image: "image 07", Platform: "linux/amd64", At: Now().Add(time.Hour), Findings: findings(1), Inventory: []byte("new"),
	}, seen["image 07 linux/amd64"])
	assert.Equal(t, []byte("arm"), seen["image 00 linux/arm64"].Inventory)

	list, err = s.LastScans(ctx, a, "image 03", "", 1)
	require.NoError(t, err)
	assert.Equal(t, "sha256:new", list[0].Database)
	assert.Equal(t, findings(2), list[0].Findings)
	require.ErrorIs(t, s.UpdateFindings(ctx, 1_000_000, "", nil), store.ErrNotFound)

	broken, calls := errors.New("enough"), 0
	require.ErrorIs(t, s.Watched(ctx, func(store.ScanRecord) error { calls++; return broken }), broken)
	assert.Equal(t, 1, calls)

	require.NoError(t, s.Unwatch(ctx, a, "image 00"))
	assert.Len(t, watchedTokens(t, s), 19, "both platforms")
	_, err = add("now there is room", "linux/amd64", "x", 0)
	require.NoError(t, err)
}

func testWatchLimitIsExact(t *testing.T, k Kind) {
	address := k.New(t)
	stores := []store.Store{open(t, k, address, store.Options{MaxWatched: 5}), open(t, k, address, store.Options{MaxWatched: 5})}
	a := AddToken(t, stores[0], "a").ID
	var watched, hooks atomic.Int64
	together(40, func(i int) {
		_, err := stores[i%2].AddScan(context.Background(), store.ScanRecord{TokenID: a, Image: fmt.Sprint(i), At: Now(), Inventory: []byte("i")})
		if err == nil {
			watched.Add(1)
		} else {
			assert.ErrorIs(t, err, store.ErrLimit)
		}
		_, err = stores[i%2].AddWebhook(context.Background(), store.Webhook{TokenID: a, URL: "https://example.org", Created: Now()}, 3)
		if err == nil {
			hooks.Add(1)
		} else {
			assert.ErrorIs(t, err, store.ErrLimit)
		}
	})
	assert.EqualValues(t, 5, watched.Load())
	assert.EqualValues(t, 3, hooks.Load())
}

func testWebhooks(t *testing.T, k Kind) {
	ctx, s := t.Context(), fresh(t, k)
	a, b := AddToken(t, s, "a").ID, AddToken(t, s, "b").ID
	want := store.Webhook{TokenID: a, URL: "https://example.org/hook?x=1", Secret: []byte{0, 1, 255}, Created: Now()}
	id, err := s.AddWebhook(ctx, want, 1)
	require.NoError(t, err)
	want.ID = id
	_, err = s.AddWebhook(ctx, want, 1)
	require.ErrorIs(t, err, store.ErrLimit)
	_, err = s.AddWebhook(ctx, store.Webhook{TokenID: 1_000_000, Created: Now()}, 1)
	require.ErrorIs(t, err, store.ErrNotFound)

	list, err := s.Webhooks(ctx, a)
	require.NoError(t, err)
	assert.Equal(t, []store.Webhook{want}, list)
	one, err := s.Webhook(ctx, id)
	require.NoError(t, err)
	assert.Equal(t, want, one)

	require.ErrorIs(t, s.DeleteWebhook(ctx, b, id), store.ErrNotFound, "it is somebody else's")
	require.NoError(t, s.DeleteWebhook(ctx, a, id))
	_, err = s.Webhook(ctx, id)
	require.ErrorIs(t, err, store.ErrNotFound)
}

func testDeliveries(t *testing.T, k Kind) {
	ctx, s := t.Context(), fresh(t, k)
	a, b := AddToken(t, s, "a").ID, AddToken(t, s, "b").ID
	hook, err := s.AddWebhook(ctx, store.Webhook{TokenID: a, URL: "https://example.org", Created: Now()}, 1)
	require.NoError(t, err)
	require.ErrorIs(t, s.Enqueue(ctx, store.Delivery{WebhookID: 1_000_000, Created: Now(), Next: Now()}), store.ErrNotFound)
	for i := range 3 {
		require.NoError(t, s.Enqueue(ctx, store.Delivery{WebhookID: hook, Body: []byte{byte(i)}, Created: Now(), Next: Now().Add(time.Duration(i) * time.Hour)}))
	}
	due := func(after time.Duration, n int) []store.Delivery {
		list, err := s.Due(ctx, Now().Add(after), time.Minute, n)
		require.NoError(t, err)
		return list
	}
	list := due(0, 10)
	require.Len(t, list, 1)
	first := list[0].ID
	assert.Equal(t, store.Delivery{ID: first, WebhookID: hook, Body: []byte{0}, Created: Now(), Attempts: 1, Next: Now().Add(time.Minute)}, list[0])
	assert.Empty(t, due(59*time.Second, 10))
	assert.Len(t, due(time.Minute, 10), 1, "after the lease")
	assert.Len(t, due(3*time.Hour, 2), 2, "no more than asked for")
	require.NoError(t, s.Delivered(ctx, first))
	require.NoError(t, s.Delivered(ctx, first))

	list = due(4*time.Hour, 10)
	require.Len(t, list, 2)
	require.NoError(t, s.Failed(ctx, list[0].ID, "refused", Now().Add(9*time.Hour), false))
	require.NoError(t, s.Failed(ctx, list[1].ID, "gone", Now(), true))
	assert.Empty(t, due(8*time.Hour, 10))
	assert.Len(t, due(9*time.Hour, 10), 1)

	dead, err := s.DeadLetters(ctx, a, 10)
	require.NoError(t, err)
	require.Len(t, dead, 1)
	assert.Equal(t, "gone", dead[0].LastError)
	assert.True(t, dead[0].Dead)
	others, err := s.DeadLetters(ctx, b, 10)
	require.NoError(t, err)
	assert.Empty(t, others)

	require.ErrorIs(t, s.Revive(ctx, b, dead[0].ID, Now()), store.ErrNotFound)
	require.NoError(t, s.Revive(ctx, a, dead[0].ID, Now()))
	require.ErrorIs(t, s.Revive(ctx, a, dead[0].ID, Now()), store.ErrNotFound, "it lives")
	list = due(0, 10)
	require.Len(t, list, 1)
	assert.Equal(t, 1, list[0].Attempts)

	require.NoError(t, s.DeleteWebhook(ctx, a, hook))
	assert.Empty(t, due(24*time.Hour, 10))
}
