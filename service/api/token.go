package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/service/store"
	"github.com/example/microscanner-frontend/service/token"
)

// ownedEndpoint answers a request of the owner of a token.
type ownedEndpoint func(w http.ResponseWriter, r *http.Request, owner store.Token) error

// owned lets in whoever has a token.
func (a *API) owned(run ownedEndpoint) endpoint {
	return func(w http.ResponseWriter, r *http.Request) error {
		owner, err := a.authenticate(r)
		if err != nil {
			return err
		}
		return run(w, r, owner)
	}
}

// authenticate finds the token of a request. The first use confirms it. What is
// malformed and what is unknown get one answer: it must not help to guess.
func (a *API) authenticate(r *http.Request) (store.Token, error) {
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	parsed, err := token.Parse(strings.TrimSpace(text))
	if err != nil || !strings.EqualFold(scheme, "Bearer") {
		return store.Token{}, unauthorized()
	}
	found, err := a.Store.Token(r.Context(), parsed.Hash())
	switch {
	case errors.Is(err, store.ErrNotFound):
		return store.Token{}, unauthorized()
	case errors.Is(err, store.ErrRevoked):
		return store.Token{}, &failure{status: http.StatusUnauthorized, body: remote.Error{
			Code: remote.CodeRevoked, Message: "the token is revoked; register for another one",
		}}
	case err != nil:
		return store.Token{}, storeFailed("find the token", err)
	}
	if found.Confirmed.IsZero() {
		found.Confirmed = a.Now().UTC()
		if err := a.Store.Confirm(r.Context(), found.ID, found.Confirmed); err != nil {
			return store.Token{}, storeFailed("confirm the token", err)
		}
	}
	return found, nil
}

func unauthorized() error {
	return &failure{status: http.StatusUnauthorized, body: remote.Error{
		Code: remote.CodeUnauthorized, Message: "the request has no token that this service knows; send one as Authorization: Bearer TOKEN",
	}}
}

// storeFailed is a store that does not do its work. It may be back soon.
func storeFailed(operation string, err error) error {
	return unavailable("the service cannot reach its store", errors.Join(errors.New(operation), err))
}

// limitOf is the scans a day of a token.
func (a *API) limitOf(t *store.Token) int { return cmp.Or(t.Limit, a.DailyLimit) }

func (a *API) confirm(w http.ResponseWriter, r *http.Request, owner store.Token) error {
	return a.writeInfo(w, r, &owner)
}

func (a *API) tokenInfo(w http.ResponseWriter, r *http.Request, owner store.Token) error {
	return a.writeInfo(w, r, &owner)
}

func (a *API) writeInfo(w http.ResponseWriter, r *http.Request, owner *store.Token) error {
	now := a.Now().UTC()
	used, err := a.Store.Used(r.Context(), owner.ID, now)
	if err != nil {
		return storeFailed("count the day's scans", err)
	}
	q := store.Quota{Limit: a.limitOf(owner), Used: used}
	return writeJSON(w, http.StatusOK, remote.TokenInfo{
		Created: owner.Created, Confirmed: owner.Confirmed, LastUsed: owner.LastUsed,
		Limit: q.Limit, Remaining: q.Remaining(), Reset: nextMidnight(now),
	})
}

func nextMidnight(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, time.UTC)
}

func (a *API) revoke(w http.ResponseWriter, r *http.Request, owner store.Token) error {
	if err := a.Store.Revoke(r.Context(), owner.ID, a.Now().UTC()); err != nil {
		return storeFailed("revoke the token", err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// take counts a scan, and tells the quota in the answer's headers.
func (a *API) take(w http.ResponseWriter, r *http.Request, owner *store.Token, now time.Time) (store.Quota, error) {
	q, ok, err := a.Store.Take(r.Context(), owner.ID, now, a.limitOf(owner))
	if err != nil {
		return q, storeFailed("count the scan", err)
	}
	wait := seconds(q.Reset.Sub(now))
	writeQuota(w, q, wait)
	if !ok {
		a.Metrics.Refused.Inc()
		return q, &failure{status: http.StatusTooManyRequests, body: remote.Error{
			Code: remote.CodeQuota, RetryAfter: wait,
			Message: "the token's " + strconv.Itoa(q.Limit) + " scans of today are used up; the next day begins at " + q.Reset.UTC().Format(time.RFC3339),
		}}
	}
	return q, nil
}

// giveBack takes back what take counted. The client may be gone.
func (a *API) giveBack(w http.ResponseWriter, r *http.Request, owner *store.Token, q store.Quota, now time.Time) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), storeTimeout)
	defer cancel()
	if err := a.Store.GiveBack(ctx, owner.ID, now); err != nil {
		a.Log.ErrorContext(ctx, "a scan that failed stays counted", "error", err)
		return
	}
	q.Used--
	writeQuota(w, q, seconds(q.Reset.Sub(now)))
}

// storeTimeout bounds what is done although the client may be gone.
const storeTimeout = 5 * time.Second

func writeQuota(w http.ResponseWriter, q store.Quota, reset int) {
	h := w.Header()
	h.Set(remote.HeaderLimit, strconv.Itoa(q.Limit))
	h.Set(remote.HeaderRemaining, strconv.Itoa(q.Remaining()))
	h.Set(remote.HeaderReset, strconv.Itoa(reset))
}
