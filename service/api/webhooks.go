package api

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/example/microscanner-frontend/service/store"
)

// The paths of webhooks, all with a token.
const (
	PathWebhooks    = "/api/v1/webhooks"     // GET []Webhook, POST WebhookRequest: Webhook; DELETE {id}
	PathDeadLetters = "/api/v1/dead-letters" // GET []DeadLetter; POST {id}/revive
)

// WebhookRequest asks for messages to an address.
type WebhookRequest struct {
	URL string `json:"url"`
}

// Webhook is a place that is told of newly affected images.
type Webhook struct {
	ID  int64  `json:"id"`
	URL string `json:"url"`
	// Secret keys the messages' signatures, in hex. It is shown once, in the
	// answer that makes the webhook.
	Secret  string    `json:"secret,omitempty"`
	Created time.Time `json:"created"`
}

// DeadLetter is a message that a webhook did not take.
type DeadLetter struct {
	ID       int64           `json:"id"`
	Webhook  int64           `json:"webhook"`
	Created  time.Time       `json:"created"`
	Attempts int             `json:"attempts"`
	Error    string          `json:"error"` // of the last attempt
	Message  json.RawMessage `json:"message"`
}

// shownLetters is how many dead letters are listed, the newest first.
const shownLetters = 100

func (a *API) addWebhook(w http.ResponseWriter, r *http.Request, owner store.Token) error {
	var req WebhookRequest
	if err := readJSON(w, r, &req); err != nil {
		return err
	}
	if err := a.WebhookURL(req.URL); err != nil {
		return badRequest("%v", err)
	}
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	hook := store.Webhook{TokenID: owner.ID, URL: req.URL, Secret: secret, Created: a.Now().UTC()}
	id, err := a.Store.AddWebhook(r.Context(), hook, a.MaxWebhooks)
	switch {
	case errors.Is(err, store.ErrLimit):
		return tooMany("a token has at most "+strconv.Itoa(a.MaxWebhooks)+" webhooks; delete another one first", 0)
	case err != nil:
		return storeFailed("keep the webhook", err)
	}
	return writeJSON(w, http.StatusCreated, Webhook{ID: id, URL: hook.URL, Secret: hex.EncodeToString(secret), Created: hook.Created})
}

func (a *API) listWebhooks(w http.ResponseWriter, r *http.Request, owner store.Token) error {
	list, err := a.Store.Webhooks(r.Context(), owner.ID)
	if err != nil {
		return storeFailed("list the webhooks", err)
	}
	out := make([]Webhook, 0, len(list))
	for _, h := range list {
		out = append(out, Webhook{ID: h.ID, URL: h.URL, Created: h.Created})
	}
	return writeJSON(w, http.StatusOK, out)
}

func (a *API) deleteWebhook(w http.ResponseWriter, r *http.Request, owner store.Token) error {
	return a.changeByID(w, r, "webhook", func(id int64) error {
		return a.Store.DeleteWebhook(r.Context(), owner.ID, id)
	})
}

func (a *API) revive(w http.ResponseWriter, r *http.Request, owner store.Token) error {
	return a.changeByID(w, r, "dead letter", func(id int64) error {
		return a.Store.Revive(r.Context(), owner.ID, id, a.Now().UTC())
	})
}

// changeByID changes the thing whose number the path has.
func (a *API) changeByID(w http.ResponseWriter, r *http.Request, thing string, change func(id int64) error) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err == nil {
		err = change(id)
	} else {
		err = store.ErrNotFound
	}
	switch {
	case errors.Is(err, store.ErrNotFound):
		return notFound("the token has no such " + thing)
	case err != nil:
		return storeFailed("change the "+thing, err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) deadLetters(w http.ResponseWriter, r *http.Request, owner store.Token) error {
	list, err := a.Store.DeadLetters(r.Context(), owner.ID, shownLetters)
	if err != nil {
		return storeFailed("list the dead letters", err)
	}
	out := make([]DeadLetter, 0, len(list))
	for _, d := range list {
		out = append(out, DeadLetter{ID: d.ID, Webhook: d.WebhookID, Created: d.Created, Attempts: d.Attempts, Error: d.LastError, Message: d.Body})
	}
	return writeJSON(w, http.StatusOK, out)
}
