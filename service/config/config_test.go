package config_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/example/microscanner-frontend/service/config"
)

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// Arguments are stronger than the environment, which is stronger than the file.
func TestOrder(t *testing.T) {
	yaml := file(t, "daily-limit: 1\nscan-time: 1s\nmax-webhooks: 1\nplain-http: true\nstore: store.db\ntrusted-proxy: [10.0.0.0/8, \"::1\"]\n")
	environ := []string{"MICROSCANNER_CONFIG=" + yaml, "MICROSCANNER_DAILY_LIMIT=2", "MICROSCANNER_SCAN_TIME=2s", "MICROSCANNER_UNKNOWN=x", "PATH=/bin"}
	c, err := config.Load([]string{"--daily-limit=3"}, environ, io.Discard)
	require.NoError(t, err)
	assert.Equal(t, 3, c.DailyLimit)
	assert.Equal(t, 2*time.Second, c.ScanTime)
	assert.Equal(t, 1, c.MaxWebhooks)
	assert.Len(t, c.TrustedProxies, 2)
	assert.Equal(t, 30*24*time.Hour*3, c.HistoryTime, "a default")
}

func TestSecretsAreInFiles(t *testing.T) {
	url := "postgres://user:secret@host/name"
	c, err := config.Load([]string{"--plain-http", "--store-url-file=" + file(t, url+"\n")}, nil, io.Discard)
	require.NoError(t, err)
	assert.Equal(t, url, c.StoreURL)
	for _, bad := range []string{file(t, "\n"), "/does/not/exist"} {
		_, err := config.Load([]string{"--plain-http", "--store-url-file=" + bad}, nil, io.Discard)
		assert.ErrorContains(t, err, "store-url-file")
	}
}

func TestErrors(t *testing.T) {
	for want, args := range map[string][]string{
		"set tls-cert and tls-key for HTTPS":                {"--store=x"},
		"plain-http and tls-cert exclude each other":        {"--store=x", "--plain-http", "--tls-cert=x"},
		"set store or store-url-file":                       {"--plain-http"},
		"store and store-url-file exclude each other":       {"--plain-http", "--store=x", "--store-url-file=" + file(t, "x")},
		"the setting daily-limit cannot be 0":               {"--plain-http", "--store=x", "--daily-limit=0"},
		"the setting max-watched cannot be 0":               {"--plain-http", "--store=x", "--max-watched=0"},
		"the setting scan-time cannot be 0s":                {"--plain-http", "--store=x", "--scan-time=0"},
		`the setting log-level cannot be "loud"`:            {"--plain-http", "--store=x", "--log-level=loud"},
		"smtp-host needs smtp-from and url":                 {"--plain-http", "--store=x", "--smtp-host=x"},
		"terms-file and terms-version belong together":      {"--plain-http", "--store=x", "--terms-file=x"},
		"db-feed names all feeds":                           {"--plain-http", "--store=x", "--db-feed=x", "--db-mirror=y"},
		`"x" is no setting`:                                 {"x"},
		"unknown flag: --nonsense":                          {"--nonsense"},
		`there is no setting "daily"`:                       {"--config=" + file(t, "daily: 1")},
		"is not a YAML file of settings":                    {"--config=" + file(t, "- 1")},
		`the setting daily-limit cannot be "many"`:          {"--config=" + file(t, "daily-limit: many")},
		`the setting trusted-proxy cannot be "here, there"`: {"--config=" + file(t, "trusted-proxy: here, there")},
		"read the settings":                                 {"--config=/does/not/exist"},
	} {
		_, err := config.Load(args, nil, io.Discard)
		assert.ErrorContains(t, err, want)
	}
	_, err := config.Load(nil, []string{"MICROSCANNER_DAILY_LIMIT=x"}, io.Discard)
	assert.ErrorContains(t, err, "MICROSCANNER_DAILY_LIMIT")
}

// The help and docs/service.md list every setting.
func TestSettingsAreDocumented(t *testing.T) {
	var help bytes.Buffer
	_, err := config.Load([]string{"--help"}, nil, &help)
	require.ErrorIs(t, err, pflag.ErrHelp)
	docs, err := os.ReadFile(filepath.Join("..", "..", "docs", "service.md"))
	require.NoError(t, err)
	n := 0
	for line := range strings.Lines(help.String()) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		name = strings.TrimPrefix(name, "--")
		assert.Contains(t, string(docs), "`"+name+"`")
		n++
	}
	assert.Greater(t, n, 40)
}
