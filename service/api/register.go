package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/service/register"
	"github.com/example/microscanner-frontend/service/store"
)

// ErrNoRegistration is a Registrar's error if nobody can register.
var ErrNoRegistration = errors.New("this service takes no registrations; ask whoever runs it for a token")

func (a *API) getTerms(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, a.Registrar.Terms())
}

// register answers the same whether the address is known or not.
func (a *API) register(w http.ResponseWriter, r *http.Request) error {
	var req remote.RegisterRequest
	if err := readJSON(w, r, &req); err != nil {
		return err
	}
	err := a.Registrar.Register(r.Context(), req, a.source(r))
	var source *store.SourceLimitError
	var invalid *register.InvalidError
	switch {
	case errors.As(err, &invalid):
		return badRequest("%s", invalid.Message)
	case errors.As(err, &source):
		wait := max(source.Until.Sub(a.Now()), time.Second)
		return tooMany("there were too many registrations from your network", wait)
	case errors.Is(err, ErrNoRegistration):
		return notFound(err.Error())
	case err != nil:
		return storeFailed("keep the registration", err)
	}
	return writeJSON(w, http.StatusAccepted, remote.Message{Message: "Please check your email for the token."})
}
