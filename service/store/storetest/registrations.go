package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/service/store"
)

func testRegistrationLimits(t *testing.T, k Kind) {
	ctx, s := t.Context(), fresh(t, k)
	limits := store.RegistrationLimits{Window: time.Hour, PerEmail: 2, PerSource: 4}
	register := func(email, source string, after time.Duration) error {
		return s.Register(ctx, store.Registration{Email: email, TermsVersion: "1", Source: source, At: Now().Add(after)}, limits)
	}
	require.NoError(t, register("a@example.org", "192.0.2.1", 0))
	require.NoError(t, register("a@example.org", "192.0.2.1", time.Minute))

	// A third one of the address is refused, and counts for its source.
	err := register("a@example.org", "192.0.2.1", 2*time.Minute)
	require.ErrorIs(t, err, store.ErrEmailLimit)
	require.ErrorIs(t, err, store.ErrLimit)
	require.ErrorIs(t, register("a@example.org", "192.0.2.9", 2*time.Minute), store.ErrEmailLimit, "from another source")

	require.NoError(t, register("b@example.org", "192.0.2.1", 3*time.Minute))
	err = register("c@example.org", "192.0.2.1", 4*time.Minute)
	var source *store.SourceLimitError
	require.ErrorAs(t, err, &source)
	require.ErrorIs(t, err, store.ErrLimit)
	assert.NotErrorIs(t, err, store.ErrEmailLimit)
	assert.Equal(t, Now().Add(time.Hour), source.Until)
	require.NoError(t, register("c@example.org", "192.0.2.2", 4*time.Minute), "from another source")

	// The window slides: what was refused does not make it longer.
	require.NoError(t, register("a@example.org", "192.0.2.3", time.Hour))
	require.ErrorIs(t, register("a@example.org", "192.0.2.3", time.Hour), store.ErrEmailLimit)
	require.NoError(t, register("c@example.org", "192.0.2.1", time.Hour))

	mails, err := s.DueMails(ctx, Now().Add(2*time.Hour), time.Minute, 100)
	require.NoError(t, err)
	count := map[string]int{}
	for _, m := range mails {
		count[m.Email]++
	}
	assert.Equal(t, map[string]int{"a@example.org": 3, "b@example.org": 1, "c@example.org": 2}, count)
}

func testRegistrationLimitsAreExact(t *testing.T, k Kind) {
	address := k.New(t)
	stores := []store.Store{open(t, k, address, store.Options{}), open(t, k, address, store.Options{})}
	limits := store.RegistrationLimits{Window: time.Hour, PerEmail: 3, PerSource: 20}
	var accepted, email, source atomic.Int64
	// Each address from each source: addresses and sources in all orders.
	together(100, func(i int) {
		err := stores[i%2].Register(context.Background(), store.Registration{
			Email: fmt.Sprintf("%d@example.org", i%10), TermsVersion: "1", Source: fmt.Sprint("source ", i/10%2), At: Now(),
		}, limits)
		var limit *store.SourceLimitError
		switch {
		case err == nil:
			accepted.Add(1)
		case errors.As(err, &limit):
			source.Add(1)
		case errors.Is(err, store.ErrEmailLimit):
			email.Add(1)
		default:
			assert.NoError(t, err)
		}
	})
	assert.EqualValues(t, 2*20, accepted.Load()+email.Load(), "each source has its limit")
	assert.EqualValues(t, 60, source.Load())
	mails, err := stores[0].DueMails(t.Context(), Now(), time.Minute, 1000)
	require.NoError(t, err)
	assert.Len(t, mails, int(accepted.Load()))
	count := map[string]int{}
	for _, m := range mails {
		count[m.Email]++
		assert.LessOrEqual(t, count[m.Email], 3)
	}
}

