package feedtest_test

import (
	"testing"

	"github.com/example/microscanner-frontend/scanner/distro/alpine"
	"github.com/example/microscanner-frontend/scanner/distro/debian"
	"github.com/example/microscanner-frontend/scanner/feed"
	"github.com/example/microscanner-frontend/scanner/internal/feedtest"
)

const (
	tracker = `{"openssl":{"CVE-2024-0001":{"releases":{"bookworm":{"status":"resolved","fixed_version":"3.0-1","urgency":"low"}}}}}`
	main    = `{"distroversion":"v3.20","packages":[{"pkg":{"name":"openssl","secfixes":{"1.1-r0":["CVE-2019-1111"]}}}]}`
	others  = `{"distroversion":"v3.20","packages":null}`
)

// TestHostile holds for a document, and for a tree of them.
func TestHostile(t *testing.T) {
	f := func(list []feed.Feed, name string) feed.Feed {
		for _, f := range list {
			if f.Name == name {
				return f
			}
		}
		t.Fatal(name)
		return feed.Feed{}
	}
	t.Run("debian", func(t *testing.T) {
		feedtest.Hostile(t, f(debian.Distro().Feeds, "debian"), map[string][]byte{"/json": []byte(tracker)}, "/json")
	})
	t.Run("alpine", func(t *testing.T) {
		feedtest.Hostile(t, f(alpine.Distro().Feeds, "alpine"), map[string][]byte{
			"/v3.20/main.json": []byte(main), "/v3.20/community.json": []byte(others),
		}, "/v3.20/main.json")
	})
}
