package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/service/store"
)

func testPurge(t *testing.T, k Kind) {
	const day = 24 * time.Hour
	ctx, s := t.Context(), fresh(t, k)
	limits := store.RegistrationLimits{Window: day, PerEmail: 1, PerSource: 100, UnconfirmedRetention: 7 * day}
	purge := func(after time.Duration) {
		t.Helper()
		require.NoError(t, s.Purge(ctx, Now().Add(after), limits, 90*day))
	}
	known := func(name string) error {
		_, err := s.Token(ctx, HashOf(name))
		return err
	}
	used, unused, revoked := AddToken(t, s, "used").ID, AddToken(t, s, "unused").ID, AddToken(t, s, "revoked").ID
	require.NoError(t, s.Confirm(ctx, used, Now()))
	require.NoError(t, s.Confirm(ctx, revoked, Now()))
	require.NoError(t, s.Revoke(ctx, revoked, Now()))
	require.NoError(t, s.Register(ctx, store.Registration{Email: "mail@example.org", Source: "s", At: Now()}, limits))
	_, _, err := s.Take(ctx, used, Now(), 10)
	require.NoError(t, err)
	for image, inventory := range map[string][]byte{"app": nil, "watched": []byte("i")} {
		_, err := s.AddScan(ctx, store.ScanRecord{TokenID: used, Image: image, At: Now(), Inventory: inventory})
		require.NoError(t, err)
	}
	hook, err := s.AddWebhook(ctx, store.Webhook{TokenID: used, Created: Now()}, 1)
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, s.Enqueue(ctx, store.Delivery{WebhookID: hook, Created: Now(), Next: Now()}))
	}
	due, err := s.Due(ctx, Now(), 0, 1)
	require.NoError(t, err)
	require.NoError(t, s.Failed(ctx, due[0].ID, "gone", Now(), true))

	purge(0)
	purge(day)
	require.NoError(t, known("unused"))
	n, err := s.Used(ctx, used, Now())
	require.NoError(t, err)
	assert.Equal(t, 1, n, "yesterday is kept")
	require.ErrorIs(t, s.Register(ctx, store.Registration{Email: "mail@example.org", Source: "s", At: Now()}, limits), store.ErrEmailLimit)

	purge(7 * day)
	require.ErrorIs(t, known("unused"), store.ErrNotFound)
	require.ErrorIs(t, s.Confirm(ctx, unused, Now()), store.ErrNotFound)
	mails, err := s.DueMails(ctx, Now().Add(7*day), time.Minute, 10)
	require.NoError(t, err)
	assert.Empty(t, mails)
	n, err = s.Used(ctx, used, Now())
	require.NoError(t, err)
	assert.Zero(t, n)
	require.ErrorIs(t, known("revoked"), store.ErrRevoked)
	require.NoError(t, s.Register(ctx, store.Registration{Email: "mail@example.org", Source: "s", At: Now()}, limits), "the registration is forgotten")

	purge(90 * day)
	require.ErrorIs(t, known("revoked"), store.ErrNotFound)
	require.NoError(t, known("used"))
	for image, want := range map[string]int{"app": 0, "watched": 1} {
		list, err := s.LastScans(ctx, used, image, "", 10)
		require.NoError(t, err)
		assert.Len(t, list, want, image)
	}
	dead, err := s.DeadLetters(ctx, used, 10)
	require.NoError(t, err)
	assert.Empty(t, dead)
	due, err = s.Due(ctx, Now(), 0, 10)
	require.NoError(t, err)
	assert.Len(t, due, 1, "what is not dead is kept")

	// Without limits there is nothing to go by.
	AddToken(t, s, "again")
	require.NoError(t, s.Purge(ctx, Now().Add(1000*day), store.RegistrationLimits{}, 0))
	require.NoError(t, known("again"))
}

// testHostileText: every text is kept as it is, or made text, and never read as
// SQL.
func testHostileText(t *testing.T, k Kind) {
	ctx, s := t.Context(), fresh(t, k)
	a := AddToken(t, s, "a").ID
	for i, bad := range []string{
		`'; DROP TABLE tokens; --`, `" OR ""="`, `\'; DELETE FROM usage; --`, `$1`, `?`, `%s%n`, "\x00", "a\x00b", "\xff\xfe", "𝕏\u202e", "", `$$;DROP TABLE scans;$$`,
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			image := fmt.Sprint("app ", i, bad)
			id, err := s.AddScan(ctx, store.ScanRecord{
				TokenID: a, Image: image, Platform: bad, OS: bad, Database: bad, At: Now(), Inventory: []byte(bad),
				Findings: []store.Finding{{ID: bad, Package: bad, Version: bad, Severity: bad, Fixed: bad}},
			})
			require.NoError(t, err)
			list, err := s.LastScans(ctx, a, image, bad, 10)
			require.NoError(t, err)
			require.Len(t, list, 1)
			assert.Equal(t, id, list[0].ID)
			require.NoError(t, s.UpdateFindings(ctx, id, bad, nil))
			require.NoError(t, s.Unwatch(ctx, a, image))
			assert.Empty(t, watchedTokens(t, s))

			require.NoError(t, s.Register(ctx, store.Registration{Email: fmt.Sprint("m", i, bad), TermsVersion: bad, Source: fmt.Sprint(i, bad), At: Now()}, store.RegistrationLimits{Window: time.Hour, PerEmail: 1, PerSource: 1}))
			mails, err := s.DueMails(ctx, Now(), time.Minute, 10)
			require.NoError(t, err)
			require.Len(t, mails, 1)
			require.NoError(t, s.IssueToken(ctx, mails[0].ID, HashOf("token "+bad), Now()))
			require.NoError(t, s.MailFailed(ctx, mails[0].ID, bad, Now(), true))

			hook, err := s.AddWebhook(ctx, store.Webhook{TokenID: a, URL: bad, Secret: []byte(bad), Created: Now()}, 1)
			require.NoError(t, err)
			require.NoError(t, s.Enqueue(ctx, store.Delivery{WebhookID: hook, Body: []byte(bad), Created: Now(), Next: Now()}))
			due, err := s.Due(ctx, Now(), time.Minute, 10)
			require.NoError(t, err)
			require.Len(t, due, 1)
			assert.Equal(t, bad, string(due[0].Body))
			require.NoError(t, s.Failed(ctx, due[0].ID, bad, Now(), true))
			require.NoError(t, s.DeleteWebhook(ctx, a, hook))
		})
	}
	_, err := s.Token(ctx, HashOf("a"))
	require.NoError(t, err)
}
