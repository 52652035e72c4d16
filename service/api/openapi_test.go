package api_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/scanner/remote"
	"github.com/example/microscanner-frontend/service/api"
	"github.com/example/microscanner-frontend/service/servicetest"
)

func description(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("openapi.yaml")
	require.NoError(t, err)
	require.NoError(t, doc.Validate(t.Context()))
	return doc
}

func TestDescriptionIsThatInDocs(t *testing.T) {
	here, err := os.ReadFile("openapi.yaml")
	require.NoError(t, err)
	docs, err := os.ReadFile(filepath.Join("..", "..", "docs", "openapi.yaml"))
	require.NoError(t, err)
	assert.Equal(t, string(here), string(docs))
}

// Every route is described, and every description has a route. Of a pattern
// that takes all that follows, the ends are described.
func TestRoutesAreDescribed(t *testing.T) {
	var described []string
	for path, item := range description(t).Paths.Map() {
		for method := range item.Operations() {
			if strings.HasPrefix(path, remote.PathImages) {
				path = remote.PathImages + "{path...}"
			}
			described = append(described, method+" "+path)
		}
	}
	routes := api.Routes()
	slices.Sort(described)
	slices.Sort(routes)
	assert.Equal(t, described, routes)
}

// Answers are as described.
func TestAnswersAreAsDescribed(t *testing.T) {
	s := start(t, servicetest.Options{Args: []string{"--webhook-private-network=127.0.0.0/8"}})
	owner := s.Token()
	doc := description(t)
	watched := servicetest.Request(image, 3)
	watched.Watch = true
	for _, c := range []struct {
		method, path, as string
		body             any
		status           int
	}{
		{"GET", "/healthz", "", nil, 200},
		{"GET", "/readyz", "", nil, 200},
		{"GET", remote.PathTerms, "", nil, 200},
		{"POST", remote.PathConfirm, "", nil, 200},
		{"GET", remote.PathToken, "", nil, 200},
		{"POST", remote.PathScan, "", watched, 200},
		{"POST", remote.PathScan, "", "nonsense", 400},
		{"GET", remote.PathImages + image + "/changes", remote.PathImages + "{name}/changes", nil, 200},
		{"GET", remote.PathImages + "other/changes", remote.PathImages + "{name}/changes", nil, 404},
		{"DELETE", remote.PathImages + image + "/watch", remote.PathImages + "{name}/watch", nil, 204},
		{"POST", api.PathWebhooks, "", api.WebhookRequest{URL: "https://127.0.0.1/hook"}, 201},
		{"POST", api.PathWebhooks, "", api.WebhookRequest{URL: "https://10.0.0.1/hook"}, 400},
		{"GET", api.PathWebhooks, "", nil, 200},
		{"DELETE", api.PathWebhooks + "/1", api.PathWebhooks + "/{id}", nil, 204},
		{"DELETE", api.PathWebhooks + "/1", api.PathWebhooks + "/{id}", nil, 404},
		{"GET", api.PathDeadLetters, "", nil, 200},
		{"POST", api.PathDeadLetters + "/7/revive", api.PathDeadLetters + "/{id}/revive", nil, 404},
		{"GET", remote.PathClient + "plan9/mips", remote.PathClient + "{os}/{arch}", nil, 404},
		{"DELETE", remote.PathToken, "", nil, 204},
		{"GET", remote.PathToken, "", nil, 401},
	} {
		if c.as == "" {
			c.as = c.path
		}
		a := s.Do(c.method, c.path, owner, c.body)
		if assert.Equal(t, c.status, a.Status, "%s %s: %s", c.method, c.path, a.Body) {
			checkAnswer(t, doc.Paths.Find(c.as).GetOperation(c.method), a)
		}
	}
}

func checkAnswer(t *testing.T, op *openapi3.Operation, a servicetest.Answer) {
	t.Helper()
	resp := op.Responses.Value(strconv.Itoa(a.Status))
	if resp == nil {
		require.GreaterOrEqual(t, a.Status, http.StatusBadRequest, "%s: a success that is not described", op.OperationID)
		resp = op.Responses.Default()
	}
	if len(resp.Value.Content) == 0 {
		assert.Empty(t, a.Body, op.OperationID)
		return
	}
	var v any
	require.NoError(t, json.Unmarshal(a.Body, &v))
	assert.NoError(t, resp.Value.Content.Get("application/json").Schema.Value.VisitJSON(v), op.OperationID)
}