func testMails(t *testing.T, k Kind) {
	ctx, s := t.Context(), fresh(t, k)
	require.NoError(t, s.Register(ctx, store.Registration{Email: "a@example.org", TermsVersion: "7", Source: "s", At: Now()}, store.RegistrationLimits{}))
	due := func(after time.Duration) []store.Mail {
		mails, err := s.DueMails(ctx, Now().Add(after), time.Minute, 10)
		require.NoError(t, err)
		return mails
	}
	assert.Empty(t, due(-time.Second))
	mails := due(0)
	require.Len(t, mails, 1)
	id := mails[0].ID
	assert.Equal(t, []store.Mail{{ID: id, Email: "a@example.org", TermsVersion: "7", Accepted: Now(), Attempts: 1}}, mails)
	assert.Empty(t, due(59*time.Second), "another process has it")
	require.Len(t, due(time.Minute), 1, "that process is gone")

	// Each attempt has its token, all of one account.
	require.NoError(t, s.IssueToken(ctx, id, HashOf("first"), Now().Add(time.Second)))
	require.NoError(t, s.MailFailed(ctx, id, "no answer", Now().Add(time.Hour), false))
	assert.Empty(t, due(time.Hour-time.Second))
	mails = due(time.Hour)
	require.Len(t, mails, 1)
	assert.Equal(t, 3, mails[0].Attempts)
	require.NoError(t, s.IssueToken(ctx, id, HashOf("second"), Now().Add(time.Hour)))
	first, err := s.Token(ctx, HashOf("first"))
	require.NoError(t, err)
	assert.Equal(t, Now().Add(time.Second), first.Created)
	second, err := s.Token(ctx, HashOf("second"))
	require.NoError(t, err)
	assert.Equal(t, first.AccountID, second.AccountID)

	require.NoError(t, s.MailSent(ctx, id))
	require.NoError(t, s.MailSent(ctx, id))
	assert.Empty(t, due(24*time.Hour))
	require.ErrorIs(t, s.IssueToken(ctx, id, HashOf("third"), Now()), store.ErrNotFound)

	require.NoError(t, s.Register(ctx, store.Registration{Email: "a@example.org", TermsVersion: "7", Source: "s", At: Now()}, store.RegistrationLimits{}))
	mails = due(0)
	require.Len(t, mails, 1)
	require.NoError(t, s.MailFailed(ctx, mails[0].ID, strings.Repeat("ä", 10_000), Now(), true))
	assert.Empty(t, due(24*time.Hour), "given up")
}

// testClaims: messages and mails that several processes ask for go to one each.
func testClaims(t *testing.T, k Kind) {
	ctx, address := t.Context(), k.New(t)
	stores := []store.Store{open(t, k, address, store.Options{}), open(t, k, address, store.Options{}), open(t, k, address, store.Options{})}
	hook, err := stores[0].AddWebhook(ctx, store.Webhook{TokenID: AddToken(t, stores[0], "a").ID, URL: "https://example.org", Created: Now()}, 1)
	require.NoError(t, err)
	const n = 60
	for i := range n {
		require.NoError(t, stores[0].Enqueue(ctx, store.Delivery{WebhookID: hook, Body: []byte("m"), Created: Now(), Next: Now()}))
		require.NoError(t, stores[0].Register(ctx, store.Registration{Email: fmt.Sprintf("%d@example.org", i), Source: "s", At: Now()}, store.RegistrationLimits{}))
	}
	var mu sync.Mutex
	deliveries, mails := map[int64]int{}, map[int64]int{}
	together(12, func(i int) {
		for {
			d, err := stores[i%3].Due(ctx, Now(), time.Minute, 3)
			assert.NoError(t, err)
			m, err := stores[i%3].DueMails(ctx, Now(), time.Minute, 3)
			assert.NoError(t, err)
			if len(d)+len(m) == 0 {
				return
			}
			mu.Lock()
			for _, each := range d {
				deliveries[each.ID]++
			}
			for _, each := range m {
				mails[each.ID]++
			}
			mu.Unlock()
		}
	})
	assert.Len(t, deliveries, n)
	assert.Len(t, mails, n)
	for id, times := range deliveries {
		assert.Equal(t, 1, times, id)
	}
	for id, times := range mails {
		assert.Equal(t, 1, times, id)
	}
}
